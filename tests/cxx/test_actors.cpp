/* SPDX-License-Identifier: MIT */
/* test_actors.cpp - the words of heph.hpp, and C and C++ with each other */
#include "act.hpp"
#include "counter.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>

/* ---- the four shapes, as functions and as lambdas ---- */

static int pounter_main(heph_ctx ctx, pounter_inbox in, counter_arg *arg)
{
	counter_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.kind == COUNTER_ADD)
			arg->start += msg.add;
		else
			heph_answer(msg.total, arg->start);
	}
	return 0;
}
static long dropped, args_dropped;
static void pounter_drop(counter_msg *) { dropped++; }
static void pounter_drop_arg(counter_arg *) { args_dropped++; }
HEPH_ACTOR_MAIN(pounter, pounter_main, .drop = pounter_drop,
		.drop_arg = pounter_drop_arg);

HEPH_ACTOR(alone, void, void);
HEPH_ACTOR_MAIN(alone, [](heph_ctx) { return -EIO; });

HEPH_ACTOR(told, void, struct counter_arg);
static int told_main(heph_ctx, counter_arg *arg) noexcept
{
	return arg->start == 5 ? -ENOTTY : 0;
}
HEPH_ACTOR_MAIN(told, told_main);

HEPH_ACTOR_MAIN(asked, ([](heph_ctx ctx, asked_inbox in) {
	counter_msg msg;
	int err = heph_recv(ctx, in, &msg);

	return err < 0 ? err : -(int)msg.add;
}));

static void functions_and_lambdas_are_actors(void **)
{
	run([](heph_ctx ctx) {
		struct heph_exit why;
		alone_ref alone;
		asked_ref asked;
		heph_ref any;

		must_be(heph_spawn(ctx, alone, &alone), 0);
		must_be(heph_join(ctx, alone, &why), 0);
		must_be(why.err, -EIO);
		must_be(heph_spawn(ctx, told, &any, { 5 }), 0);
		must_be(heph_join(ctx, any, &why), 0);
		must_be(why.err, -ENOTTY);
		must_be(heph_spawn(ctx, asked, &asked, {}, { .inbox = 2 }), 0);
		must_be(heph_send(ctx, asked, { .kind = COUNTER_ADD, .add = 7 }), 0);
		must_be(heph_join(ctx, asked, &why), 0);
		must_be(why.err, -7);
		must_be(heph_spawn(ctx, alone, nullptr), 0);
		return 0;
	});
}

/* ---- C and C++ ---- */

static void actors_in_c_and_in_cxx_talk(void **)
{
	dropped = args_dropped = 0;
	run([](heph_ctx ctx) {
		counter_ref counter;
		pounter_ref pounter;
		long total = 0;
		heph_ctx soon = heph_within(ctx, 20 * HEPH_SEC);

		must_be(heph_spawn(ctx, counter, &counter, { 2 },
				   { .on = HEPH_WORKER(1) }),
			0);
		must_be(heph_try_send(counter, { COUNTER_ADD, { 20 } }), 0);
		must_be(heph_call(soon, counter, total, &total,
				  { .kind = COUNTER_TOTAL }),
			0);
		must_be(total, 22);
		heph_stop(counter);
		must_be(heph_join(ctx, counter, nullptr), 0);
		must_be(heph_send(ctx, counter, { COUNTER_ADD, { 1 } }), -ESRCH);
		must_be(use_from_c(ctx), 11);
		/* of the type's drop functions */
		must_be(heph_spawn(ctx, pounter, &pounter, { 3 }), 0);
		heph_stop(pounter);
		heph_post(pounter, { COUNTER_ADD, { 1 } });
		must_be(heph_join(ctx, pounter, nullptr), 0);
		must_be(dropped, 1);
		must_be(args_dropped, 2);
		return 0;
	});
}

static std::atomic<int> held;

static void holder_drop(holder_msg *msg)
{
	held--;
	delete msg->owned;
}
static int holder_copy(holder_msg *to, const holder_msg *from)
{
	held++;
	to->owned = new int(*from->owned);
	return 0;
}
HEPH_ACTOR_MAIN(holder, ([](heph_ctx ctx, holder_inbox in) {
	holder_msg msg;
	int err = heph_recv(ctx, in, &msg);

	if (err == 0)
		holder_drop(&msg);
	return err;
}), .drop = holder_drop, .copy = holder_copy);

static void groups_in_c_have_members_in_cxx(void **)
{
	held = 1;
	run([](heph_ctx ctx) {
		must_be(tell_all_from_c(ctx, new int(1)), 4);
		return 0;
	});
	must_be(held, 0);
}

static void failed_calls_name_what_was_called(void **)
{
	run([](heph_ctx ctx) {
		asked_ref asked;
		long total;

		must_be(heph_spawn(ctx, asked, &asked), 0);
		must_be(heph_call(ctx, asked, total, &total, {}), -EPIPE);
		must(std::string(heph_call_error(ctx).member) == "total");
		return 0;
	});
}

/* ---- verbs ---- */

static void waits_for_several_things(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<counter_msg> ref;

		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx,
						    heph_cxx::inbox<counter_msg> in) {
			struct counter_msg msg;
			int which;

			which = heph_wait(ctx, heph_on_msg(in, &msg),
					  heph_on_time(heph_now()));
			must_be(which, 0);
			must_be(msg.add, 5);
			which = heph_wait(ctx, heph_on_msg(in, &msg),
					  heph_on_time(heph_now()));
			must_be(which, 1);
			must_be(heph_try_recv(in, &msg), -EAGAIN);
			must_be(heph_inbox_info(in).received, 1);
			must(heph_same(heph_self(in), heph_self(in)));
			return 0;
		}), 0);
		must_be(heph_send(ctx, ref, { COUNTER_ADD, { 5 } }), 0);
		return heph_join(ctx, ref, nullptr);
	});
}

struct numbers_msg {
	HEPH_REPLY(double) answer;
};

static void answers_convert_what_loses_nothing(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<numbers_msg> ref;
		double answer = 0;

		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx,
						    heph_cxx::inbox<numbers_msg> in) {
			numbers_msg msg;

			must_be(heph_recv(ctx, in, &msg), 0);
			must(heph_reply_wanted(msg.answer));
			must_be(heph_answer(msg.answer, 3), 0);
			must(!heph_reply_wanted(msg.answer));
			must_be(heph_answer(msg.answer, 3), -EPIPE);
			must_be(heph_refuse(msg.answer, -EIO), -EPIPE);
			must_be(heph_refuse(msg.answer, 0), -EINVAL);
			return 0;
		}), 0);
		must_be(heph_call(ctx, ref, answer, &answer, {}), 0);
		must(answer == 3.0);
		return 0;
	});
}

static int deferred;

static void defers_lambdas(void **)
{
	deferred = 0;
	run([](heph_ctx ctx) {
		heph_ref ref;

		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx) {
			int one = 1;

			must_be(heph_defer(ctx, [one](heph_ctx ctx) {
				must_be(heph_sleep(ctx, 1), 0);
				deferred = deferred * 10 + one;
			}), 0);
			return heph_defer(ctx, [](heph_ctx) { deferred = 2; });
		}), 0);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must_be(deferred, 21);
		return 0;
	});
}

/* ---- captures and supervision ---- */

static int lives;

static void a_restart_has_what_was_captured_first(void **)
{
	lives = 0;
	run([](heph_ctx ctx) {
		int number = 7;
		struct heph_exit why;
		heph_ref ref;

		must_be(heph_spawn_fn(
				ctx, &ref,
				[number](heph_ctx) mutable {
					must_be(number, 7);
					number++;
					return ++lives < 3 ? -EIO : -EPERM;
				},
				{},
				[](const struct heph_exit *why) {
					return why->err == -EIO ? HEPH_RESTART :
								  HEPH_STOP;
				}),
			0);
		must_be(heph_join(ctx, ref, &why), 0);
		must_be(why.err, -EPERM);
		must_be(lives, 3);
		return 0;
	});
}

static enum heph_verdict raise_start(const struct heph_exit *, counter_arg *arg)
{
	return ++arg->start == 5 ? HEPH_STOP : HEPH_RESTART;
}

HEPH_ACTOR(fails, void, struct counter_arg);
HEPH_ACTOR_MAIN(fails, ([](heph_ctx, counter_arg *arg) {
	return -(int)arg->start;
}));

static void decide_may_change_the_argument(void **)
{
	run([](heph_ctx ctx) {
		struct heph_exit why;
		fails_ref ref;

		must_be(heph_spawn(ctx, fails, &ref, { 2 },
				   { .decide = raise_start }),
			0);
		must_be(heph_join(ctx, ref, &why), 0);
		must_be(why.err, -4);
		return 0;
	});
}

/* ---- programs, servers, threads ---- */

HEPH_ACTOR(app, void, struct counter_arg);
HEPH_ACTOR_MAIN(app, ([](heph_ctx, counter_arg *arg) {
	return (int)arg->start;
}));

static long each;
HEPH_ACTOR(one, void, void);
HEPH_ACTOR_MAIN(one, [](heph_ctx) {
	__atomic_add_fetch(&each, 1, __ATOMIC_SEQ_CST);
	return 0;
});

struct conn_arg {
	int unused;
	heph_fd fd;
};
HEPH_ACTOR(conn, void, struct conn_arg);
HEPH_ACTOR_MAIN(conn, ([](heph_ctx ctx, conn_arg *arg) {
	return heph_write_all(ctx, arg->fd, "hello", 5);
}));

static int serve(heph_ctx ctx)
{
	char address[HEPH_ADDRESS_MAX], text[6] = "";
	heph_cxx::scoped_fd client;
	heph_fd listener;
	heph_ref server;
	heph_options give = {};

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	give.give = listener;
	must_be(heph_spawn_fn(
			ctx, &server,
			[listener](heph_ctx ctx) {
				return heph_serve(ctx, listener, conn, fd);
			},
			give),
		0);
	must_be(heph_connect(ctx, address, client.put()), 0);
	must_be(heph_read_exact(ctx, client.get(), text, 5, nullptr), 0);
	must(std::string(text) == "hello");
	heph_stop(server);
	return heph_join(ctx, server, nullptr);
}

static void programs_and_servers(void **)
{
	heph_config config = {};

	config.workers = 2;
	config.no_signals = true;
	must_be(heph_run(&config, app, { 0 }), 0);
	must_be(heph_run(&config, app, { -7 }, { .name = "seven" }), -7);
	run([](heph_ctx ctx) {
		must_be(heph_run_on_each(ctx, one), 0);
		return serve(ctx);
	});
	must_be(each, 2);
}

static bool is_open(int number)
{
	return fcntl(number, F_GETFD) >= 0;
}

static void descriptors_are_closed_with_their_block(void **)
{
	run([](heph_ctx ctx) {
		int numbers[2];
		heph_fd fd;

		must_be(socketpair(AF_UNIX, SOCK_STREAM, 0, numbers), 0);
		{
			heph_cxx::scoped_fd one, two;

			must_be(heph_fd_adopt(ctx, numbers[0], one.put()), 0);
			two = std::move(one);
			must(heph_fd_none(one.get()));
			must_be(heph_fd_number(ctx, two.get()), numbers[0]);
			fd = two.get();
		}
		must_be(heph_fd_number(ctx, fd), -EBADF);
		{
			heph_cxx::scoped_fd one;

			must_be(heph_fd_adopt(ctx, numbers[1], one.put()), 0);
			fd = one.release();
		}
		must(is_open(heph_fd_number(ctx, fd)));
		return 0;
	});
}

static void *use_as_thread(void *arg)
{
	heph_cxx::scoped_thread thread;
	alone_ref ref;
	struct heph_exit why;

	must_be(thread.attach(static_cast<struct heph *>(arg)), 0);
	must_be(heph_spawn(thread.ctx(), alone, &ref), 0);
	must_be(heph_join(thread.ctx(), ref, &why), 0);
	must(why.err == -EIO || why.err == -ESRCH);
	return nullptr;
}

static void threads_have_a_context(void **)
{
	heph_config config = {};
	heph_cxx::scoped_runtime runtime;
	pthread_t thread;

	config.workers = 1;
	config.no_signals = true;
	must_be(runtime.start(&config), 0);
	pthread_create(&thread, nullptr, use_as_thread,
		       heph_runtime(runtime.ctx()));
	pthread_join(thread, nullptr);
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_and_lambdas_are_actors),
		cmocka_unit_test(actors_in_c_and_in_cxx_talk),
		cmocka_unit_test(groups_in_c_have_members_in_cxx),
		cmocka_unit_test(failed_calls_name_what_was_called),
		cmocka_unit_test(waits_for_several_things),
		cmocka_unit_test(answers_convert_what_loses_nothing),
		cmocka_unit_test(defers_lambdas),
		cmocka_unit_test(a_restart_has_what_was_captured_first),
		cmocka_unit_test(decide_may_change_the_argument),
		cmocka_unit_test(programs_and_servers),
		cmocka_unit_test(descriptors_are_closed_with_their_block),
		cmocka_unit_test(threads_have_a_context),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
