/* SPDX-License-Identifier: MIT */
/* Nodes over TLS: certificates say who they are. */
#include "wires.h"

#include <heph/remote/tcp.h>

#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"

static struct made ca, shop, web, other_ca, stranger, old;

static int make_all(void **state)
{
	setenv("HEPH_LOG", "off", 0);
	ca = make_cert(&(struct recipe){ .name = "a root", .ca = true });
	other_ca = make_cert(&(struct recipe){ .name = "a root", .ca = true });
	shop = make_cert(&(struct recipe){
		.name = "not a node",
		.names = "DNS:shop,IP:127.0.0.1,DNS:shop.example",
		.issuer = &ca });
	web = make_cert(&(struct recipe){ .name = "web", .issuer = &ca });
	stranger = make_cert(&(struct recipe){
		.name = "web", .names = "DNS:web", .issuer = &other_ca });
	old = make_cert(&(struct recipe){ .name = "web",
					  .names = "DNS:web",
					  .issuer = &ca,
					  .from = -20,
					  .until = -10 });
	return 0;
}

static int free_all(void **state)
{
	struct made *all[] = { &ca, &shop, &web, &other_ca, &stranger, &old };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		free_cert(all[i]);
	return 0;
}

static struct heph_transport *node_of(const struct made *made, const struct made *root)
{
	struct heph_transport *transport;

	must_be(heph_tcp_tls_new(&transport, .cert_pem = made->pem,
				 .ca_pem = root->cert_pem),
		0);
	return transport;
}

/* ---- two ends ------------------------------------------------------------------------ */

/* What one of them was told. */
struct told {
	struct heph_wire *wire;
	int err; /* of shaking hands, or of the first frame */
	enum heph_trust trust;
	char names[500];
	size_t names_size;
};

static size_t size_of(const char *names)
{
	size_t size = 1;

	while (*names) {
		size += strlen(names) + 1;
		names += strlen(names) + 1;
	}
	return size;
}

static int meet_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct told *told = arg;
	struct end end;
	uint64_t came;

	told->err = open_end(ctx, &end, told->wire);
	if (told->err < 0)
		return 0;
	told->trust = end.wire->trust;
	if (told->trust == HEPH_TRUST_NAME) {
		told->names_size = size_of(end.wire->names);
		must(told->names_size <= sizeof(told->names));
		memcpy(told->names, end.wire->names, told->names_size);
	}
	must_be(send_number(ctx, &end, 1, 100), 0);
	told->err = recv_number(ctx, &end, &came);
	flush_end(ctx, &end);
	close_end(ctx, &end);
	return 0;
}

struct meeting {
	struct net net;
	struct told client, server;
};

static int meet(heph_ctx ctx, act_inbox in, void *arg)
{
	struct meeting *meeting = arg;
	struct net *net = &meeting->net;
	const struct heph_transport_type *type = net->server->type;
	struct heph_door *door;
	act_ref both[2];

	must_be(type->listen(ctx, net->server, "127.0.0.1:0", &door, net->door),
		0);
	must_be(type->connect(ctx, net->client, net->door, &meeting->client.wire),
		0);
	must_be(type->accept(ctx, door, &meeting->server.wire), 0);
	both[0] = spawn_on(ctx, HEPH_WORKER(0), meet_one, &meeting->client);
	both[1] = spawn_on(ctx, HEPH_WORKER(1), meet_one, &meeting->server);
	must_be(heph_join(ctx, both[0], NULL), 0);
	must_be(heph_join(ctx, both[1], NULL), 0);
	type->close_door(ctx, door);
	return 0;
}

/* Both transports are given away. */
static void let_meet(struct meeting *meeting, struct heph_transport *client,
		     struct heph_transport *server)
{
	memset(meeting, 0, sizeof(*meeting));
	meeting->net.client = client;
	meeting->net.server = server;
	run(meet, meeting);
	free_net(&meeting->net);
}

#define assert_names(told_, names_)                                            \
	do {                                                                   \
		assert_int_equal((told_)->err, 100);                           \
		assert_int_equal((told_)->trust, HEPH_TRUST_NAME);             \
		assert_int_equal((told_)->names_size, sizeof(names_));         \
		assert_memory_equal((told_)->names, names_, sizeof(names_));   \
	} while (0)

/* ---- names ----------------------------------------------------------------------------- */

static void each_side_knows_the_names_of_the_other(void **state)
{
	struct meeting meeting;

	let_meet(&meeting, node_of(&web, &ca), node_of(&shop, &ca));
	assert_names(&meeting.client, "shop\0shop.example\0");
	assert_names(&meeting.server, "web\0");
}

static void check_names(const char *name, const char *names, const char *wanted,
			size_t size)
{
	struct made made = make_cert(&(struct recipe){
		.name = name, .names = names, .issuer = &ca });
	struct meeting meeting;

	let_meet(&meeting, node_of(&made, &ca), node_of(&shop, &ca));
	assert_int_equal(meeting.server.names_size, size);
	assert_memory_equal(meeting.server.names, wanted, size);
	free_cert(&made);
}

#define NAMES(text_) (text_), sizeof(text_)

static void the_common_name_counts_without_dns_names_alone(void **state)
{
	char large[65], names[80];

	memset(large, 'x', 64);
	large[64] = '\0';
	snprintf(names, sizeof(names), "DNS:%s", large);
	check_names("a", "email:b@c.d", NAMES("a\0"));
	check_names("a", "DNS:b", NAMES("b\0"));
	check_names("a,CN=b", NULL, NAMES("a,CN=b\0"));
	check_names(large, NULL, NAMES(""));
	check_names("a", names, NAMES("")); /* no node can have that one */
}

/* ---- who is refused ---------------------------------------------------------------------- */

static void check_refused(struct heph_transport *client,
			  struct heph_transport *server, int client_err,
			  int server_err)
{
	struct meeting meeting;

	let_meet(&meeting, client, server);
	assert_true(meeting.client.err < 0);
	assert_true(meeting.server.err < 0);
	if (client_err)
		assert_int_equal(meeting.client.err, client_err);
	if (server_err)
		assert_int_equal(meeting.server.err, server_err);
}

static void certificates_of_others_are_refused(void **state)
{
	check_refused(node_of(&stranger, &ca), node_of(&shop, &ca), 0,
		      -EKEYREJECTED);
	check_refused(node_of(&web, &ca), node_of(&stranger, &ca), -EKEYREJECTED,
		      0);
	check_refused(node_of(&old, &ca), node_of(&shop, &ca), 0, -EKEYEXPIRED);
	check_refused(node_of(&web, &ca), node_of(&old, &ca), -EKEYEXPIRED, 0);
}

static struct heph_transport *plain(void)
{
	struct heph_transport *transport;

	must_be(heph_tcp_plain_new(&transport, 0), 0);
	return transport;
}

static void plain_peers_are_refused(void **state)
{
	check_refused(plain(), node_of(&shop, &ca), 0, -EPROTO);
	check_refused(node_of(&web, &ca), plain(), -EPROTO, 0);
}

/* Who says nothing holds nobody up but who shakes hands with him. */
static int keep_silent(heph_ctx ctx, act_inbox in, void *arg)
{
	struct net *net = arg;
	const struct heph_transport_type *type = net->server->type;
	struct heph_wire *wires[2];
	struct heph_door *door;
	heph_fd silent;

	must_be(type->listen(ctx, net->server, "127.0.0.1:0", &door, net->door),
		0);
	must_be(heph_connect(ctx, net->door, &silent), 0);
	must_be(type->accept(ctx, door, &wires[0]), 0);
	must_be(type->connect(ctx, net->client, net->door, &wires[1]), 0);
	must_be(type->open(heph_within(ctx, 20 * HEPH_MSEC), wires[0]), -ETIME);
	type->close(ctx, wires[0]);
	must_be(type->accept(ctx, door, &wires[0]), 0);
	for (int i = 0; i < 2; i++)
		type->close(ctx, wires[i]);
	type->close_door(ctx, door);
	heph_close(silent);
	return 0;
}

static void a_silent_peer_is_left_at_the_deadline(void **state)
{
	struct net net = { node_of(&shop, &ca), node_of(&web, &ca), NULL, "" };

	run(keep_silent, &net);
	free_net(&net);
}

/* ---- certificates that change ---------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	must(file);
	fputs(text, file);
	must_be(fclose(file), 0);
}

static void new_certificates_are_used_after_a_reload(void **state)
{
	char dir[] = "/tmp/heph-tls-XXXXXX", cert[100], root[100];
	struct heph_transport *node;
	struct meeting meeting;

	must(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(root, sizeof(root), "%s/ca.pem", dir);
	write_file(cert, web.pem);
	write_file(root, ca.cert_pem);
	assert_int_equal(heph_tcp_tls_new(&node, .cert_file = cert,
					  .ca_file = root),
			 0);
	write_file(cert, shop.pem);
	let_meet(&meeting, heph_transport_ref(node), node_of(&shop, &ca));
	assert_names(&meeting.server, "web\0");
	assert_int_equal(heph_tcp_reload(node), 0);
	let_meet(&meeting, heph_transport_ref(node), node_of(&web, &ca));
	assert_names(&meeting.server, "shop\0shop.example\0");
	let_meet(&meeting, node_of(&web, &ca), heph_transport_ref(node));
	assert_names(&meeting.client, "shop\0shop.example\0");
	write_file(cert, "nothing");
	assert_true(heph_tcp_reload(node) < 0);
	let_meet(&meeting, node_of(&web, &ca), heph_transport_ref(node));
	assert_names(&meeting.client, "shop\0shop.example\0");
	heph_transport_free(node);
	unlink(cert);
	unlink(root);
	must_be(rmdir(dir), 0);
}

static void configurations_that_cannot_be(void **state)
{
	struct heph_transport *transport;

	assert_int_equal(heph_tcp_tls_new(&transport), -EINVAL);
	assert_int_equal(heph_tcp_tls_new(&transport, .ca_pem = ca.cert_pem),
			 -EINVAL);
	assert_int_equal(heph_tcp_tls_new(&transport, .cert_pem = shop.pem),
			 -EINVAL);
	assert_int_equal(heph_tcp_tls_new(&transport, .cert_file = "/nowhere",
					  .ca_pem = ca.cert_pem),
			 -ENOENT);
	assert_int_equal(heph_tcp_tls_new(&transport, .cert_pem = shop.cert_pem,
					  .key_pem = "nonsense",
					  .ca_pem = ca.cert_pem),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_side_knows_the_names_of_the_other),
		cmocka_unit_test(the_common_name_counts_without_dns_names_alone),
		cmocka_unit_test(certificates_of_others_are_refused),
		cmocka_unit_test(plain_peers_are_refused),
		cmocka_unit_test(a_silent_peer_is_left_at_the_deadline),
		cmocka_unit_test(new_certificates_are_used_after_a_reload),
		cmocka_unit_test(configurations_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
