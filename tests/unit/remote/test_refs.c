/* SPDX-License-Identifier: MIT */
/*
 * Frames about references, from a peer who is not to be trusted: frames in, effects
 * and frames out. The side of bytes is played here.
 */
#include "../../api/act.h"

#include <inttypes.h>

#include "remote/calls.h"
#include "remote/home.h"
#include "remote/meet.h"
#include "remote/mem.h"
#include "remote/message.h"
#include "remote/import.h"
#include "remote/refs.h"
#include "remote/stub.h"

/* ---- whom it is about -------------------------------------------------------------- */

struct cell_msg;
HEPH_ACTOR(cell, struct cell_msg, void);
HEPH_REMOTE_LATER(cell);
struct cell_msg {
	int32_t n;
	cell_ref to;
	char *text;
	HEPH_REPLY(int32_t) answer;
};
HEPH_CODEC(cell_msg, struct cell_msg, HEPH_FIELD(n),
	   HEPH_FIELD_REF_OF(to, cell), HEPH_FIELD(text, .max = 100),
	   HEPH_FIELD_REPLY(answer));
HEPH_REMOTE(cell, cell_msg);

static int32_t sum; /* all is on one worker */
static cell_ref latest;

/* Adds up what it gets, and answers with that; -1 ends it, -2 is never answered, -3
 * is a sleep. */
static int cell_main(heph_ctx ctx, cell_inbox in)
{
	struct cell_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		cell_msg_drop(&(struct cell_msg){ .text = msg.text });
		if (msg.to.addr.id)
			latest = msg.to;
		if (msg.n == -1)
			return -EBADF;
		if (msg.n == -3)
			(void)!heph_sleep(ctx, HEPH_NEVER);
		if (msg.n < 0)
			continue;
		sum += msg.n;
		if (msg.answer.raw.call)
			heph_answer(msg.answer, sum);
	}
	return err;
}
HEPH_ACTOR_MAIN(cell, cell_main, .drop = cell_msg_drop);

/* ---- the side of bytes ---------------------------------------------------------------- */

enum { POSTED = 4096 };

static struct heph_frame posted[POSTED];
static unsigned n_posted, n_read, n_closed;
static int closed_with, post_fails;
static struct heph_job *jobs;

int heph_peer_post(struct heph_peer *peer, struct heph_frame *frame)
{
	(void)peer;
	if (post_fails) {
		heph_frame_free(frame);
		return post_fails;
	}
	must(n_posted < POSTED);
	posted[n_posted++] = *frame;
	return 0;
}

int heph_peer_send(heph_ctx ctx, struct heph_peer *peer, struct heph_frame *frame)
{
	(void)ctx;
	return heph_peer_post(peer, frame);
}

void heph_peer_do(struct heph_peer *peer, struct heph_job *job)
{
	(void)peer;
	job->next__ = jobs;
	jobs = job;
}

void heph_peer_close(struct heph_peer *peer, int err)
{
	peer->closing = true;
	n_closed++;
	closed_with = err;
}

struct heph_peer *heph_peer_hold(struct heph_peer *peer)
{
	peer->holds++;
	return peer;
}

void heph_peer_release(struct heph_peer *peer)
{
	peer->holds--;
}

static struct heph_peer *the_peer;

struct heph_peer *heph_node_peer_by_id(const struct heph_node_state *node,
				       uint64_t id)
{
	(void)node;
	return the_peer && the_peer->id == id ? the_peer : NULL;
}

struct heph_peer *heph_node_peer(const struct heph_node_state *node,
				 const char *name)
{
	(void)node, (void)name;
	return NULL;
}

uint64_t heph_node_random(heph_ctx ctx)
{
	static uint64_t n = 12345;

	(void)ctx;
	return n = n * UINT64_C(6364136223846793005) + 1;
}

int heph_node_meet(heph_ctx ctx, struct heph_node_state *node, uint64_t id,
		   const char *name, struct heph_transport *by, const char *where)
{
	(void)ctx, (void)node, (void)id, (void)name, (void)by, (void)where;
	return -EPROTONOSUPPORT;
}

void heph_node_unmeet(struct heph_node_state *node, uint64_t id)
{
	(void)node, (void)id;
}

/* ---- a peer ------------------------------------------------------------------------------ */

enum { WINDOW = 8, OUR_ID = 1000, PEER_ID = 2000 };

struct world {
	struct heph_node_state node;
	struct heph_peer peer;
	cell_ref cell;
	struct heph_wire_ref ref; /* to it */
	uint64_t hash;
};

static struct world it; /* not on a stack: proxies know the peer */

static void enter(heph_ctx ctx, struct world *world)
{
	static const struct heph_node_config config = {
		.window = WINDOW,
		.calls = 4,
		.refs = 16,
		.peers = 2,
		.spawned = 2,
		.handshake = 10 * HEPH_MSEC,
	};

	memset(world, 0, sizeof(*world));
	sum = 0;
	latest = (cell_ref){ 0 };
	n_posted = n_read = n_closed = 0;
	closed_with = post_fails = 0;
	world->node.config = config;
	world->node.id = OUR_ID;
	world->peer.node = &world->node;
	world->peer.id = PEER_ID;
	world->peer.window = WINDOW;
	world->peer.frame_max = 4096;
	world->peer.holds = 1;
	strcpy(world->peer.name, "peer");
	the_peer = &world->peer;
	must_be(heph_home_init(ctx, &world->node), 0);
	must_be(heph_refs_init(ctx, &world->peer), 0);
	must_be(heph_spawn(ctx, cell, &world->cell), 0);
	world->peer.self.addr.node = world->cell.addr.node;
	must_be(heph_home_out(&world->node, cell_remote(), world->cell.addr, 0,
			      &world->ref),
		0);
	world->hash = heph_remote_hash(cell_remote());
}

static void do_jobs(heph_ctx ctx, struct world *world)
{
	struct heph_job *job;

	while ((job = jobs)) {
		jobs = job->next__;
		job->run(ctx, &world->peer, job);
	}
}

/* All that happens by itself, until nothing does. */
static void settle(heph_ctx ctx, struct world *world)
{
	enum { ANSWER, DOWN };
	struct heph_pending pending;
	struct heph_down down;

	for (int quiet = 0; quiet < 20; quiet++) {
		must_be(heph_yield(ctx), 0);
		do_jobs(ctx, world);
		switch (heph_wait(heph_until(ctx, 0),
				  [ANSWER] = heph_on_any_answer(&pending),
				  [DOWN] = heph_on_down(&down))) {
		case ANSWER:
			heph_refs_answered(ctx, &world->peer, &pending);
			quiet = 0;
			break;
		case DOWN:
			heph_refs_down(ctx, &world->peer, &down);
			quiet = 0;
			break;
		default:
			break;
		}
	}
}

static void leave(heph_ctx ctx, struct world *world)
{
	struct heph_down down;

	heph_refs_fini(ctx, &world->peer);
	stop_and_join(ctx, (act_ref){ .addr = world->cell.addr });
	do_jobs(ctx, world);
	while (world->node.proxies) /* those to third nodes */
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	while (heph_wait(heph_until(ctx, 0), heph_on_down(&down)) == 0)
		;
	heph_home_fini(ctx, &world->node);
	must_be(world->peer.holds, 1);
	must_be(world->node.exports, 0);
	must_be(world->node.proxies, 0);
	for (unsigned i = n_read; i < n_posted; i++)
		heph_frame_free(&posted[i]);
	the_peer = NULL;
}

/* ---- frames that come ------------------------------------------------------------------ */

struct body {
	unsigned char bytes[512];
	size_t size;
};

static void put(struct body *body, const void *data, size_t size)
{
	memcpy(body->bytes + body->size, data, size);
	body->size += size;
}

static void put_u64(struct body *body, uint64_t value)
{
	heph_put_u64(body->bytes + body->size, value);
	body->size += 8;
}

static void put_ref(struct body *body, const struct heph_wire_ref *ref)
{
	heph_wire_ref_write(ref, body->bytes + body->size);
	body->size += HEPH_WIRE_REF;
}

static int come(heph_ctx ctx, struct world *world, enum heph_frame_type type,
		uint32_t number, const struct body *body)
{
	/* On the heap and no larger, so that nobody reads beyond. */
	unsigned char *exact = malloc(body->size + 1);
	const struct heph_frame_view view = { .type = type,
					      .number = number,
					      .body = exact,
					      .size = body->size };
	int err;

	memcpy(exact, body->bytes, body->size);
	err = heph_refs_frame(ctx, &world->peer, &view);
	free(exact);
	return err;
}

/* [n, to, text, call] */
static void put_msg(struct body *body, int n, const struct heph_wire_ref *to,
		    uint64_t call)
{
	static const unsigned char array = 0x84, nothing = 0x40, null = 0xf6;
	unsigned char head[9] = { 0x1a, 0, 0, 0, 0 };

	put(body, &array, 1);
	if (n < 0)
		head[0] = 0x3a;
	head[4] = (unsigned char)(n < 0 ? -n - 1 : n);
	put(body, head, 5);
	if (to) {
		put(body, (unsigned char[]){ 0x58, 32 }, 2);
		put_ref(body, to);
	} else {
		put(body, &nothing, 1);
	}
	put(body, &null, 1);
	head[0] = 0x1b;
	for (int i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)(call >> (8 * (7 - i)));
	put(body, head, 9);
}

static int come_send(heph_ctx ctx, struct world *world,
		     const struct heph_wire_ref *ref, uint64_t hash, int n,
		     const struct heph_wire_ref *to)
{
	struct body body = { .size = 0 };

	put_ref(&body, ref);
	put_u64(&body, hash);
	put_msg(&body, n, to, 0);
	return come(ctx, world, HEPH_FRAME_SEND, 0, &body);
}

static int come_call(heph_ctx ctx, struct world *world, int n, uint64_t call,
		     uint64_t ns, uint64_t in_message)
{
	struct body body = { .size = 0 };

	put_ref(&body, &world->ref);
	put_u64(&body, world->hash);
	put_u64(&body, call);
	put_u64(&body, ns);
	put_msg(&body, n, NULL, in_message);
	return come(ctx, world, HEPH_FRAME_CALL, 0, &body);
}

/* ---- frames that leave -------------------------------------------------------------------- */

/* Until so many wait to be sent, and no more may. On a slow machine the time may be over
 * before. Returns what the last one was. */
static int send_until(heph_ctx ctx, cell_ref proxy, unsigned n)
{
	int err = 0;

	while (err == 0 || (err == -ETIME && n_posted - n_read < n))
		err = heph_send(heph_within(ctx, 5 * HEPH_MSEC), proxy, { .n = 1 });
	return err;
}

static struct heph_frame_view next_view(struct heph_frame *ret_frame)
{
	struct heph_frame_view view;

	must(n_read < n_posted);
	*ret_frame = posted[n_read++];
	must_be(heph_frame_view(ret_frame->data, ret_frame->size, &view), 0);
	return view;
}

static uint64_t number_of(const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	uint64_t number;

	must_be(heph_cut_u64(&cut, &number), 0);
	return number;
}

/* The next one is of that type, about that, with that errno. */
static void leaves(enum heph_frame_type type, uint64_t number, int err)
{
	struct heph_frame frame;
	struct heph_frame_view view = next_view(&frame);

	must_be(view.type, type);
	must_be(number_of(&view), number);
	must_be(view.number, -err);
	heph_frame_free(&frame);
}

static void leaves_nothing(void)
{
	must_be(n_posted - n_read, 0);
}

/* ---- what is good ----------------------------------------------------------------------------- */

static int good(heph_ctx ctx, act_inbox in, void *arg)
{
	struct body body = { .size = 0 };

	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(come_send(ctx, &it, &it.ref, it.hash, 5, NULL), 0);
	must_be(come_call(ctx, &it, 6, 77, 0, 77), 0);
	settle(ctx, &it);
	must_be(sum, 11);
	leaves(HEPH_FRAME_ANSWER, 77, 0);
	leaves_nothing();
	put_ref(&body, &it.ref);
	must_be(come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body), 0);
	must_be(come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body), 0); /* twice */
	must_be(come_call(ctx, &it, -2, 78, 0, 78), 0);
	leaves(HEPH_FRAME_CREDIT, it.ref.id, 0);
	must_be(come_send(ctx, &it, &it.ref, it.hash, -1, NULL), 0);
	settle(ctx, &it);
	leaves(HEPH_FRAME_ANSWER, 78, -EPIPE);
	leaves(HEPH_FRAME_DOWN, it.ref.id, -EBADF);
	leaves_nothing();
	must_be(come_call(ctx, &it, 1, 79, 0, 79), 0);
	leaves(HEPH_FRAME_ANSWER, 79, -ESRCH);
	must_be(come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body), 0);
	settle(ctx, &it);
	leaves(HEPH_FRAME_DOWN, it.ref.id, -ESRCH);
	leaves_nothing();
	leave(ctx, &it);
	return 0;
}

static void reach_actors(void **state)
{
	(void)state;
	run(good, NULL);
}

/* ---- what is not --------------------------------------------------------------------------------- */

static int forged(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref;
	struct body body = { .size = 0 };
	act_ref other;

	(void)in, (void)arg;
	enter(ctx, &it);
	for (int i = 0; i < 5; i++) {
		ref = it.ref;
		switch (i) {
		case 0:
			ref.code ^= 1;
			break;
		case 1:
			ref.rights = HEPH_MAY_STOP;
			break;
		case 2:
			ref.id++;
			break;
		case 3:
			ref.node++;
			break;
		default:
			ref.slot ^= 1;
			break;
		}
		must_be(come_send(ctx, &it, &ref, it.hash, 1, NULL), 0);
	}
	/* One of ours that was never given away has no type, and no code. */
	other = spawn_on(ctx, HEPH_HERE, idle, NULL);
	ref = it.ref;
	ref.id = other.addr.id;
	ref.slot = other.addr.slot;
	must_be(come_send(ctx, &it, &ref, it.hash, 1, NULL), 0);
	heph_wire_ref_sign(&it.node, &ref); /* as if it had our key */
	must_be(come_send(ctx, &it, &ref, it.hash, 1, NULL), 0);
	settle(ctx, &it);
	must_be(sum, 0);
	must_be(it.peer.stats.refused, 6);
	must_be(it.peer.stats.lost, 1);

	/* A good reference to one that may not be stopped. */
	put_ref(&body, &it.ref);
	must_be(come(ctx, &it, HEPH_FRAME_STOP, 0, &body), 0);
	settle(ctx, &it);
	must(heph_alive(it.cell));
	must_be(it.peer.stats.refused, 7);

	/* A forged one of ours in a message; and the good one comes home. */
	ref = it.ref;
	ref.code ^= 1;
	must_be(come_send(ctx, &it, &it.ref, it.hash, 1, &ref), 0);
	must_be(come_send(ctx, &it, &it.ref, it.hash, 1, &it.ref),
		0);
	settle(ctx, &it);
	must_be(sum, 1);
	must(heph_same(latest, it.cell));
	leaves_nothing();
	stop_and_join(ctx, other);

	/* It may be one that has ended meanwhile. */
	ref = it.ref;
	ref.id = other.addr.id;
	ref.slot = other.addr.slot;
	heph_wire_ref_sign(&it.node, &ref);
	must_be(come_send(ctx, &it, &it.ref, it.hash, 1, &ref), 0);
	settle(ctx, &it);
	must(latest.addr.id == other.addr.id && !heph_alive(latest));
	must_be(heph_try_send(latest, { .n = 1 }), -ESRCH);
	leave(ctx, &it);
	return 0;
}

static void are_not_forged(void **state)
{
	(void)state;
	run(forged, NULL);
}

static int wrong(heph_ctx ctx, act_inbox in, void *arg)
{
	static const uint64_t odd[] = { 0, 1, UINT64_MAX, UINT64_MAX - 1,
					(uint64_t)1 << 63, 1u << 31 };
	struct body body;

	(void)in, (void)arg;
	enter(ctx, &it);
	/* Of another type. */
	must_be(come_send(ctx, &it, &it.ref, it.hash + 1, 1, NULL), 0);
	must_be(it.peer.stats.refused, 1);
	/* It calls, and does not say so; says so, and does not; twice differently. */
	must_be(come_call(ctx, &it, 1, 50, 0, 0), 0);
	leaves(HEPH_FRAME_ANSWER, 50, -EPROTO);
	must_be(come_call(ctx, &it, 1, 50, 0, 51), 0);
	leaves(HEPH_FRAME_ANSWER, 50, -EPROTO);
	leaves(HEPH_FRAME_CREDIT, it.ref.id, 0); /* they are counted */
	must_be(come_call(ctx, &it, 1, 0, 0, 1), -EPROTO);
	must_be(sum, 0);

	/* Truncated, everywhere. */
	body.size = 0;
	put_ref(&body, &it.ref);
	put_u64(&body, it.hash);
	put_u64(&body, 60);
	put_u64(&body, 0);
	put_msg(&body, 1, NULL, 60);
	for (size_t size = body.size; size-- > 0;) {
		struct body cut = body;
		int err;

		cut.size = size;
		err = come(ctx, &it, HEPH_FRAME_CALL, 0, &cut);
		must(err == -EPROTO || err == 0);
	}
	settle(ctx, &it);
	must_be(sum, 0);

	/* Numbers that nobody has given. */
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		static const enum heph_frame_type types[] = {
			HEPH_FRAME_ANSWER, HEPH_FRAME_DOWN,
			HEPH_FRAME_FOUND, HEPH_FRAME_LISTED,
			HEPH_FRAME_TAPPED,
		};

		body.size = 0;
		put_u64(&body, odd[i]);
		for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
			must_be(come(ctx, &it, types[t], 0, &body), 0);
		must_be(come(ctx, &it, HEPH_FRAME_ANSWER, 5000, &body),
			-EPROTO);
		put_u64(&body, odd[i]);
		must_be(come(ctx, &it, HEPH_FRAME_CREDIT, 0, &body), 0);
		must_be(come(ctx, &it, HEPH_FRAME_MEET, 0, &body), -EPROTO);
	}
	must_be(come(ctx, &it, HEPH_FRAME_HELLO, 0, &body), -EPROTO);
	leave(ctx, &it);
	return 0;
}

static void are_used_rightly(void **state)
{
	(void)state;
	run(wrong, NULL);
}

/* As many as may be peers, and they are forgotten with who told. */
static int tell_much(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char text[] = "y\0tcp\0y:1";
	struct body body;

	(void)in, (void)arg;
	enter(ctx, &it);
	for (uint64_t id = 1; id <= 5; id++) {
		body.size = 0;
		put_u64(&body, 7000 + id);
		put(&body, text, sizeof(text));
		must_be(come(ctx, &it, HEPH_FRAME_MEET, 0, &body), 0);
	}
	must_be(it.peer.n_told, it.node.config.peers);
	must_be(it.node.home->met.n, it.node.config.peers);
	must_be(it.peer.stats.refused, 5 - it.node.config.peers);
	heph_meet_leave(&it.peer);
	must_be(it.node.home->met.n, 0);
	leave(ctx, &it);
	return 0;
}

static void of_third_nodes_are_limited(void **state)
{
	(void)state;
	run(tell_much, NULL);
}

static int windows(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = 0, n = 0;

	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(come_send(ctx, &it, &it.ref, it.hash, -3, NULL), 0);
	must_be(heph_yield(ctx), 0);
	while (err == 0 && n++ < 1000) /* no more room, and no credit */
		err = come_send(ctx, &it, &it.ref, it.hash, 1, NULL);
	must_be(err, -EPROTO);
	must_be(n, HEPH_INBOX_DEFAULT + WINDOW + 1);
	leave(ctx, &it);
	return 0;
}

static void do_not_overrun_the_window(void **state)
{
	(void)state;
	run(windows, NULL);
}

static int late(heph_ctx ctx, act_inbox in, void *arg)
{

	(void)in, (void)arg;
	enter(ctx, &it);
	/* Four calls may be under way; those that are too late make room. */
	for (uint64_t i = 1; i <= 4; i++)
		must_be(come_call(ctx, &it, -2, i, 1 + (i > 1) * UINT64_MAX / 4,
				  i),
			0);
	must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_be(come_call(ctx, &it, 1, 5, UINT64_MAX, 5), 0);
	must_be(come_call(ctx, &it, 1, 6, UINT64_MAX, 6), 0);
	settle(ctx, &it);
	must(sum <= 2 && sum >= 1);
	leave(ctx, &it);
	return 0;
}

static void may_be_late(void **state)
{
	(void)state;
	run(late, NULL);
}

/* ---- what is theirs ----------------------------------------------------------------------------------- */

static struct heph_wire_ref theirs(uint64_t id)
{
	return (struct heph_wire_ref){ .node = PEER_ID, .id = id, .code = 4711 };
}

static int proxies(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref = theirs(7), again;
	struct heph_frame frame;
	struct heph_frame_view view;
	struct body body = { .size = 0 };
	HEPH_PENDING(int32_t) pending;
	struct heph_exit why;
	cell_ref proxy, same;
	heph_ref any;
	int32_t n;
	int err = 0;

	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(come_send(ctx, &it, &it.ref, it.hash, 1, &ref), 0);
	settle(ctx, &it);
	proxy = latest;
	must(heph_alive(proxy));
	leaves(HEPH_FRAME_MONITOR, PEER_ID, 0);
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref, &same.addr),
		0);
	must(heph_same(same, proxy));
	must_be(heph_ref_in(ctx, &it.peer, NULL, &ref, &any.addr), 0);
	must(heph_same(any, proxy));
	must_be(heph_ref_out(&it.peer, cell_remote(), proxy.addr, 0, &again),
		0);
	must(memcmp(&again, &ref, sizeof(ref)) == 0);

	/* A call of ours. */
	must_be(heph_start_call(ctx, proxy, answer, &pending, { .n = 9 }), 0);
	settle(ctx, &it);
	view = next_view(&frame);
	must_be(view.type, HEPH_FRAME_CALL);
	must_be(view.size >= 56, 1);
	put(&body, view.body + 40, 8);
	heph_frame_free(&frame);
	put(&body, (unsigned char[]){ 0x81, 0x18, 42 }, 3);
	must_be(come(ctx, &it, HEPH_FRAME_ANSWER, 0, &body), 0);
	must_be(heph_await(ctx, &pending, &n), 0);
	must_be(n, 42);
	must_be(come(ctx, &it, HEPH_FRAME_ANSWER, 0, &body), 0); /* twice */

	/* An answer that is none. */
	must_be(heph_start_call(ctx, proxy, answer, &pending, { .n = 9 }), 0);
	settle(ctx, &it);
	view = next_view(&frame);
	body.size = 0;
	put(&body, view.body + 40, 8);
	heph_frame_free(&frame);
	put(&body, (unsigned char[]){ 0x81, 0x61, 'x' }, 3);
	must_be(come(ctx, &it, HEPH_FRAME_ANSWER, 0, &body), 0);
	must_be(heph_await(ctx, &pending, &n), -EPROTO);

	/* No more than the window. */
	must_be(send_until(ctx, proxy, WINDOW - 2), -ETIME);
	must_be(n_posted - n_read, WINDOW - 2);
	body.size = 0;
	put_u64(&body, ref.id);
	put_u64(&body, WINDOW + 1);
	must_be(come(ctx, &it, HEPH_FRAME_CREDIT, 0, &body), -EPROTO);
	body.size = 8;
	put_u64(&body, 5);
	must_be(come(ctx, &it, HEPH_FRAME_CREDIT, 0, &body), 0);
	settle(ctx, &it);
	must_be(n_posted - n_read, WINDOW - 2 + 5);
	body.size = 8;
	put_u64(&body, 4);
	must_be(come(ctx, &it, HEPH_FRAME_CREDIT, 0, &body), -EPROTO);
	while (n_read < n_posted)
		heph_frame_free(&posted[n_read++]);

	/* Its end. */
	must_be(heph_start_call(ctx, proxy, answer, &pending, { .n = 9 }),
		0);
	body.size = 0;
	put_u64(&body, ref.id);
	must_be(come(ctx, &it, HEPH_FRAME_DOWN, EBADF, &body), 0);
	must_be(heph_join(ctx, proxy, &why), 0);
	must_be(why.err, -EBADF);
	must_be(heph_await(ctx, &pending, &n), -ESRCH);

	/* Too many of them; one that is lost with the peer. */
	for (uint64_t id = 100; err != -EDQUOT; id++) {
		ref = theirs(id);
		err = heph_ref_in(ctx, &it.peer, cell_remote(), &ref,
				  &proxy.addr);
		must(err == -EDQUOT || id < 116);
		if (err == 0)
			same = proxy;
	}
	must_be(heph_start_call(ctx, same, answer, &pending, { .n = 1 }), 0);
	settle(ctx, &it);
	heph_refs_fini(ctx, &it.peer);
	must_be(heph_await(ctx, &pending, &n), -EHOSTDOWN);
	must_be(heph_join(ctx, same, &why), 0);
	must(why.err == -EHOSTDOWN || why.err == -ESRCH);
	leave(ctx, &it);
	return 0;
}

static void to_their_actors_are_proxies(void **state)
{
	(void)state;
	run(proxies, NULL);
}

static int stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref = theirs(7);
	struct heph_frame frame;
	struct body body = { .size = 0 };
	struct heph_exit why;
	cell_ref proxy;

	(void)in, (void)arg;
	enter(ctx, &it);
	ref.rights = HEPH_MAY_STOP;
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref, &proxy.addr),
		0);
	leaves(HEPH_FRAME_MONITOR, PEER_ID, 0);
	must_be(heph_yield(ctx), 0);
	heph_stop(proxy);
	heph_stop(proxy);
	settle(ctx, &it);
	leaves(HEPH_FRAME_STOP, PEER_ID, 0);
	leaves_nothing();
	must(heph_alive(proxy));
	must_be(heph_send(ctx, proxy, { .n = 1 }), 0); /* it may take its time */
	settle(ctx, &it);
	must_be(next_view(&frame).type, HEPH_FRAME_SEND);
	heph_frame_free(&frame);
	put_u64(&body, ref.id);
	must_be(come(ctx, &it, HEPH_FRAME_DOWN, 0, &body), 0);
	must_be(heph_join(ctx, proxy, &why), 0);
	must_be(why.err, 0);
	leave(ctx, &it);
	return 0;
}

static void pass_stops_on(void **state)
{
	(void)state;
	run(stopped, NULL);
}

static int strangers(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref = { .node = 3000, .id = 9, .code = 1 };
	struct heph_exit why;
	cell_ref proxy, same;
	int32_t n;

	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref, &proxy.addr),
		0);
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref, &same.addr),
		0);
	must(heph_same(proxy, same));
	must_be(heph_monitor(ctx, proxy), 0);
	must_be(heph_demonitor(ctx, proxy), 0);
	must_be(heph_call(ctx, proxy, answer, &n, { .n = 1 }), -EHOSTUNREACH);
	must_be(heph_join(ctx, proxy, &why), 0);
	must(why.err == -EHOSTUNREACH || why.err == -ESRCH);
	leaves_nothing();
	for (uint64_t id = 4000; id < 4004; id++) { /* no more than `peers` */
		ref.node = id;
		must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref,
				    &proxy.addr),
			id < 4002 ? 0 : -EDQUOT);
	}
	leave(ctx, &it);
	return 0;
}

static void to_strangers_end(void **state)
{
	(void)state;
	run(strangers, NULL);
}

/* ---- at random -------------------------------------------------------------------------------------------- */

static void make_body(struct world *world, enum heph_frame_type type,
		      struct body *body)
{
	body->size = 0;
	switch (type) {
	case HEPH_FRAME_SEND:
	case HEPH_FRAME_CALL:
		put_ref(body, &world->ref);
		put_u64(body, world->hash);
		if (type == HEPH_FRAME_CALL) {
			put_u64(body, 9);
			put_u64(body, 1000000);
		}
		put_msg(body, 1, &world->ref, type == HEPH_FRAME_CALL ? 9 : 0);
		break;
	case HEPH_FRAME_MONITOR:
	case HEPH_FRAME_STOP:
		put_ref(body, &world->ref);
		break;
	case HEPH_FRAME_MEET:
		put_u64(body, 5000);
		put(body, "name\0tcp\0where", 15);
		break;
	default:
		put_u64(body, 1);
		put_u64(body, world->hash);
		put(body, "cell", 5);
		break;
	}
}

/* Good frames, with some bytes that are others. */
static int mutants(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { ROUNDS = 40, FRAMES = 200 };
	struct world *world = heph_alloc(ctx, sizeof(*world));
	struct body *body = heph_alloc(ctx, sizeof(*body));
	unsigned seed = 1;

	(void)in, (void)arg;
	for (int round = 0; round < ROUNDS; round++) {
		enter(ctx, world);
		for (int i = 0; i < FRAMES && !world->peer.closing; i++) {
			enum heph_frame_type type =
				HEPH_FRAME_SEND +
				(unsigned)rand_r(&seed) %
					(HEPH_FRAME_TYPES - HEPH_FRAME_SEND);

			make_body(world, type, body);
			for (int n = rand_r(&seed) % 4; n-- > 0;)
				body->bytes[(unsigned)rand_r(&seed) %
					    body->size] =
					(unsigned char)rand_r(&seed);
			if (come(ctx, world, type, 0, body) < 0)
				break;
			if (i % 16 == 0)
				settle(ctx, world);
		}
		settle(ctx, world);
		leave(ctx, world);
	}
	return 0;
}

static void may_be_anything(void **state)
{
	(void)state;
	run(mutants, NULL);
}

/* ---- without memory --------------------------------------------------------------------------------------- */

static int poor(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref = theirs(7);
	struct body body = { .size = 0 };
	size_t used = heph_remote_mem_used();
	int err;

	(void)in, (void)arg;
	for (long i = 1; i < 30; i++) {
		enter(ctx, &it);
		put_ref(&body, &it.ref);
		heph_remote_mem_fail_after(i);
		err = come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body);
		if (err == 0)
			err = come_send(ctx, &it, &it.ref, it.hash, 1,
					&ref);
		if (err == 0)
			err = come_call(ctx, &it, 1, 9, 0, 9);
		must(err == 0 || err == -ENOMEM);
		settle(ctx, &it);
		if (latest.addr.id)
			heph_post(latest, { .n = 1 });
		settle(ctx, &it);
		heph_remote_mem_fail_after(-1);
		must(n_closed == 0 || closed_with == -ENOMEM);
		leave(ctx, &it);
		body.size = 0;
		must_be(heph_remote_mem_used(), used);
	}
	return 0;
}

static void may_lack_memory(void **state)
{
	(void)state;
	run(poor, NULL);
}

static int full(heph_ctx ctx, act_inbox in, void *arg)
{

	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(come_call(ctx, &it, 1, 9, 0, 9), 0);
	post_fails = -EDQUOT; /* too much waits to be sent */
	settle(ctx, &it);
	must_be(n_closed, 1);
	must_be(closed_with, -EDQUOT);
	post_fails = 0;
	leave(ctx, &it);
	return 0;
}

static void end_with_a_peer_that_takes_nothing(void **state)
{
	(void)state;
	run(full, NULL);
}

static int ended(heph_ctx ctx, act_inbox in, void *arg)
{
	struct body body = { .size = 0 };

	(void)in, (void)arg;
	enter(ctx, &it);
	put_ref(&body, &it.ref);
	must_be(come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body), 0);
	must_be(come_send(ctx, &it, &it.ref, it.hash, -1, NULL), 0);
	settle(ctx, &it);
	leaves(HEPH_FRAME_DOWN, it.ref.id, -EBADF);
	must_be(it.node.exports, 0);
	for (int i = 0; i < 3; i++) /* they were under way */
		must_be(come_send(ctx, &it, &it.ref, it.hash, 1, NULL), 0);
	must_be(come_call(ctx, &it, 1, 79, 0, 79), 0);
	leaves(HEPH_FRAME_ANSWER, 79, -ESRCH);
	must_be(come(ctx, &it, HEPH_FRAME_STOP, 0, &body), 0);
	must_be(it.peer.stats.lost, 4);
	must_be(it.node.exports, 0);
	leaves_nothing();
	leave(ctx, &it);
	return 0;
}

static void to_those_that_have_ended_are_forgotten(void **state)
{
	(void)state;
	run(ended, NULL);
}

/* Who sends to one, but never monitors it, is not told of its end. */
static int unmonitored(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	enter(ctx, &it);
	must_be(come_send(ctx, &it, &it.ref, it.hash, -1, NULL), 0);
	settle(ctx, &it);
	must_be(it.node.exports, 1);
	must_be(come_send(ctx, &it, &it.ref, it.hash, 1, NULL), 0);
	must_be(it.node.exports, 0);
	leave(ctx, &it);
	return 0;
}

static void to_those_that_nobody_monitors_too(void **state)
{
	(void)state;
	run(unmonitored, NULL);
}

/* There may be many monitors, and undoing one is a search among all: none is undone
 * one by one, the peer's actor ends anyway. */
static int many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct body body = { .size = 0 };
	struct heph_down down;

	(void)in, (void)arg;
	enter(ctx, &it);
	put_ref(&body, &it.ref);
	must_be(come(ctx, &it, HEPH_FRAME_MONITOR, 0, &body), 0);
	heph_refs_fini(ctx, &it.peer);
	heph_stop(it.cell);
	must_be(heph_wait(heph_within(ctx, 10 * HEPH_SEC), heph_on_down(&down)),
		0);
	must_be(down.who.addr.id == it.cell.addr.id, 1);
	it.peer.closing = true;
	heph_refs_down(ctx, &it.peer, &down);
	leave(ctx, &it);
	return 0;
}

static void may_be_many_when_the_peer_is_lost(void **state)
{
	(void)state;
	run(many, NULL);
}

/* Another one says that it has a reference to an actor of the peer: it is wrong. */
static int meddled(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire_ref ref = theirs(7), bad = theirs(7), again;
	struct body body = { .size = 0 };
	struct heph_exit why;
	cell_ref proxy, odd, same;

	(void)in, (void)arg;
	enter(ctx, &it);
	bad.rights = HEPH_MAY_STOP; /* and the code of the good one */
	must_be(heph_ref_carried(ctx, &it.peer, cell_remote(), &bad,
				 &odd.addr),
		0);
	leaves(HEPH_FRAME_MONITOR, PEER_ID, 0);
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &ref, &proxy.addr),
		0);
	leaves(HEPH_FRAME_MONITOR, PEER_ID, 0);
	must(!heph_same(odd, proxy));
	must_be(heph_ref_carried(ctx, &it.peer, cell_remote(), &ref,
				 &same.addr),
		0);
	must(heph_same(same, proxy));
	must_be(heph_ref_out(&it.peer, cell_remote(), proxy.addr, 0, &again),
		0);
	must(memcmp(&again, &ref, sizeof(ref)) == 0);

	/* What it took of the window is given back when the peer knows it not. */
	for (int i = 0; i < WINDOW - 1; i++)
		must_be(heph_send(ctx, odd, { .n = 1 }), 0);
	settle(ctx, &it);
	put_u64(&body, ref.id);
	put_ref(&body, &bad);
	must_be(come(ctx, &it, HEPH_FRAME_DOWN, EACCES, &body), 0);
	must_be(heph_join(ctx, odd, &why), 0);
	must_be(why.err, -EACCES);
	must(heph_alive(proxy));
	while (n_read < n_posted)
		heph_frame_free(&posted[n_read++]);
	must_be(send_until(ctx, proxy, WINDOW), -ETIME);
	must_be(n_posted - n_read, WINDOW);

	/* The peer itself gives one with more rights: it is the same actor. */
	bad.code++;
	must_be(heph_ref_in(ctx, &it.peer, cell_remote(), &bad, &same.addr), 0);
	must(heph_same(same, proxy));
	body.size = 0;
	put_u64(&body, ref.id);
	must_be(come(ctx, &it, HEPH_FRAME_DOWN, 0, &body), 0);
	must_be(heph_join(ctx, proxy, &why), 0);
	leave(ctx, &it);
	return 0;
}

static void cannot_be_spoiled_by_others(void **state)
{
	(void)state;
	run(meddled, NULL);
}

/* A name for each of many that come and go; one that stays keeps its own. */
static int sessions(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_home_name named = { .remote = cell_remote() };
	struct heph_home *home;
	char name[20];

	(void)in, (void)arg;
	enter(ctx, &it);
	home = it.node.home;
	named.addr = it.cell.addr;
	must_be(heph_home_add_name(home, &home->names, &named, "cell"), 0);
	for (int i = 0; i < 1000; i++) {
		act_ref one = spawn_on(ctx, HEPH_HERE, idle, NULL);

		named.addr = one.addr;
		snprintf(name, sizeof(name), "session-%d", i);
		must_be(heph_home_add_name(home, &home->names, &named, name),
			0);
		stop_and_join(ctx, one);
	}
	must(home->names.n <= 64);
	must(!heph_home_name(home, "session-7", 9));
	must(heph_home_name(home, "cell", 4));
	leave(ctx, &it);
	return 0;
}

static void have_names_that_end_with_them(void **state)
{
	(void)state;
	run(sessions, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reach_actors),
		cmocka_unit_test(are_not_forged),
		cmocka_unit_test(are_used_rightly),
		cmocka_unit_test(of_third_nodes_are_limited),
		cmocka_unit_test(do_not_overrun_the_window),
		cmocka_unit_test(may_be_late),
		cmocka_unit_test(to_their_actors_are_proxies),
		cmocka_unit_test(pass_stops_on),
		cmocka_unit_test(to_strangers_end),
		cmocka_unit_test(may_be_anything),
		cmocka_unit_test(may_lack_memory),
		cmocka_unit_test(end_with_a_peer_that_takes_nothing),
		cmocka_unit_test(to_those_that_have_ended_are_forgotten),
		cmocka_unit_test(to_those_that_nobody_monitors_too),
		cmocka_unit_test(may_be_many_when_the_peer_is_lost),
		cmocka_unit_test(cannot_be_spoiled_by_others),
		cmocka_unit_test(have_names_that_end_with_them),
	};

	return cmocka_run_group_tests_name("refs", tests, NULL, NULL);
}
