/* SPDX-License-Identifier: MIT */
/*
 * Who is believed to be whom. The node "shop" is real; the others say what they like,
 * frame by frame.
 */
#include "../../api/wires.h"

#include "../../api/certs.h"

#include <heph/remote.h>
#include <heph/remote/node.h>
#include <heph/remote/sim.h>
#include <heph/remote/tcp.h>

#include <unistd.h>

#include "remote/frame.h"
#include "remote/peer.h"

enum { ID_W = 0xa1, ID_X = 0xa2, ID_Y = 0xa3, ACTOR = 77 };

/* ---- certificates -------------------------------------------------------------------- */

static struct made root_cert, shop_cert, x_cert, y_cert;

static struct made cert_of(const char *name, const char *names)
{
	return make_cert(&(struct recipe){
		.name = name, .names = names, .issuer = &root_cert });
}

static int make_certs(void **state)
{
	(void)state;
	setenv("HEPH_LOG", "off", 0);
	root_cert = make_cert(&(struct recipe){ .name = "root", .ca = true });
	shop_cert = cert_of("shop", "DNS:shop");
	x_cert = cert_of("x", "DNS:x");
	y_cert = cert_of("y", "DNS:y");
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	free_cert(&root_cert);
	free_cert(&shop_cert);
	free_cert(&x_cert);
	free_cert(&y_cert);
	return 0;
}

static struct heph_transport *tls_of(const struct made *cert)
{
	struct heph_transport *transport;

	must_be(heph_tcp_tls_new(&transport, .cert_pem = cert->pem,
				 .ca_pem = root_cert.cert_pem),
		0);
	return transport;
}

static struct heph_transport *plain(void)
{
	struct heph_transport *transport;

	must_be(heph_tcp_plain_new(&transport, 0), 0);
	return transport;
}

/* ---- those who say what they like ------------------------------------------------------- */

static heph_ctx soon(heph_ctx ctx)
{
	return heph_within(ctx, 20 * HEPH_SEC);
}

struct raw {
	struct end end;
	uint64_t seq, come;
};

static void say(heph_ctx ctx, struct raw *raw, struct heph_frame *frame)
{
	heph_frame_set_ack(frame, raw->come);
	must_be(heph_send(soon(ctx), raw->end.writer,
			  { .n = (long)frame->size, .owned = frame->data }),
		0);
}

static void say_body(heph_ctx ctx, struct raw *raw, enum heph_frame_type type,
		     const void *body, size_t size)
{
	struct heph_frame frame;

	must_be(heph_frame_new(&frame, type, 0, 0, size), 0);
	heph_put_bytes(heph_frame_body(&frame), body, size);
	if (type >= HEPH_FRAME_SEND)
		heph_frame_set_seq(&frame, ++raw->seq);
	say(ctx, raw, &frame);
}

static void say_hello(heph_ctx ctx, struct raw *raw, uint64_t id,
		      const char *name)
{
	struct heph_hello hello = {
		.id = id, .wire = id + 1, .window = 8, .frame_max = 4096
	};
	struct heph_frame frame;

	strcpy(hello.name, name);
	must_be(heph_hello_write(&hello, &frame), 0);
	say(ctx, raw, &frame);
}

static void say_ready(heph_ctx ctx, struct raw *raw)
{
	struct heph_ready ready = { 0 };
	struct heph_frame frame;

	must_be(heph_ready_write(&ready, &frame), 0);
	say(ctx, raw, &frame);
}

static void say_goodbye(heph_ctx ctx, struct raw *raw, int err)
{
	struct heph_frame frame;

	must_be(heph_frame_new(&frame, HEPH_FRAME_GOODBYE, 0, (uint32_t)-err, 0),
		0);
	say(ctx, raw, &frame);
}

/* Tells of "y", or by whatever name. */
static void say_meet(heph_ctx ctx, struct raw *raw, const char *name,
		     const char *where)
{
	unsigned char body[300], *at = heph_put_u64(body, ID_Y);

	at = heph_put_bytes(at, name, strlen(name) + 1);
	at = heph_put_bytes(at, "tcp", 4);
	at = heph_put_bytes(at, where, strlen(where) + 1);
	say_body(ctx, raw, HEPH_FRAME_MEET, body, (size_t)(at - body));
}

static struct heph_frame_view hear(heph_ctx ctx, struct raw *raw)
{
	struct heph_frame_view view;
	const void *data;
	int n = raw->end.wire->type->recv(soon(ctx), raw->end.wire, &data);

	must(n >= 0);
	must_be(heph_frame_view(data, (size_t)n, &view), 0);
	raw->come = view.seq > raw->come ? view.seq : raw->come;
	return view;
}

/* What comes first, but for frames that only say that somebody is there. */
static struct heph_frame_view hear_more(heph_ctx ctx, struct raw *raw)
{
	struct heph_frame_view view;

	do {
		view = hear(ctx, raw);
	} while (view.type == HEPH_FRAME_PING || view.type == HEPH_FRAME_ACK);
	return view;
}

static void must_be_refused(heph_ctx ctx, struct raw *raw, int err)
{
	struct heph_frame_view view = hear_more(ctx, raw);

	must_be(view.type, HEPH_FRAME_GOODBYE);
	must_be(view.number, -err);
}

/* Nothing else came before. */
static void must_hear_pong(heph_ctx ctx, struct raw *raw)
{
	uint64_t time = 1;

	say_body(ctx, raw, HEPH_FRAME_PING, &time, sizeof(time));
	must_be(hear_more(ctx, raw).type, HEPH_FRAME_PONG);
}

static void reach(heph_ctx ctx, struct raw *raw, struct heph_transport *by,
		  const char *where)
{
	struct heph_wire *wire;

	*raw = (struct raw){ 0 };
	must_be(by->type->connect(soon(ctx), by, where, &wire), 0);
	must_be(open_end(ctx, &raw->end, wire), 0);
}

static struct heph_hello greet(heph_ctx ctx, struct raw *raw, uint64_t id,
			       const char *name)
{
	struct heph_frame_view view;
	struct heph_hello hello;

	say_hello(ctx, raw, id, name);
	view = hear(ctx, raw);
	must_be(heph_hello_read(&view, &hello), 0);
	return hello;
}

/* The peer is there when this returns. */
static void come_in(heph_ctx ctx, struct raw *raw, uint64_t id, const char *name)
{
	greet(ctx, raw, id, name);
	say_ready(ctx, raw);
	must_hear_pong(ctx, raw);
}

static void leave(heph_ctx ctx, struct raw *raw)
{
	close_end(ctx, &raw->end);
}

/* ---- the node -------------------------------------------------------------------------- */

struct shop {
	heph_node node;
	struct heph_transport *tls, *plain;      /* its own */
	struct heph_transport *x, *y;            /* of others */
	char where[HEPH_WHERE_MAX], unix_where[HEPH_WHERE_MAX];
};

static struct shop *open_shop(heph_ctx ctx)
{
	struct shop *shop = calloc(1, sizeof(*shop));
	char where[HEPH_WHERE_MAX];

	must(shop);
	shop->tls = tls_of(&shop_cert);
	shop->plain = plain();
	shop->x = tls_of(&x_cert);
	shop->y = tls_of(&y_cert);
	must_be(heph_node_start(ctx, &shop->node, .name = "shop"), 0);
	must_be(heph_node_listen(ctx, shop->node, shop->tls, "127.0.0.1:0",
				 shop->where),
		0);
	snprintf(where, sizeof(where), "unix:@heph-ident-%d", (int)getpid());
	must_be(heph_node_listen(ctx, shop->node, shop->plain, where,
				 shop->unix_where),
		0);
	return shop;
}

static void close_shop(heph_ctx ctx, struct shop *shop)
{
	must_be(heph_node_stop(soon(ctx), shop->node), 0);
	heph_transport_free(shop->tls);
	heph_transport_free(shop->plain);
	heph_transport_free(shop->x);
	heph_transport_free(shop->y);
	free(shop);
}

/* ---- sessions belong to names ------------------------------------------------------------- */

static int take_over(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *raws = calloc(3, sizeof(*raws)), *x = raws, *y = raws + 1,
		   *z = raws + 2;

	(void)in, (void)arg;
	/* x has said the id before y, and is ready after it. */
	reach(ctx, z, shop->x, shop->where);
	must_be(greet(ctx, z, ID_Y, "x").expected, 0);
	reach(ctx, y, shop->y, shop->where);
	come_in(ctx, y, ID_Y, "y");
	say_ready(ctx, z);
	must_be_refused(ctx, z, -EEXIST);
	must_hear_pong(ctx, y);
	/* x comes later, under its own name. */
	reach(ctx, x, shop->x, shop->where);
	say_hello(ctx, x, ID_Y, "x");
	must_be_refused(ctx, x, -EEXIST);
	must_hear_pong(ctx, y);
	/* y itself is offered its session. */
	leave(ctx, x);
	reach(ctx, x, shop->y, shop->where);
	must(greet(ctx, x, ID_Y, "y").expected == ID_Y);
	for (int i = 0; i < 3; i++)
		leave(ctx, &raws[i]);
	free(raws);
	close_shop(ctx, shop);
	return 0;
}

static void a_session_is_that_of_one_name(void **state)
{
	(void)state;
	run(take_over, NULL);
}

/* By a plain door beside that of TLS anybody may say to be y. */
static int be_unsure(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *raws = calloc(2, sizeof(*raws)), *x = raws, *y = raws + 1;

	(void)in, (void)arg;
	reach(ctx, y, shop->y, shop->where);
	come_in(ctx, y, ID_Y, "y");
	reach(ctx, x, shop->plain, shop->unix_where);
	say_hello(ctx, x, ID_Y, "y");
	must_be_refused(ctx, x, -EPERM);
	must_hear_pong(ctx, y);
	for (int i = 0; i < 2; i++)
		leave(ctx, &raws[i]);
	free(raws);
	close_shop(ctx, shop);
	return 0;
}

static void a_session_stays_as_sure_as_it_was(void **state)
{
	(void)state;
	run(be_unsure, NULL);
}

/* ---- references belong to names ------------------------------------------------------------ */

struct cell_msg {
	int32_t n;
};
HEPH_CODEC(cell_msg, struct cell_msg, HEPH_FIELD(n));
HEPH_ACTOR(cell, struct cell_msg, void);
HEPH_REMOTE(cell, cell_msg);

static int cell_main(heph_ctx ctx, cell_inbox in)
{
	struct cell_msg msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(cell, cell_main);

struct asking {
	heph_node node;
	const char *name;
	cell_ref ref;
	int err;
};

static int ask_it(heph_ctx ctx, act_inbox in, void *arg)
{
	struct asking *asking = arg;

	(void)in;
	asking->err = heph_node_whereis(soon(ctx), asking->node,
					asking->name, cell, "it",
					&asking->ref);
	return 0;
}

/* The shop asks w, or whatever its name, for somebody, and gets an actor of the node
 * with y's id. */
static int get_ref(heph_ctx ctx, struct shop *shop, struct raw *w,
		   const char *name, cell_ref *ret_ref)
{
	static struct asking asking;
	struct heph_wire_ref ref = { .node = ID_Y, .id = ACTOR, .code = 1234 };
	unsigned char body[8 + HEPH_WIRE_REF];
	struct heph_frame_view view;
	act_ref asker;

	asking = (struct asking){ .node = shop->node, .name = name };
	asker = spawn_on(ctx, HEPH_HERE, ask_it, &asking);
	view = hear_more(ctx, w);
	must_be(view.type, HEPH_FRAME_WHEREIS);
	memcpy(body, view.body, 8);
	heph_wire_ref_write(&ref, body + 8);
	say_body(ctx, w, HEPH_FRAME_FOUND, body, sizeof(body));
	must_be(heph_join(soon(ctx), asker, NULL), 0);
	*ret_ref = asking.ref;
	return asking.err;
}

static uint64_t refused(heph_ctx ctx, struct shop *shop)
{
	struct heph_node_stats stats;

	must_be(heph_node_stats(ctx, shop->node, &stats), 0);
	return stats.refused;
}

/* w has told of y, which is not there; x says to be that id. */
static int steal(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *raws = calloc(3, sizeof(*raws)), *w = raws, *x = raws + 1,
		   *y = raws + 2;
	uint64_t before;
	cell_ref ref;

	(void)in, (void)arg;
	reach(ctx, w, shop->plain, shop->unix_where);
	come_in(ctx, w, ID_W, "w");
	say_meet(ctx, w, "y", "unix:@nobody-is-here");
	must_be(get_ref(ctx, shop, w, "w", &ref), 0);
	reach(ctx, x, shop->plain, shop->unix_where);
	say_hello(ctx, x, ID_Y, "x");
	must_be_refused(ctx, x, -EEXIST);
	/* Nor when w says now that this is the name. */
	before = refused(ctx, shop);
	say_meet(ctx, w, "x", "unix:@nobody-is-here");
	must_hear_pong(ctx, w);
	must_be(refused(ctx, shop), before + 1);
	leave(ctx, x);
	reach(ctx, x, shop->plain, shop->unix_where);
	say_hello(ctx, x, ID_Y, "x");
	must_be_refused(ctx, x, -EEXIST);
	/* y gets what is for it. */
	reach(ctx, y, shop->plain, shop->unix_where);
	greet(ctx, y, ID_Y, "y");
	say_ready(ctx, y);
	must_be(hear_more(ctx, y).type, HEPH_FRAME_MONITOR);
	must(heph_alive(ref));
	for (int i = 0; i < 3; i++)
		leave(ctx, &raws[i]);
	free(raws);
	close_shop(ctx, shop);
	return 0;
}

static void what_is_for_a_third_node_waits_for_its_name(void **state)
{
	(void)state;
	run(steal, NULL);
}

/* x was there first, with the id of y. */
static int be_first(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *raws = calloc(2, sizeof(*raws)), *w = raws, *x = raws + 1;
	cell_ref ref;

	(void)in, (void)arg;
	reach(ctx, w, shop->plain, shop->unix_where);
	come_in(ctx, w, ID_W, "w");
	reach(ctx, x, shop->plain, shop->unix_where);
	come_in(ctx, x, ID_Y, "x");
	say_meet(ctx, w, "y", ""); /* also if it is not known where */
	must_be(get_ref(ctx, shop, w, "w", &ref), -EACCES);
	must_hear_pong(ctx, x);
	must_be(refused(ctx, shop), 1);
	for (int i = 0; i < 2; i++)
		leave(ctx, &raws[i]);
	free(raws);
	close_shop(ctx, shop);
	return 0;
}

static void who_says_another_id_gets_nothing_by_it(void **state)
{
	(void)state;
	run(be_first, NULL);
}

/* ---- by which transport ---------------------------------------------------------------------- */

static int ask_where(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *raws = calloc(2, sizeof(*raws));

	(void)in, (void)arg;
	reach(ctx, &raws[0], shop->plain, shop->unix_where);
	must(strcmp(greet(ctx, &raws[0], ID_W, "w").where, shop->unix_where) ==
	     0);
	reach(ctx, &raws[1], shop->x, shop->where);
	must(strcmp(greet(ctx, &raws[1], ID_X, "x").where, shop->where) == 0);
	for (int i = 0; i < 2; i++)
		leave(ctx, &raws[i]);
	free(raws);
	close_shop(ctx, shop);
	return 0;
}

static void a_door_is_told_to_those_who_use_its_transport(void **state)
{
	(void)state;
	run(ask_where, NULL);
}

/* The next one who connects. */
static struct heph_wire *let_in(heph_ctx ctx, struct heph_transport *by,
				struct heph_door *door)
{
	struct heph_wire *wire;
	int err;

	while ((err = by->type->accept(soon(ctx), door, &wire)) == -EAGAIN)
		;
	must_be(err, 0);
	return wire;
}

/* x, which came by TLS, tells of a node: it is dialled by TLS, so what comes to a
 * plain door there is no frame. */
static int meet_by_tls(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct raw *x = calloc(1, sizeof(*x));
	char where[HEPH_WHERE_MAX];
	struct heph_transport *by;
	struct heph_door *door;
	struct heph_wire *wire;
	const void *data;
	cell_ref ref;

	(void)in, (void)arg;
	must_be(heph_tcp_plain_new(&by, 4096), 0);
	must_be(by->type->listen(ctx, by, "127.0.0.1:0", &door, where), 0);
	reach(ctx, x, shop->x, shop->where);
	come_in(ctx, x, ID_X, "x");
	say_meet(ctx, x, "y", where);
	must_be(get_ref(ctx, shop, x, "x", &ref), 0);
	wire = let_in(ctx, by, door);
	must_be(wire->type->open(soon(ctx), wire), 0);
	must(wire->type->recv(soon(ctx), wire, &data) < 0);
	wire->type->close(ctx, wire);
	by->type->close_door(ctx, door);
	heph_transport_free(by);
	leave(ctx, x);
	free(x);
	close_shop(ctx, shop);
	return 0;
}

static void who_is_told_of_by_tls_is_dialled_by_tls(void **state)
{
	(void)state;
	run(meet_by_tls, NULL);
}

/* ---- strangers at an address --------------------------------------------------------------- */

struct dialling {
	struct shop *shop;
	char where[HEPH_WHERE_MAX];
	int err;
};

static int dial_y(heph_ctx ctx, act_inbox in, void *arg)
{
	struct dialling *dialling = arg;
	struct shop *shop = dialling->shop;

	(void)in;
	dialling->err = heph_node_connect(soon(ctx), shop->node, shop->tls,
					  dialling->where, "y");
	return 0;
}

static void come(heph_ctx ctx, struct raw *raw, struct heph_transport *by,
		 struct heph_door *door)
{
	*raw = (struct raw){ 0 };
	must_be(open_end(ctx, &raw->end, let_in(ctx, by, door)), 0);
	must_be(hear(ctx, raw).type, HEPH_FRAME_HELLO);
}

static int refuse_for_y(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = open_shop(ctx);
	struct dialling *dialling = calloc(1, sizeof(*dialling));
	const struct heph_transport_type *type = shop->x->type;
	struct raw *raw = calloc(1, sizeof(*raw));
	struct heph_door *door;
	act_ref dialler;

	(void)in, (void)arg;
	must_be(type->listen(ctx, shop->x, "127.0.0.1:0", &door,
			     dialling->where),
		0);
	dialling->shop = shop;
	dialler = spawn_on(ctx, HEPH_HERE, dial_y, dialling);
	/* x says no, as if it were y. */
	for (int i = 0; i < 2; i++) {
		come(ctx, raw, shop->x, door);
		say_goodbye(ctx, raw, -EACCES);
		flush_end(ctx, &raw->end);
		leave(ctx, raw);
	}
	type->close_door(ctx, door);
	/* y says yes. */
	must_be(type->listen(ctx, shop->y, dialling->where, &door,
			     dialling->where),
		0);
	come(ctx, raw, shop->y, door);
	say_hello(ctx, raw, ID_Y, "y");
	must_be(hear(ctx, raw).type, HEPH_FRAME_READY);
	must_be(heph_join(soon(ctx), dialler, NULL), 0);
	must_be(dialling->err, 0);
	leave(ctx, raw);
	type->close_door(ctx, door);
	/* It is not x that ends it, later. */
	must_be(type->listen(ctx, shop->x, dialling->where, &door,
			     dialling->where),
		0);
	for (int i = 0; i < 2; i++) {
		come(ctx, raw, shop->x, door);
		say_hello(ctx, raw, ID_X, "x");
		must_be_refused(ctx, raw, -EACCES);
		leave(ctx, raw);
	}
	type->close_door(ctx, door);
	free(raw);
	close_shop(ctx, shop);
	free(dialling);
	return 0;
}

static void only_who_is_wanted_can_refuse_for_good(void **state)
{
	(void)state;
	run(refuse_for_y, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_that_of_one_name),
		cmocka_unit_test(a_session_stays_as_sure_as_it_was),
		cmocka_unit_test(what_is_for_a_third_node_waits_for_its_name),
		cmocka_unit_test(who_says_another_id_gets_nothing_by_it),
		cmocka_unit_test(a_door_is_told_to_those_who_use_its_transport),
		cmocka_unit_test(who_is_told_of_by_tls_is_dialled_by_tls),
		cmocka_unit_test(only_who_is_wanted_can_refuse_for_good),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
