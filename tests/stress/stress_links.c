/* SPDX-License-Identifier: MIT */
/*
 * stress_links.c SECONDS - actors that link, monitor, hold, join and end
 *
 * Two actors that spawn others everywhere, tell each of them at random what to
 * do to which other one, and replace those that have ended. Links take many
 * along; some trap them, some are restarted, some end inside of scopes. Every
 * result must be one that there can be, and at the end all must be back.
 */
#include <heph/heph.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	abort();
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static heph_time end_of_test; /* written before the runtime starts */

static bool over(void)
{
	return heph_now() >= end_of_test;
}

enum what {
	LINK,
	UNLINK,
	TRAP,
	MONITOR,
	DEMONITOR,
	TAKE_DOWNS,
	HOLD,
	RELEASE,
	JOIN,
	SCOPE,
	END,
	FAIL,
	KINDS,
};

struct peer_msg {
	enum what what;
	heph_ref who;
	unsigned random;
};
HEPH_ACTOR(peer, struct peer_msg, void);

HEPH_ACTOR(fly, void, void);

static int fly_main(heph_ctx ctx)
{
	int err = heph_sleep(ctx, HEPH_MSEC);

	return err < 0 ? err : -EIO;
}
HEPH_ACTOR_MAIN(fly, fly_main);

static bool one_of(int err, const int *errs)
{
	while (*errs && *errs != err)
		errs++;
	return err == 0 || *errs;
}

static void take_downs(heph_ctx ctx)
{
	int which;

	do {
		which = heph_wait(ctx, heph_on_down(NULL),
				  heph_on_time(heph_now()));
	} while (which == 0);
	must(which == 1 || which == -ECANCELED);
}

static void open_and_close(heph_ctx ctx, unsigned random)
{
	struct heph_scope scope;
	int err;

	must(heph_scope_open(ctx, &scope) == 0);
	for (int on = 0; on < 2; on++) {
		err = heph_spawn(ctx, fly, NULL, .on = HEPH_WORKER(on));
		must(err == 0 || err == -ECANCELED);
	}
	if (random % 2)
		err = heph_scope_join(ctx, scope);
	must(err == 0 || err == -ECANCELED || err == -EIO);
	heph_scope_close(ctx, scope);
}

static void link_soon(heph_ctx ctx, heph_ref who, unsigned random)
{
	static const int errs[] = { -EEXIST, -EDEADLK,   -ESRCH,
				    -ETIME,  -ECANCELED, 0 };

	ctx = heph_within(ctx, random % 100 * HEPH_USEC);
	must(one_of(heph_link(ctx, who), errs));
}

static void join_soon(heph_ctx ctx, heph_ref who, unsigned random)
{
	int which;

	ctx = heph_within(ctx, random % 200 * HEPH_USEC);
	which = heph_wait(ctx, heph_on_down(NULL), heph_on_join(who, NULL));
	must(which >= 0 || which == -ETIME || which == -ECANCELED ||
	     which == -EDEADLK);
}

static void do_it(heph_ctx ctx, const struct peer_msg *msg)
{
	static const int no_entry[] = { -ENOENT, 0 }, gone[] = { -ESRCH, 0 };

	switch (msg->what) {
	case LINK:
		link_soon(ctx, msg->who, msg->random);
		break;
	case UNLINK:
		must(one_of(heph_unlink(ctx, msg->who), no_entry));
		break;
	case TRAP:
		heph_trap_exits(ctx, msg->random % 2);
		break;
	case MONITOR:
		must(heph_monitor(ctx, msg->who) == 0);
		break;
	case DEMONITOR:
		must(one_of(heph_demonitor(ctx, msg->who), no_entry));
		break;
	case TAKE_DOWNS:
		take_downs(ctx);
		break;
	case HOLD:
		must(one_of(heph_hold(ctx, msg->who), gone));
		break;
	case RELEASE:
		must(one_of(heph_release(ctx, msg->who), no_entry));
		break;
	case JOIN:
		join_soon(ctx, msg->who, msg->random);
		break;
	case SCOPE:
		open_and_close(ctx, msg->random);
		break;
	default:
		break;
	}
}

static int peer_main(heph_ctx ctx, peer_inbox in)
{
	struct peer_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.what == END || msg.what == FAIL)
			return msg.what == FAIL ? -EIO : 0;
		do_it(ctx, &msg);
	}
	return err;
}
HEPH_ACTOR_MAIN(peer, peer_main);

/* ---- who tells them ------------------------------------------------------------ */

enum { PEERS = 40 };

static _Atomic long told, spawned;

static enum heph_verdict restart(const struct heph_exit *why, void *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

static void spawn_one(heph_ctx ctx, peer_ref *ret_ref, unsigned random)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	int on = places[random % 4];
	int err;

	if (random / 4 % 4 == 0)
		err = heph_spawn(ctx, peer, ret_ref, .on = on,
				 .decide = restart);
	else
		err = heph_spawn(
			ctx, peer, ret_ref, .on = on, .held = random / 16 % 2,
			.restarts = { .times = random / 32 % 3,
				      .backoff = random / 32 % 3 ?
							 50 * HEPH_USEC :
							 0 });
	must(err == 0);
	spawned++;
}

/* Ends are rarer than the rest. */
static enum what choose(unsigned random)
{
	enum what what = random % KINDS;

	return what >= END && random / KINDS % 4 ? LINK : what;
}

struct teller_arg {
	unsigned random;
};
HEPH_ACTOR(teller, void, struct teller_arg);

static int teller_main(heph_ctx ctx, struct teller_arg *arg)
{
	peer_ref refs[PEERS] = { { { .addr.id = 0 } } };
	unsigned n, other;

	for (long i = 0; !over(); i++) {
		n = next_random(&arg->random) % PEERS;
		other = next_random(&arg->random) % PEERS;
		if (!heph_alive(refs[n]))
			spawn_one(ctx, &refs[n], next_random(&arg->random));
		heph_post(refs[n], { .what = choose(next_random(&arg->random)),
				     .who = { refs[other].addr },
				     .random = next_random(&arg->random) });
		told++;
		if (i % 64 == 0)
			must(heph_sleep(ctx, 100 * HEPH_USEC) == 0);
		if (next_random(&arg->random) % 256 == 0)
			heph_release(ctx, refs[n]);
	}
	return 0;
}
HEPH_ACTOR_MAIN(teller, teller_main);

/* ---- all of it ------------------------------------------------------------------- */

static void must_be_back(heph_ctx ctx)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct heph_stats stats;

	do {
		sched_yield();
		stats = heph_stats(ctx);
		if (!stats.actors && !stats.messages && !stats.timers &&
		    !stats.calls && !stats.stacks && !stats.operations)
			return;
	} while (heph_now() < until);
	must(!"all is back");
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
	struct heph_config config = { .workers = 2, .no_signals = true };
	heph_ctx ctx;

	setenv("HEPH_LOG", "off", 0);
	alarm(seconds * 10 + 60);
	end_of_test = heph_now() + seconds * HEPH_SEC;
	must(heph_new(&ctx, &config) == 0);
	for (unsigned n = 0; n < 2; n++)
		must(heph_spawn(ctx, teller, NULL, { 7 + n },
				.on = HEPH_WORKER(n)) == 0);
	must(heph_drain(ctx) == 0);
	must_be_back(ctx);
	heph_free(ctx);
	printf("%ld told, %ld spawned\n", (long)told, (long)spawned);
	return 0;
}
