/* SPDX-License-Identifier: MIT */
/* A runtime inside loops of epoll(7) and poll(2), and what its context can do. */
#include "embed.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* ---- loops ----------------------------------------------------------------------- */

static int every_millisecond(void)
{
	const struct itimerspec value = { .it_value.tv_nsec = HEPH_MSEC,
					  .it_interval.tv_nsec = HEPH_MSEC };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	must_be(timerfd_settime(fd, 0, &value, NULL), 0);
	return fd;
}

static void tick(int timer)
{
	uint64_t times;

	must_be(read(timer, &times, sizeof(times)), sizeof(times));
	scene_tick();
}

static void handle(int fd, int timer)
{
	if (fd == timer)
		tick(timer);
	else if (fd == scene.pipe[0])
		scene_input();
	else
		scene_run();
}

static void loop_of_epoll(void)
{
	int epoll = epoll_create1(0), timer = every_millisecond(), n;
	const int fds[] = { heph_embed_fd(scene.embed), timer, scene.pipe[0] };
	struct epoll_event events[3];

	for (int i = 0; i < 3; i++) {
		events[0] = (struct epoll_event){ .events = EPOLLIN,
						  .data.fd = fds[i] };
		must_be(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &events[0]), 0);
	}
	while (!scene.over) {
		n = epoll_wait(epoll, events, 3, -1);
		for (int i = 0; i < n; i++)
			handle(events[i].data.fd, timer);
	}
	close(timer);
	close(epoll);
}

static void loop_of_poll(void)
{
	int timer = every_millisecond();
	struct pollfd fds[] = {
		{ .fd = heph_embed_fd(scene.embed), .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
		{ .fd = scene.pipe[0], .events = POLLIN },
	};

	while (!scene.over) {
		must(poll(fds, 3, -1) > 0);
		for (int i = 0; i < 3; i++)
			if (fds[i].revents)
				handle(fds[i].fd, timer);
	}
	close(timer);
}

/* It asks how long to wait, and calls without being told to. */
static void loop_with_timeout(void)
{
	struct pollfd fds[] = {
		{ .fd = heph_embed_fd(scene.embed), .events = POLLIN },
		{ .fd = scene.pipe[0], .events = POLLIN },
	};

	while (!scene.over) {
		poll(fds, 2, heph_embed_timeout(scene.embed));
		if (fds[1].revents)
			scene_input();
		scene_run();
		scene_tick();
	}
}

static void serves_in_a_loop_of_epoll(void **state)
{
	(void)state;
	play(loop_of_epoll);
}

static void serves_in_a_loop_of_poll(void **state)
{
	(void)state;
	play(loop_of_poll);
}

static void serves_in_a_loop_that_asks_for_the_timeout(void **state)
{
	(void)state;
	play(loop_with_timeout);
}

/* ---- helpers --------------------------------------------------------------------- */

static struct heph_embed *make(void)
{
	const struct heph_config config = { .actors = 10000, .workers = 1 };
	struct heph_embed *embed;

	setenv("HEPH_LOG", "off", 0);
	must_be(heph_embed_new(&embed, &config), 0);
	return embed;
}

/* Runs until the descriptor says that there is nothing to do. */
static void settle(struct heph_embed *embed)
{
	while (readable(heph_embed_fd(embed)))
		must(heph_embed_run(embed) >= 0);
}

/* As a loop does, until `*word` is `value`. */
static void run_until(struct heph_embed *embed, _Atomic long *word, long value)
{
	struct pollfd fd = { .fd = heph_embed_fd(embed), .events = POLLIN };

	while (*word < value) {
		must_be(poll(&fd, 1, 20000), 1);
		must(heph_embed_run(embed) >= 0);
	}
}

static act_ref spawn(struct heph_embed *embed, act_fn *fn, void *arg)
{
	return spawn_on(heph_embed_ctx(embed), HEPH_HERE, fn, arg);
}

static _Atomic long received;

static int count(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		received += msg.n;
	return 0;
}

/* ---- waking, idling --------------------------------------------------------------- */

static void is_not_readable_when_nobody_can_run(void **state)
{
	struct heph_embed *embed = make();

	(void)state;
	must(!readable(heph_embed_fd(embed)));
	must_be(heph_embed_timeout(embed), -1);
	for (int n = 0; n < 100; n++)
		spawn(embed, n % 2 ? idle : count, NULL);
	settle(embed);
	must_be(heph_embed_timeout(embed), -1);
	for (int n = 0; n < 10; n++) {
		must_be(heph_embed_run(embed), 0);
		must(!readable(heph_embed_fd(embed)));
	}
	must_be(heph_stats(heph_embed_ctx(embed)).actors, 100);
	heph_embed_free(embed);
}

static int sleep_once(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = heph_sleep(ctx, *(heph_time *)arg);

	(void)in;
	if (err == 0)
		received = 1;
	return err;
}

/* Runs a few times for a timer, and not in between. */
static void does_not_run_while_it_sleeps(void **state)
{
	struct heph_embed *embed = make();
	struct pollfd fd = { .fd = heph_embed_fd(embed), .events = POLLIN };
	heph_time length = 50 * HEPH_MSEC, begun = heph_now();
	int runs = 0, timeout;

	(void)state;
	received = 0;
	spawn(embed, sleep_once, &length);
	settle(embed);
	timeout = heph_embed_timeout(embed);
	must(timeout <= 51);
	must(timeout > 0 || heph_now() - begun >= length);
	while (!received) {
		must_be(poll(&fd, 1, 20000), 1);
		heph_embed_run(embed);
		runs++;
	}
	must(heph_now() - begun >= length);
	must(runs <= 5); /* the wheel sorts, and it wakes up */
	heph_embed_free(embed);
}

struct sender {
	struct heph *heph;
	act_ref to;
};

enum { SENDERS = 3, MESSAGES = 3000 };

static void *send_many(void *arg)
{
	struct sender *sender = arg;
	heph_ctx ctx;

	must_be(heph_attach(sender->heph, &ctx), 0);
	for (int n = 0; n < MESSAGES; n++)
		must_be(heph_send(ctx, sender->to, { .n = 1 }), 0);
	heph_detach(ctx);
	return NULL;
}

static void is_woken_by_other_threads(void **state)
{
	struct heph_embed *embed = make();
	struct sender sender = { .heph = heph_runtime(heph_embed_ctx(embed)) };
	pthread_t threads[SENDERS];

	(void)state;
	received = 0;
	sender.to = spawn(embed, count, NULL);
	for (int n = 0; n < SENDERS; n++)
		must_be(pthread_create(&threads[n], NULL, send_many, &sender),
			0);
	run_until(embed, &received, SENDERS * MESSAGES);
	for (int n = 0; n < SENDERS; n++) /* they hear of the last ones */
		while (pthread_tryjoin_np(threads[n], NULL) != 0)
			heph_embed_run(embed);
	heph_embed_free(embed);
}

/* An actor of another runtime. */
static int send_abroad(heph_ctx ctx, act_inbox in, void *arg)
{
	struct sender *sender = arg;

	(void)in;
	for (int n = 0; n < MESSAGES; n++)
		must_be(heph_send(ctx, sender->to, { .n = 1 }), 0);
	return 0;
}

static void is_woken_by_other_runtimes(void **state)
{
	struct heph_embed *embed = make();
	struct sender sender;
	heph_ctx ctx;

	(void)state;
	received = 0;
	sender.to = spawn(embed, count, NULL);
	ctx = begin(&two_workers); /* the thread has two contexts now */
	spawn_on(ctx, HEPH_WORKER(0), send_abroad, &sender);
	spawn_on(ctx, HEPH_WORKER(1), send_abroad, &sender);
	run_until(embed, &received, 2 * MESSAGES);
	end(ctx);
	heph_embed_free(embed);
}

/* An eventfd is special: its writer must not signal another one. */
static int read_many(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t value;
	heph_fd fd;

	(void)in;
	must_be(heph_fd_adopt(ctx, dup(*(int *)arg), &fd), 0);
	while (received < 20) {
		must_be(heph_read_exact(ctx, fd, &value, sizeof(value), NULL),
			0);
		received++;
	}
	return 0;
}

static void *write_many(void *arg)
{
	uint64_t one = 1;

	for (long n = 0; n < 20; n++) {
		must_be(write(*(int *)arg, &one, sizeof(one)), sizeof(one));
		while (received <= n)
			sched_yield();
	}
	return NULL;
}

static void is_woken_by_an_eventfd(void **state)
{
	struct heph_embed *embed = make();
	int event = eventfd(0, 0);
	pthread_t thread;

	(void)state;
	received = 0;
	spawn(embed, read_many, &event);
	settle(embed);
	must_be(pthread_create(&thread, NULL, write_many, &event), 0);
	run_until(embed, &received, 20);
	must_be(pthread_join(thread, NULL), 0);
	heph_embed_free(embed);
	close(event);
}

/* ---- from callbacks ---------------------------------------------------------------- */

static int forward(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *to = arg;
	struct act_msg msg;
	long answer;

	while (heph_recv(ctx, in, &msg) == 0) {
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
		must_be(heph_call(ctx, *to, answer, &answer,
				  { .n = msg.n + 1, .asks = true }),
			0);
		heph_answer(msg.answer, answer);
	}
	return 0;
}

static void lets_the_actors_run_while_a_callback_waits(void **state)
{
	struct heph_embed *embed = make();
	heph_ctx ctx = heph_embed_ctx(embed);
	act_ref last = spawn(embed, answer_all, NULL);
	act_ref first = spawn(embed, forward, &last), failing;
	struct heph_exit exit;
	heph_time begun;
	long answer;

	(void)state;
	for (int n = 0; n < 10; n++) {
		must_be(heph_call(ctx, first, answer, &answer,
				  { .n = n, .asks = true }),
			0);
		must_be(answer, n + 2);
	}
	begun = heph_now();
	must_be(heph_sleep(ctx, 2 * HEPH_MSEC), 0);
	must(heph_now() - begun >= 2 * HEPH_MSEC);
	failing = spawn(embed, return_arg, (void *)-EIO);
	must_be(heph_join(ctx, failing, &exit), 0);
	must_be(exit.err, -EIO);
	must_be(heph_join(heph_within(ctx, HEPH_MSEC), last, NULL), -ETIME);
	stop_and_join(ctx, first);
	stop_and_join(ctx, last);
	must_be(heph_drain(ctx), 0);
	must(heph_embed_done(embed));
	heph_embed_free(embed);
}

/* More messages than fit, of a sender that may not wait. */
static void sends_without_waiting(void **state)
{
	struct heph_embed *embed = make();
	act_ref ref = spawn(embed, count, NULL);
	int err, accepted = 0;

	(void)state;
	received = 0;
	while ((err = heph_try_send(ref, { .n = 1 })) == 0)
		accepted++;
	must_be(err, -EAGAIN);
	must(accepted >= 64);
	must(readable(heph_embed_fd(embed)));
	settle(embed);
	must_be(received, accepted);
	must_be(heph_try_send(ref, { .n = 1 }), 0);
	settle(embed);
	for (int n = 0; n < 1000; n++) /* this waits, and so never fails */
		must_be(heph_send(heph_embed_ctx(embed), ref, { .n = 1 }), 0);
	settle(embed);
	must_be(received, accepted + 1001);
	heph_embed_free(embed);
}

/* Actors that always have something to do leave the loop its turns. */
static int spin(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (heph_yield(ctx) == 0)
		received++;
	return 0;
}

static void does_a_bounded_amount_of_work(void **state)
{
	struct heph_embed *embed = make();
	long before;

	(void)state;
	received = 0;
	spawn(embed, spin, NULL);
	spawn(embed, spin, NULL);
	for (int n = 0; n < 100; n++) {
		before = received;
		must(readable(heph_embed_fd(embed)));
		must_be(heph_embed_timeout(embed), 0);
		must_be(heph_embed_run(embed), 1);
		must(received > before && received - before < 200);
	}
	heph_embed_stop(embed);
	while (!heph_embed_done(embed))
		must(heph_embed_run(embed) >= 0);
	heph_embed_free(embed);
}

/* ---- several ------------------------------------------------------------------------ */

static void lives_with_others_on_one_thread(void **state)
{
	struct heph_embed *one = make(), *two = make();
	act_ref first = spawn(one, count, NULL),
		second = spawn(two, count, NULL);
	heph_ctx ctx;
	heph_fd fds[3];
	int pair[2];

	(void)state;
	received = 0;
	ctx = begin(&two_workers);
	must_be(heph_send(heph_embed_ctx(one), second, { .n = 1 }), 0);
	must_be(heph_send(heph_embed_ctx(two), first, { .n = 1 }), 0);
	must_be(heph_send(ctx, first, { .n = 1 }), 0);
	heph_post(second, { .n = 1 });
	settle(one);
	settle(two);
	must_be(received, 4);
	must_be(pipe(pair), 0);
	must_be(heph_fd_adopt(heph_embed_ctx(one), pair[0], &fds[0]), 0);
	must_be(heph_fd_adopt(ctx, pair[1], &fds[1]), 0);
	must_be(heph_listen(heph_embed_ctx(two), "127.0.0.1:0", &fds[2]), 0);
	for (int n = 0; n < 3; n++)
		heph_close(fds[n]);
	must(fcntl(pair[0], F_GETFD) < 0);
	must(fcntl(pair[1], F_GETFD) < 0);
	must_be(heph_stats(heph_embed_ctx(two)).descriptors, 0);
	heph_embed_free(one);
	end(ctx);
	must(!heph_alive(first));
	must(heph_alive(second));
	heph_embed_free(two);
}

/* Actors with a thread of their own, and such that may move. */
static void lives_with_actors_of_all_kinds(void **state)
{
	struct heph_embed *embed = make();
	heph_ctx ctx = heph_embed_ctx(embed);
	const int kinds[] = { HEPH_OWN_THREAD, HEPH_ANY, HEPH_HERE };
	heph_time length = HEPH_MSEC;
	act_ref refs[3];
	long answer;

	(void)state;
	received = 0;
	for (int n = 0; n < 3; n++) {
		refs[n] = spawn_on(ctx, kinds[n], answer_all, NULL);
		must_be(heph_call(ctx, refs[n], answer, &answer,
				  { .n = n, .asks = true }),
			0);
		must_be(answer, n + 1);
	}
	for (int n = 0; n < 3; n++) {
		received = 0;
		refs[1] = spawn_on(ctx, kinds[n], sleep_once, &length);
		must_be(heph_join(ctx, refs[1], NULL), 0);
		must_be(received, 1);
	}
	stop_and_join(ctx, refs[0]);
	heph_embed_free(embed);
}

/* ---- ending ------------------------------------------------------------------------- */

static int accepts(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_fd listener, fd;

	(void)in, (void)arg;
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	return heph_accept(ctx, listener, &fd);
}

static int makes_children(heph_ctx ctx, act_inbox in, void *arg)
{
	for (int n = 0; n < 10; n++)
		if (heph_spawn(ctx, act, NULL, { accepts, NULL }) < 0)
			return 0; /* asked to stop before it began */
	return idle(ctx, in, arg);
}

static void can_be_freed_at_any_time(void **state)
{
	heph_time length = HEPH_SEC;
	struct heph_embed *embed;

	(void)state;
	heph_embed_free(NULL);
	for (int stage = 0; stage < 12; stage++) {
		embed = make();
		for (int n = 0; n < stage; n++) {
			spawn(embed, accepts, NULL);
			spawn(embed, makes_children, NULL);
			spawn(embed, idle, NULL);
		}
		heph_post(spawn(embed, count, NULL), { .n = 1 });
		if (stage % 2) /* which is too long for it to happen */
			spawn(embed, sleep_once, &length);
		for (int n = 0; n < stage / 3; n++)
			heph_embed_run(embed);
		if (stage % 3 == 2)
			heph_embed_stop(embed);
		heph_embed_free(embed);
	}
}

static int fails_upwards(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return -EIO;
}

static enum heph_verdict escalate(const struct heph_exit *why,
				  struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static void says_why_it_ended(void **state)
{
	struct heph_embed *embed = make();
	heph_ctx ctx = heph_embed_ctx(embed);

	(void)state;
	must_be(heph_spawn(ctx, act, NULL, { fails_upwards, NULL },
			   .decide = escalate),
		0);
	must_be(heph_drain(ctx), -ECHILD);
	heph_embed_free(embed);
}

/* Waits shielded from the stop, again and again. */
static int clings(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (;;)
		if (heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER) == 0)
			return 0;
}

static void is_abandoned_when_the_grace_is_over(void **state)
{
	const struct heph_config config = { .grace = 20 * HEPH_MSEC };
	struct heph_embed *embed;
	struct pollfd fd = { .events = POLLIN };
	int err = 0;

	(void)state;
	must_be(heph_embed_new(&embed, &config), 0);
	spawn(embed, clings, NULL);
	settle(embed);
	fd.fd = heph_embed_fd(embed);
	heph_embed_stop(embed);
	while (err >= 0) {
		must_be(poll(&fd, 1, 20000), 1);
		err = heph_embed_run(embed);
	}
	must_be(err, -ETIMEDOUT);
	must_be(heph_drain(heph_embed_ctx(embed)), -ETIMEDOUT);
	heph_embed_free(embed);
}

/* ---- misuse -------------------------------------------------------------------------- */

static struct heph_embed *misused;

static int waits_with_the_wrong_context(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return heph_sleep(heph_embed_ctx(misused), HEPH_SEC);
}

static int runs_within_an_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return heph_embed_run(misused);
}

static void misuse(act_fn *fn)
{
	const struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	must(freopen("/dev/null", "w", stderr) != NULL);
	setenv("HEPH_FAULT", "off", 1);
	misused = make();
	spawn(misused, fn, NULL);
	settle(misused);
	_exit(0);
}

static void ends_the_process_when_an_actor_uses_it(void **state)
{
	act_fn *const fns[] = { waits_with_the_wrong_context,
				runs_within_an_actor };
	int status;
	pid_t pid;

	(void)state;
	for (int n = 0; n < 2; n++) {
		pid = fork();
		if (pid == 0)
			misuse(fns[n]);
		must_be(waitpid(pid, &status, 0), pid);
		must(WIFSIGNALED(status));
		must_be(WTERMSIG(status), SIGABRT);
	}
}

static void refuses_a_wrong_configuration(void **state)
{
	static const struct heph_config configs[] = {
		{ .workers = 2 },
		{ .grace = -1 },
	};
	struct heph_embed *embed;

	(void)state;
	for (int n = 0; n < 2; n++) {
		must_be(heph_embed_new(&embed, &configs[n]), -EINVAL);
		must(!embed);
	}
}

static int takes_a_signal(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned n;

	(void)in, (void)arg;
	must_be(heph_wait(ctx, heph_on_signal(SIGUSR1, &n)), 0);
	received = n;
	return 0;
}

static void brings_signals_to_actors(void **state)
{
	struct heph_embed *embed = make();
	struct sigaction before;

	(void)state;
	received = 0;
	must_be(sigaction(SIGTERM, NULL, &before), 0);
	must(before.sa_handler == SIG_DFL); /* is left alone */
	spawn(embed, takes_a_signal, NULL);
	settle(embed);
	must_be(raise(SIGUSR1), 0);
	run_until(embed, &received, 1);
	heph_embed_free(embed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_the_process_when_an_actor_uses_it),
		cmocka_unit_test(refuses_a_wrong_configuration),
		cmocka_unit_test(serves_in_a_loop_of_epoll),
		cmocka_unit_test(serves_in_a_loop_of_poll),
		cmocka_unit_test(serves_in_a_loop_that_asks_for_the_timeout),
		cmocka_unit_test(is_not_readable_when_nobody_can_run),
		cmocka_unit_test(does_not_run_while_it_sleeps),
		cmocka_unit_test(is_woken_by_other_threads),
		cmocka_unit_test(is_woken_by_other_runtimes),
		cmocka_unit_test(is_woken_by_an_eventfd),
		cmocka_unit_test(lets_the_actors_run_while_a_callback_waits),
		cmocka_unit_test(sends_without_waiting),
		cmocka_unit_test(does_a_bounded_amount_of_work),
		cmocka_unit_test(lives_with_others_on_one_thread),
		cmocka_unit_test(lives_with_actors_of_all_kinds),
		cmocka_unit_test(can_be_freed_at_any_time),
		cmocka_unit_test(says_why_it_ended),
		cmocka_unit_test(is_abandoned_when_the_grace_is_over),
		cmocka_unit_test(brings_signals_to_actors),
	};

	return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
