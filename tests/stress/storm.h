/* SPDX-License-Identifier: MIT */
/*
 * storm.h - actors that crash again and again, with everything in flight
 *
 * storm_round() starts a runtime with two workers, lets an actor on each of
 * them live and crash some times, and sees that afterwards all is back: the
 * counters, the descriptors of the process. Each life has actors of its own on
 * both workers, on threads of their own and moving ones, that read, sleep,
 * call, wait for others and crash as well; it monitors, links and holds them,
 * has calls of its own under way, descriptors in messages that nobody reads,
 * memory, deferred calls that wait; and then returns an error or panics.
 *
 * Any allocation may be refused meanwhile, and any submission. So each step may
 * fail, with -ENOMEM and nothing else; that ends the life as well.
 */
#ifndef TEST_STORM_H
#define TEST_STORM_H

#include "../api/act.h"
#include "../fds.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct storm {
	act_ref answerer, silent; /* on the other worker; do not end */
	int on;                   /* the worker of the one that crashes */
	int lives, runs;
};

static _Atomic long storm_lives; /* in all rounds */

/* What a step may say that did not do what it should. */
static int storm_may_fail(int err)
{
	if (err != -ENOMEM)
		must_be(err, 0);
	return err;
}

/* A call may besides find that the other worker had no memory for it. */
static int storm_call_may_fail(int err)
{
	return err == -EPIPE ? -ENOMEM : storm_may_fail(err);
}

/* ---- actors of a life ------------------------------------------------------------- */

struct sack_msg {
	struct heph_fd_handle fd;
	void *memory;
};

/* Never looks into its inbox. */
HEPH_ACTOR(sack, struct sack_msg, void);

static void storm_drop_sack(struct sack_msg *msg)
{
	heph_fd_discard(msg->fd);
	free(msg->memory);
}

static int storm_sack_main(heph_ctx ctx, sack_inbox in)
{
	(void)in;
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(sack, storm_sack_main, .drop = storm_drop_sack);

/* Reads until somebody writes, which nobody does. */
struct reader_arg {
	heph_fd fd;
};
HEPH_ACTOR(reader, void, struct reader_arg);

static int storm_reader_main(heph_ctx ctx, struct reader_arg *arg)
{
	char bytes[100];

	return heph_read(ctx, arg->fd, bytes, sizeof(bytes));
}
HEPH_ACTOR_MAIN(reader, storm_reader_main);

static int storm_calls(heph_ctx ctx, act_inbox in, void *arg)
{
	struct storm *storm = arg;
	long answer;

	(void)in;
	if (!storm) /* restarted */
		return heph_sleep(ctx, HEPH_NEVER);
	return heph_call(ctx, storm->silent, answer, &answer,
			 { .n = 1, .asks = true });
}

static int storm_crashes(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = heph_sleep(ctx, HEPH_USEC);

	(void)in, (void)arg;
	return err < 0 ? err : -EIO;
}

static int storm_waits(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	int which = heph_wait(ctx, heph_on_msg(in, &msg),
			      heph_on_time(heph_now() + HEPH_SEC));

	(void)arg;
	if (which == 0)
		free(msg.owned);
	return which;
}

static enum heph_verdict storm_once_more(const struct heph_exit *why,
					 struct act_arg *arg)
{
	(void)why;
	if (!arg->arg)
		return HEPH_STOP;
	arg->arg = NULL;
	return HEPH_RESTART;
}

/* ---- steps of a life --------------------------------------------------------------- */

static bool storm_simulated;

static int storm_pair(heph_ctx ctx, heph_fd fds[2])
{
	int numbers[2], err = 0;

	if (storm_simulated)
		return storm_may_fail(heph_socket_pair(ctx, AF_UNIX, SOCK_STREAM,
						       0, fds));

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	for (int i = 0; i < 2; i++) {
		if (err == 0)
			err = storm_may_fail(
				heph_fd_adopt(ctx, numbers[i], &fds[i]));
		if (err < 0)
			close(numbers[i]);
	}
	return err;
}

/* A reader there, and a read of our own that is given up. */
static int storm_read(heph_ctx ctx, int on)
{
	heph_fd fds[2];
	char byte;
	int err = storm_pair(ctx, fds);

	if (err == 0)
		err = storm_may_fail(heph_spawn(ctx, reader, NULL, { fds[1] },
						.give = fds[1], .on = on));
	if (err < 0)
		return err;
	err = heph_read(heph_within(ctx, HEPH_USEC), fds[0], &byte, 1);
	must(err == -ETIME || err == -ENOMEM || err == 0); /* 0: it had none */
	return err == -ENOMEM ? err : 0;
}

static int storm_child(heph_ctx ctx, act_fn *fn, struct storm *storm, int on,
		       act_ref *ret_ref)
{
	return storm_may_fail(heph_spawn(ctx, act, ret_ref, { fn, storm },
					 .on = on, .decide = storm_once_more));
}

/* A descriptor and memory on their way to who does not look. */
static int storm_give(heph_ctx ctx, int on)
{
	struct sack_msg msg;
	heph_fd fds[2];
	sack_ref sack;
	int err = storm_may_fail(heph_spawn(ctx, sack, &sack, .on = on));

	if (err == 0)
		err = storm_pair(ctx, fds);
	if (err < 0)
		return err;
	msg.memory = malloc(20);
	must_be(heph_fd_give(ctx, fds[0], &msg.fd), 0);
	err = storm_may_fail(heph_try_send(sack, msg));
	if (err < 0)
		storm_drop_sack(&msg);
	return err;
}

static void storm_undo(heph_ctx ctx, act_ref *answerer)
{
	long answer = 2;
	int err = heph_call(ctx, *answerer, answer, &answer,
			    { .n = 1, .asks = true });

	storm_call_may_fail(err);
	must_be(answer, 2);
}

static int storm_acquire(heph_ctx ctx, struct storm *storm)
{
	void *memory = malloc(10);
	int err = storm_may_fail(heph_own(ctx, memory, free));

	if (err < 0)
		free(memory);
	if (err == 0)
		err = storm_may_fail(
			heph_defer(ctx, storm_undo, storm->answerer));
	if (err == 0 && !heph_alloc(ctx, 1000))
		err = -ENOMEM;
	return err;
}

static int storm_send(heph_ctx ctx, act_inbox in, struct storm *storm)
{
	struct act_msg msg = { .owned = malloc(30) };
	int err = storm_may_fail(heph_send(ctx, storm->answerer, msg));

	if (err < 0)
		free(msg.owned);
	for (int n = 0; n < 3; n++)
		heph_post(heph_self(in), { .n = n, .owned = malloc(20) });
	return err;
}

/* One that is answered, one that is not, one that is left under way. */
static int storm_call(heph_ctx ctx, struct storm *storm)
{
	long answer = 2;
	int err;

	err = storm_call_may_fail(heph_call(ctx, storm->answerer, answer,
					    &answer, { .n = 1, .asks = true }));
	must_be(answer, 2);
	if (err < 0)
		return err;
	err = heph_call(heph_within(ctx, 1), storm->silent, answer, &answer,
			{ .n = 1 });
	return err == -ETIME ? 0 : storm_call_may_fail(err);
}

static int storm_watch(heph_ctx ctx, act_ref ref)
{
	int err = storm_may_fail(heph_monitor(ctx, ref));

	if (err == 0)
		err = heph_hold(ctx, ref);
	must(err == 0 || err == -ENOMEM || err == -ESRCH);
	return err == -ESRCH ? 0 : err;
}

/* Two calls that nobody awaits; one is forgotten, one goes with the life. */
static int storm_start_calls(heph_ctx ctx, struct storm *storm)
{
	HEPH_PENDING(long) first, second;
	int err;

	err = storm_may_fail(heph_start_call(ctx, storm->silent, answer, &first,
					     { .n = 1, .asks = true }));
	if (err == 0)
		err = storm_may_fail(heph_start_call(ctx, storm->answerer, answer,
						     &second, { .asks = true }));
	if (err == 0)
		heph_forget_call(ctx, &first);
	return err;
}

/* Its end is a down; ours is its end. */
static int storm_link(heph_ctx ctx, act_ref ref)
{
	int err;

	heph_trap_exits(ctx, true);
	err = heph_link(ctx, ref);
	return err == -ESRCH ? 0 : storm_may_fail(err);
}

/* A part with actors and descriptors of its own, which is over at once. */
static int storm_scope(heph_ctx ctx, struct storm *storm, int on)
{
	struct heph_scope scope;
	int err = storm_may_fail(heph_scope_open(ctx, &scope));

	if (err < 0)
		return err;
	err = storm_read(ctx, on);
	if (err == 0)
		err = storm_child(ctx, storm_waits, storm, on, NULL);
	if (err == 0 && storm->runs % 2)
		return 0; /* it goes with the life */
	heph_scope_close(ctx, scope);
	return err;
}

static int storm_twice(const struct act_msg *from, struct act_msg *to)
{
	*to = *from;
	to->n *= 2;
	return 0;
}

/* An adapter, and a group, whose members are both of them. */
static int storm_group(heph_ctx ctx, struct storm *storm)
{
	act_group group = { 0 };
	act_ref twice;
	int err = storm_may_fail(
		heph_map(ctx, &twice, storm->silent, storm_twice));

	if (err == 0)
		err = storm_may_fail(heph_send(ctx, twice, { .n = 1 }));
	if (err == 0)
		err = storm_may_fail(heph_group_add(ctx, &group, twice));
	if (err == 0)
		err = storm_may_fail(heph_group_add(ctx, &group, storm->silent));
	if (err == 0)
		err = heph_send_one(ctx, &group, { .n = 2 });
	return storm_may_fail(err);
}

/* A tree with a child that crashes, and one that does not. */
static int storm_tree(heph_ctx ctx, struct storm *storm)
{
	struct heph_tree tree = { .strategy = HEPH_ONE_FOR_ALL, .times = 1 };
	int err;

	err = storm_may_fail(heph_spawn(ctx, act, NULL, { storm_waits, storm },
					.tree = &tree));
	if (err == 0)
		err = storm_may_fail(heph_spawn(ctx, act, NULL,
						{ storm_crashes, storm },
						.tree = &tree));
	if (err < 0 || storm->runs % 2)
		return err; /* it goes with the life */
	err = heph_supervise(heph_within(ctx, 200 * HEPH_USEC), &tree);
	must(err == -ETIME || err == -EIO || err == -ENOMEM);
	return err == -ENOMEM ? err : 0;
}

/* ---- a life ------------------------------------------------------------------------- */

static int storm_begin(heph_ctx ctx, act_inbox in, struct storm *storm)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	int other = places[storm->runs % 4], err;
	act_ref ref;

	err = storm_acquire(ctx, storm);
	if (err == 0)
		err = storm_read(ctx, other);
	if (err == 0)
		err = storm_child(ctx, storm_calls, storm, other, &ref);
	if (err == 0)
		err = storm_watch(ctx, ref);
	if (err == 0)
		err = storm_child(ctx, storm_crashes, storm, other, &ref);
	if (err == 0)
		err = storm_watch(ctx, ref);
	if (err == 0)
		err = storm_child(ctx, storm_waits, storm, HEPH_HERE, NULL);
	if (err == 0)
		err = storm_send(ctx, in, storm);
	if (err == 0)
		err = storm_give(ctx, other);
	if (err == 0)
		err = storm_call(ctx, storm);
	if (err == 0)
		err = storm_start_calls(ctx, storm);
	if (err == 0)
		err = storm_link(ctx, ref);
	if (err == 0)
		err = storm_group(ctx, storm);
	if (err == 0)
		err = storm_tree(ctx, storm);
	if (err == 0)
		err = storm_scope(ctx, storm, other);
	return err;
}

static int storm_live(heph_ctx ctx, act_inbox in, void *arg)
{
	struct storm *storm = arg;
	int err = storm_begin(ctx, in, storm);

	storm_lives++;
	storm->runs++;
	if (err == 0 && storm->runs % 3 == 0)
		(void)!heph_sleep(ctx, 100 * HEPH_USEC);
	if (storm->runs % 2)
		heph_panic(ctx, "life %d", storm->runs);
	return -EIO;
}

static enum heph_verdict storm_decide(const struct heph_exit *why,
				      struct act_arg *arg)
{
	struct storm *storm = arg->arg;

	must(why->err == -EIO || why->err == -ENOTRECOVERABLE);
	return storm->runs < storm->lives ? HEPH_RESTART : HEPH_STOP;
}

/* ---- a round ------------------------------------------------------------------------ */

static int storm_silent(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}

static int storm_start(heph_ctx ctx, struct storm *storm, int lives, int on,
		       act_ref *ret_ref)
{
	int err;

	*storm = (struct storm){ .lives = lives, .on = on };
	err = storm_may_fail(heph_spawn(ctx, act, &storm->answerer,
					{ answer_all, NULL },
					.on = HEPH_WORKER(1 - on)));
	if (err == 0)
		err = storm_may_fail(heph_spawn(
			ctx, act, &storm->silent, { storm_silent, NULL },
			.on = HEPH_WORKER(1 - on), .inbox = 1000));
	if (err == 0)
		err = storm_may_fail(heph_spawn(
			ctx, act, ret_ref, { storm_live, storm },
			.on = HEPH_WORKER(on), .decide = storm_decide));
	return err;
}

static void storm_end(heph_ctx ctx, heph_ref ref)
{
	heph_stop(ref);
	while (heph_join(ctx, ref, NULL) < 0)
		; /* no memory for it */
}

/* `inject(n)` makes something fail once, `inject(-1)` nothing any more; NULL:
 * nothing fails. */
UNUSED static void storm_round(int lives, void (*inject)(long n), long n)
{
	static struct storm storms[2];
	int fds = count_fds();
	act_ref refs[2];
	heph_ctx ctx = begin(&two_workers);
	int err;

	if (inject)
		inject(n);
	for (int on = 0; on < 2; on++) {
		refs[on] = (act_ref){ { { 0 } } };
		err = storm_start(ctx, &storms[on], lives, on, &refs[on]);
		must(err == 0 || inject);
	}
	for (int on = 0; on < 2; on++) {
		while (heph_join(ctx, refs[on], NULL) < 0)
			;
		storm_end(ctx, (heph_ref){ storms[on].answerer.addr });
		storm_end(ctx, (heph_ref){ storms[on].silent.addr });
	}
	if (inject)
		inject(-1);
	end(ctx);
	must_be(count_fds(), fds);
}

#endif
