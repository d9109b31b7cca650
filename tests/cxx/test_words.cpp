/* SPDX-License-Identifier: MIT */
/* test_words.cpp - what typed.h has, in C++; also without exceptions and RTTI */
#include "act.hpp"

#include <atomic>
#include <memory>

using namespace std::chrono_literals;

enum count_kind { ADD, TOTAL, LATER };
struct count_msg {
	count_kind kind;
	long add;
	HEPH_REPLY(long) total;
};
HEPH_ACTOR(count, count_msg, void);
HEPH_ACTOR_MAIN(count, ([](heph_ctx ctx, count_inbox in) {
	count_msg msg;
	long sum = 0;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.kind == ADD)
			sum += msg.add;
		else
			(void)heph_answer(msg.total, sum);
	}
	return 0;
}));

struct other_msg {
	int n;
};
HEPH_ACTOR(other, other_msg, void);
HEPH_ACTOR_MAIN(other, ([](heph_ctx ctx, other_inbox in) {
	other_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		continue;
	return 0;
}));

static void started_calls(void **)
{
	run([](heph_ctx ctx) {
		count_ref count;
		HEPH_PENDING(long) first, second;
		long total = 0;

		must_be(heph_spawn(ctx, count, &count), 0);
		must_be(heph_try_send(count, { .kind = ADD, .add = 4 }), 0);
		must_be(heph_start_call(ctx, count, total, &first, { .kind = TOTAL }), 0);
		must_be(heph_try_start_call(ctx, count, total, &second, { .kind = TOTAL }), 0);
		must(heph_same_call(first, first) && !heph_same_call(first, second));
		must_be(heph_wait(ctx, heph_on_nothing(), heph_on_answer(first)), 1);
		must_be(heph_await(heph_within(ctx, 20s), &first, &total), 0);
		must_be(total, 4);
		heph_forget_call(ctx, &second);
		must_be(heph_await(ctx, &second, &total), -EINVAL);
		auto got = heph_ask(ctx, count, total, { .kind = TOTAL });
		must(got && *got == 4);
		heph_stop(count);
		must_be(heph_join(ctx, count, nullptr), 0);
		must_be(heph_ask(ctx, count, total, { .kind = TOTAL }).err(), -ESRCH);
		return 0;
	});
}

static void calls_go_on(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<count_msg> front;
		count_ref count;
		long total = 0;

		must_be(heph_spawn(ctx, count, &count), 0);
		must_be(heph_send(ctx, count, { .kind = ADD, .add = 9 }), 0);
		must_be(heph_spawn_fn(ctx, &front, [count](heph_ctx ctx, heph_cxx::inbox<count_msg> in) {
			count_msg msg;

			must_be(heph_recv(ctx, in, &msg), 0);
			must(heph_deadline(heph_for_caller(ctx, msg.total)) < HEPH_NEVER);
			return heph_forward(ctx, count, total, msg.total, { .kind = TOTAL });
		}), 0);
		must_be(heph_call(heph_within(ctx, 20s), front, total, &total, { .kind = TOTAL }), 0);
		must_be(total, 9);
		heph_stop(count);
		return heph_join(ctx, count, nullptr);
	});
}

static void groups(void **)
{
	run([](heph_ctx ctx) {
		struct {
			int err;
			long value;
		} results[3];
		count_group all = {}, some = {};
		count_ref count;
		long total = 0;

		for (long i = 0; i < 3; i++) {
			must_be(heph_spawn(ctx, count, &count), 0);
			must_be(heph_group_add(ctx, &all, count), 0);
			must_be(heph_send(ctx, count, { .kind = ADD, .add = i }), 0);
		}
		must_be(heph_group_add_unique(ctx, &all, count), 0);
		must_be(heph_group_extend(ctx, &some, &all), 0);
		must_be(heph_group_remove(&some, heph_group_at(&some, 0)), 1);
		must_be(heph_group_count(&some), 2);
		must_be(heph_send_all(ctx, &all, { .kind = ADD, .add = 10 }), 3);
		must_be(heph_try_send_all(&some, { .kind = ADD, .add = 5 }), 2);
		must_be(heph_send_by_key(ctx, &some, 7, { .kind = ADD, .add = 0 }), 0);
		must(heph_same(heph_group_by_key(&some, 7), heph_group_by_key(&some, 7)));
		must_be(heph_call_all(heph_within(ctx, 20s), &all, total, results, 3,
				      { .kind = TOTAL }),
			3);
		must_be(results[0].err, 0);
		must_be(results[0].value, 10);
		must_be(results[2].value, 17);
		must_be(heph_call_any(ctx, &some, total, &total, { .kind = TOTAL }), 0);
		must(total == 16 || total == 17);
		heph_stop_all(&all);
		must_be(heph_join_all(ctx, &all), 0);
		must_be(heph_try_send_one(&all, { .kind = ADD }), -ESRCH);
		return 0;
	});
}

static void names_casts_and_adapters(void **)
{
	run([](heph_ctx ctx) {
		count_ref count, found;
		other_ref other, wrong;
		heph_cxx::ref<other_msg> adapter;
		heph_ref any;
		long factor = 3, total = 0;

		must_be(heph_spawn(ctx, count, &count), 0);
		must_be(heph_spawn(ctx, other, &other), 0);
		must_be(heph_register(ctx, count, "the count"), 0);
		must_be(heph_whereis(ctx, count, "the count", &found), 0);
		must(heph_same(count, found));
		must_be(heph_whereis(ctx, other, "the count", &wrong), -EPROTOTYPE);
		must_be(heph_await_name(ctx, count, "the count", &found), 0);
		must_be(heph_whereis_any(ctx, "the count", &any), 0);
		must_be(heph_cast(any, count, &found), 0);
		must_be(heph_cast(any, other, &wrong), -EPROTOTYPE);
		must_be(heph_map(ctx, &adapter, count, [factor](const other_msg *from, count_msg *to) {
			if (from->n < 0)
				return -ERANGE;
			to->kind = ADD;
			to->add = from->n * factor;
			return 0;
		}), 0);
		must_be(heph_send(ctx, adapter, { 14 }), 0);
		must_be(heph_send(ctx, adapter, { -1 }), -ERANGE);
		must_be(heph_call(ctx, count, total, &total, { .kind = TOTAL }), 0);
		must_be(total, 42);
		heph_stop(count);
		heph_stop(other);
		must_be(heph_join(ctx, other, nullptr), 0);
		return heph_join(ctx, count, nullptr);
	});
}

static void messages_that_match(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<count_msg> ref;

		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx, heph_cxx::inbox<count_msg> in) {
			count_msg msg;

			must_be(heph_recv_where(ctx, in, &msg, kind, LATER), 0);
			must_be(msg.add, 3);
			must_be(heph_try_recv_where(in, &msg, add, 7), -EAGAIN);
			must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, add, 2)), 0);
			must_be(heph_peek(ctx, in, &msg), 0);
			must_be(msg.add, 1);
			must_be(heph_try_peek(in, &msg), 0);
			must_be(heph_recv(ctx, in, &msg), 0);
			must_be(heph_try_peek(in, &msg), -EAGAIN);
			return 0;
		}), 0);
		for (long i = 1; i <= 3; i++)
			must_be(heph_send(ctx, ref, { .kind = i == 3 ? LATER : ADD, .add = i }), 0);
		return heph_join(ctx, ref, nullptr);
	});
}

/* ---- channels ---- */

struct plain_value {
	int n;
};

static void channels(void **)
{
	heph_cxx::sender<std::string> tx;
	heph_cxx::receiver<std::string> rx;
	heph_ctx ctx = heph_no_ctx();
	std::string text = "a text that is too long to be kept in place";

	must_be(heph_chan_new(2, &tx, &rx), 0);
	must_be(heph_chan_send(ctx, tx, text), 0);
	must_be(heph_chan_try_send(tx, "literal"), 0);
	must_be(heph_chan_try_send(tx, std::move(text)), -EAGAIN);
	must_be(text.size(), 43);
	must(*heph_chan_recv(ctx, rx) == text);
	{
		heph_cxx::sender<std::string> more = tx, again;

		again = more;
		tx = {};
		must(heph_chan_is_connected(rx));
		must_be(heph_chan_send(ctx, again, std::move(text)), 0);
	}
	must(!heph_chan_is_connected(rx));
	must_be(heph_chan_recv(ctx, rx, &text), 0);
	must(text == "literal");
	must_be(heph_chan_recv(ctx, rx, &text), 0);
	must_be(heph_chan_try_recv(rx, &text), -EPIPE);
	tx = heph_chan_new_sender(rx);
	must_be(heph_chan_send(ctx, tx, "never received"), 0);
	rx = {};
	must_be(heph_chan_send(ctx, tx, text), -EPIPE);
	must_be(heph_chan_join(ctx, tx), 0);
}

static void channels_between_actors(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::manager<plain_value> manager;
		heph_cxx::sender<plain_value> tx;
		heph_cxx::receiver<plain_value> rx;
		heph_cxx::oneshot_sender<std::unique_ptr<int>> otx;
		heph_cxx::oneshot_receiver<std::unique_ptr<int>> orx;
		heph_ref ref;

		must_be(heph_chan_new_managed(4, &manager, &tx, &rx), 0);
		must_be(heph_chan_new_receiver(manager, &rx), -EBUSY);
		must_be(heph_chan_new_receiver(manager, &rx), 0);
		must_be(heph_oneshot_new(&otx, &orx), 0);
		must_be(heph_spawn_fn(ctx, &ref,
				      [rx = std::move(rx), otx = std::move(otx)](heph_ctx ctx) mutable {
					      plain_value value;

					      must_be(heph_wait(ctx, heph_on_chan(rx, &value)), 0);
					      return heph_oneshot_send(
						      std::move(otx),
						      std::make_unique<int>(value.n));
				      }),
			0);
		must_be(heph_chan_send(ctx, tx, plain_value{ 6 }), 0);
		std::unique_ptr<int> got;
		must_be(heph_wait(ctx, heph_on_oneshot(orx, &got)), 0);
		must_be(*got, 6);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must_be(heph_oneshot_try_recv(orx, &got), -EPIPE);
		/* its receiver went with it */
		must_be(heph_chan_new_receiver(manager, &rx), 0);
		return 0;
	});
}

/* ---- what is given back ---- */

static void holds_monitors_and_timers(void **)
{
	run([](heph_ctx ctx) {
		heph_down down = {};
		count_ref held, other;
		heph_ctx soon = heph_within(ctx, 20s);
		heph_timer_id id;

		must_be(heph_spawn(ctx, count, &held, {}, { .held = true }), 0);
		must_be(heph_spawn(ctx, count, &other), 0);
		{
			heph_cxx::hold first, second;
			heph_cxx::timer timer, kept;

			first.adopt(ctx, held);
			must_be(second.take(ctx, held), 0);
			first.reset();
			must(second && !first);
			must_be(heph_send(soon, held, { .kind = ADD }), 0);
			must_be(heph_send_timer(ctx, timer.put(ctx), other, 1h, { .kind = ADD }), 0);
			id = *timer.get();
			must(timer.left() > 3000 * HEPH_SEC);
			kept = std::move(timer);
			must_be(timer.cancel(), -ENOENT);
			must(heph_timer_left(ctx, id) > 3000 * HEPH_SEC);
		}
		must_be(heph_timer_left(ctx, id), -ENOENT);
		must_be(heph_join(soon, held, nullptr), 0);
		{
			heph_cxx::monitor one, two;

			must_be(one.take(ctx, other), 0);
			two = std::move(one);
			heph_stop(other);
			must_be(heph_join(ctx, other, nullptr), 0);
		}
		/* the down went with the monitor */
		must_be(heph_wait(ctx, heph_on_down(&down), heph_on_time(heph_now())), 1);
		return 0;
	});
}

static std::atomic<int> scoped_ended;

static void scopes_end_with_their_block(void **)
{
	scoped_ended = 0;
	run([](heph_ctx ctx) {
		{
			heph_cxx::scope scope;

			must_be(scope.open(ctx), 0);
			for (int i = 0; i < 3; i++)
				must_be(heph_spawn_fn(ctx, nullptr, [](heph_ctx ctx) {
					must_be(heph_sleep(ctx, 1h), -ECANCELED);
					scoped_ended++;
					return 0;
				}), 0);
			must_be(scope.join(heph_within(ctx, 1ms)), -ETIME);
		}
		must_be(scoped_ended, 3);
		return 0;
	});
}

/* ---- virtual time ---- */

static void tests_have_probes(void **)
{
	heph_cxx::scoped_test test;
	count_ref probe;
	count_msg msg;
	heph_ctx ctx;

	must_be(test.start(), 0);
	ctx = test.ctx();
	heph_probe(test.get(), count, &probe);
	must_be(heph_spawn_fn(ctx, nullptr, [probe](heph_ctx ctx) {
		auto every = heph_interval(10min);

		must_be(heph_tick(ctx, &every), 0);
		must_be(heph_sleep(ctx, 20min), 0);
		return heph_send(ctx, probe, { .kind = ADD, .add = 30 });
	}), 0);
	heph_expect_none(test.get(), probe);
	heph_expect_within(test.get(), 1h, probe, &msg);
	must_be(msg.add, 30);
	heph_stop(probe);
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(started_calls),
		cmocka_unit_test(calls_go_on),
		cmocka_unit_test(groups),
		cmocka_unit_test(names_casts_and_adapters),
		cmocka_unit_test(messages_that_match),
		cmocka_unit_test(channels),
		cmocka_unit_test(channels_between_actors),
		cmocka_unit_test(holds_monitors_and_timers),
		cmocka_unit_test(scopes_end_with_their_block),
		cmocka_unit_test(tests_have_probes),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
