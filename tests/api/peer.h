/* SPDX-License-Identifier: MIT */
/*
 * peer.h - actors that do as they are told: link, monitor, hold, end
 *
 * A test is a plain thread that tells them, and monitors each of them; so it
 * gets the exact exit of each.
 */
#ifndef TEST_PEER_H
#define TEST_PEER_H

#include "act.h"

enum peer_what {
	PEER_SYNC, /* answers 0 */
	PEER_LINK,
	PEER_UNLINK,
	PEER_TRAP, /* if n */
	PEER_MONITOR,
	PEER_HOLD,
	PEER_RELEASE,
	PEER_DOWN, /* answers what the next down is about, or 1: there is none */
	PEER_END,  /* with n; does not answer */
	PEER_PANIC,  /* neither */
	PEER_SHIELD, /* receives two more through a shield, and answers those */
};

struct peer_msg {
	enum peer_what what;
	heph_ref who;
	long n;
	HEPH_REPLY(long) answer;
};

HEPH_ACTOR(peer, struct peer_msg, void);

UNUSED static long peer_next_down(heph_ctx ctx)
{
	struct heph_down down;
	int which =
		heph_wait(ctx, heph_on_down(&down), heph_on_time(heph_now()));

	return which == 0 ? down.exit.err : which;
}

UNUSED static long peer_receive_shielded(heph_ctx ctx, peer_inbox in)
{
	heph_ctx shield = heph_shield(ctx, 10 * HEPH_SEC);
	struct peer_msg msg;
	int err = 0;

	for (int n = 0; n < 2 && err == 0; n++) {
		err = heph_recv(shield, in, &msg);
		if (err == 0)
			heph_answer(msg.answer, 0);
	}
	return err;
}

UNUSED static long peer_do(heph_ctx ctx, peer_inbox in,
			   const struct peer_msg *msg)
{
	switch (msg->what) {
	case PEER_LINK:
		return heph_link(ctx, msg->who);
	case PEER_UNLINK:
		return heph_unlink(ctx, msg->who);
	case PEER_TRAP:
		heph_trap_exits(ctx, msg->n);
		return 0;
	case PEER_MONITOR:
		return heph_monitor(ctx, msg->who);
	case PEER_HOLD:
		return heph_hold(ctx, msg->who);
	case PEER_RELEASE:
		return heph_release(ctx, msg->who);
	case PEER_DOWN:
		return peer_next_down(ctx);
	case PEER_PANIC:
		heph_panic(ctx, "number %ld", msg->n);
	case PEER_SHIELD:
		return peer_receive_shielded(ctx, in);
	default:
		return 0;
	}
}

static int peer_main(heph_ctx ctx, peer_inbox in)
{
	struct peer_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.what == PEER_END)
			return (int)msg.n;
		heph_answer(msg.answer, peer_do(ctx, in, &msg));
	}
	return 0;
}
HEPH_ACTOR_MAIN(peer, peer_main);

/* ---- telling them -------------------------------------------------------- */

#define ref_of(ref_) ((heph_ref){ (ref_).addr })

UNUSED static peer_ref peer_on(heph_ctx ctx, int on, const char *name)
{
	peer_ref ref;

	must_be(heph_spawn(ctx, peer, &ref, .on = on, .name = name), 0);
	must_be(heph_monitor(ctx, ref), 0);
	return ref;
}

UNUSED static long ask(heph_ctx ctx, peer_ref ref, enum peer_what what,
		       heph_ref who)
{
	long answer = 1000;

	must_be(heph_call(ctx, ref, answer, &answer,
			  { .what = what, .who = who }),
		0);
	return answer;
}

UNUSED static void end_it(heph_ctx ctx, peer_ref ref, int err)
{
	must_be(heph_send(ctx, ref, { .what = PEER_END, .n = err }), 0);
}

UNUSED static void must_be_linked(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be(ask(ctx, a, PEER_LINK, ref_of(b)), 0);
}

/* Downs of others that came meanwhile. */
static struct heph_down peer_early[64];
static int peer_n_early;

UNUSED static bool peer_was_early(peer_ref ref, struct heph_down *ret_down)
{
	for (int i = 0; i < peer_n_early; i++) {
		if (!heph_same(peer_early[i].who, ref))
			continue;
		*ret_down = peer_early[i];
		peer_early[i] = peer_early[--peer_n_early];
		return true;
	}
	return false;
}

/* Waits until that one has ended, which must be for that reason; all of it is
 * in `ret_exit`, which may be NULL. */
UNUSED static void must_end(heph_ctx ctx, peer_ref ref, int err,
			    struct heph_exit *ret_exit)
{
	struct heph_down down;

	while (!peer_was_early(ref, &down)) {
		must_be(heph_wait(heph_within(ctx, 20 * HEPH_SEC),
				  heph_on_down(&down)),
			0);
		peer_early[peer_n_early++] = down;
	}
	must_be(down.exit.err, err);
	if (ret_exit)
		*ret_exit = down.exit;
}

UNUSED static void must_live(heph_ctx ctx, peer_ref ref)
{
	must_be(ask(ctx, ref, PEER_SYNC, ref_of(ref)), 0);
}

UNUSED static void stop_it(heph_ctx ctx, peer_ref ref)
{
	heph_stop(ref);
	must_end(ctx, ref, 0, NULL);
}

/* Where the two of a pair are. */
struct places {
	int a, b;
};

static const struct places all_places[] = {
	{ HEPH_WORKER(0), HEPH_WORKER(0) },
	{ HEPH_WORKER(0), HEPH_WORKER(1) },
	{ HEPH_ANY, HEPH_WORKER(0) },
	{ HEPH_WORKER(1), HEPH_OWN_THREAD },
	{ HEPH_ANY, HEPH_ANY },
};

/* Runs a test with a pair in all of these places. */
UNUSED static void with_pairs(void (*test)(heph_ctx ctx, peer_ref a,
					   peer_ref b))
{
	heph_ctx ctx = begin(&two_workers);

	for (size_t i = 0; i < sizeof(all_places) / sizeof(*all_places); i++)
		test(ctx, peer_on(ctx, all_places[i].a, "anna"),
		     peer_on(ctx, all_places[i].b, "ben"));
	end(ctx);
}

#endif
