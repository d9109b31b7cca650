/* SPDX-License-Identifier: MIT */
/* test_values.cpp - messages, captures and values with constructors */
#include "act.hpp"

#include <atomic>
#include <memory>
#include <variant>
#include <vector>

/* As many as there are at the moment, but for those that are empty. */
static std::atomic<int> there;

class tracked
{
	bool mine;

      public:
	std::string text; /* short: it points into itself */

	tracked() : mine(false) {}
	explicit tracked(const char *s) : mine(true), text(s) { there++; }
	tracked(tracked &&from) noexcept
		: mine(std::exchange(from.mine, false)),
		  text(std::move(from.text))
	{
	}
	tracked(const tracked &from) : mine(from.mine), text(from.text)
	{
		there += mine;
	}
	tracked &operator=(tracked &&from) noexcept
	{
		there -= mine;
		mine = std::exchange(from.mine, false);
		text = std::move(from.text);
		return *this;
	}
	~tracked() { there -= mine; }
};

struct word_msg {
	tracked word;
	std::unique_ptr<int> number;
	HEPH_REPLY(size_t) length;
};
HEPH_ACTOR(words, word_msg, void);

static int words_main(heph_ctx ctx, words_inbox in)
{
	word_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.word.text == "stop")
			return 0;
		if (msg.word.text == "pass")
			continue;
		(void)heph_answer(msg.length, msg.word.text.size() +
						      (msg.number ? *msg.number : 0));
	}
	return 0;
}
HEPH_ACTOR_MAIN(words, words_main);

static void messages_with_constructors_arrive(void **)
{
	run([](heph_ctx ctx) {
		heph_ctx soon = heph_within(ctx, std::chrono::seconds(20));
		words_ref words;
		size_t n = 0;

		for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
			must_be(heph_spawn(ctx, words, &words, {}, { .on = on }), 0);
			must_be(heph_send(ctx, words, { .word = tracked("pass") }), 0);
			must_be(heph_call(soon, words, length, &n,
					  { tracked("four"),
					    std::make_unique<int>(38), {} }),
				0);
			must_be(n, 42);

			word_msg msg = { tracked("a word that is on the heap"),
					 nullptr, {} };
			auto got = heph_ask(soon, words, length, std::move(msg));

			must(got && *got == 26 && !got.error());
			must_be(heph_try_send(words, { .word = tracked("stop") }), 0);
			must_be(heph_join(ctx, words, nullptr), 0);
		}
		return 0;
	});
	must_be(there, 0);
}

static void what_was_not_sent_is_the_senders(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<word_msg> deaf;
		heph_ctx soon = heph_within(ctx, std::chrono::milliseconds(1));
		word_msg msg = { tracked("again"), std::make_unique<int>(1), {} };
		heph_options options = {};
		size_t n;

		options.inbox = 1;
		must_be(heph_spawn_fn(ctx, &deaf,
				      [](heph_ctx ctx, heph_cxx::inbox<word_msg>) {
					      return heph_sleep(ctx, HEPH_NEVER);
				      },
				      options),
			0);
		must_be(heph_try_send(deaf, { .word = tracked("first") }), 0);
		must_be(heph_try_send(deaf, std::move(msg)), -EAGAIN);
		must(msg.word.text == "again" && *msg.number == 1);
		must_be(heph_send(soon, deaf, std::move(msg)), -ETIME);
		must(msg.word.text == "again" && *msg.number == 1);
		must_be(there, 2);
		heph_stop(deaf);
		must_be(heph_join(ctx, deaf, nullptr), 0);
		must_be(there, 1);
		must_be(heph_send(ctx, deaf, std::move(msg)), -ESRCH);
		must(msg.word.text == "again" && *msg.number == 1);
		heph_post(deaf, { .word = tracked("lost") });
		must_be(there, 1);
		/* a call takes its message in any case */
		must_be(heph_call(ctx, deaf, length, &n, std::move(msg)), -ESRCH);
		must_be(there, 0);
		return 0;
	});
}

static void what_nobody_receives_is_destroyed(void **)
{
	run([](heph_ctx ctx) {
		words_ref words;
		size_t n;

		must_be(heph_spawn(ctx, words, &words), 0);
		heph_stop(words);
		must_be(heph_send(ctx, words, { .word = tracked("one") }), 0);
		heph_post(words, { .word = tracked("two") });
		must_be(there, 2);
		must_be(heph_call(ctx, words, length, &n, { .word = tracked("three") }),
			-EPIPE);
		must_be(heph_join(ctx, words, nullptr), 0);
		must_be(there, 0);
		/* later, and never */
		must_be(heph_spawn(ctx, words, &words), 0);
		must_be(heph_send_after(ctx, words, std::chrono::hours(1),
					{ .word = tracked("late") }),
			0);
		must_be(there, 1);
		heph_stop(words);
		return heph_join(ctx, words, nullptr);
	});
	must_be(there, 0);
}

static void a_call_that_ends_early_leaves_nothing(void **)
{
	run([](heph_ctx ctx) {
		words_ref words;
		size_t n;

		must_be(heph_spawn(ctx, words, &words, {}, { .on = HEPH_WORKER(1) }), 0);
		must_be(heph_call(heph_within(ctx, std::chrono::milliseconds(1)), words,
				  length, &n, { .word = tracked("pass") }),
			-ETIME);
		heph_stop(words);
		return heph_join(ctx, words, nullptr);
	});
	must_be(there, 0);
}

/* ---- one of several things ---- */

struct add {
	std::vector<int> numbers;
};
struct total {
	heph_cxx::oneshot_sender<std::string> to;
};
struct sum_msg {
	std::variant<std::monostate, add, total> it;
};

static void answers_with_constructors_go_by_oneshots(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<sum_msg> sum;
		heph_cxx::oneshot_sender<std::string> tx;
		heph_cxx::oneshot_receiver<std::string> rx;
		std::string text;

		must_be(heph_spawn_fn(ctx, &sum,
				      [](heph_ctx ctx, heph_cxx::inbox<sum_msg> in) {
					      int sum = 0;

					      for (;;) {
						      auto msg = heph_recv(ctx, in);

						      if (!msg)
							      return msg.err();
						      if (auto *a = std::get_if<add>(&msg->it))
							      for (int n : a->numbers)
								      sum += n;
						      if (auto *t = std::get_if<total>(&msg->it))
							      (void)heph_oneshot_send(
								      std::move(t->to),
								      std::to_string(sum));
					      }
				      }),
			0);
		must_be(heph_oneshot_new(&tx, &rx), 0);
		must_be(heph_send(ctx, sum, { add{ { 1, 2, 3 } } }), 0);
		must_be(heph_send(ctx, sum, { total{ std::move(tx) } }), 0);
		must_be(heph_oneshot_recv(ctx, rx, &text), 0);
		must(text == "6");
		/* dropped unread with its message */
		must_be(heph_oneshot_reset(rx, &tx), 0);
		heph_stop(sum);
		must_be(heph_send(ctx, sum, { total{ std::move(tx) } }), 0);
		must_be(heph_oneshot_recv(ctx, rx).err(), -EPIPE);
		return heph_join(ctx, sum, nullptr);
	});
}

static void waits_take_messages_with_constructors(void **)
{
	run([](heph_ctx ctx) {
		heph_cxx::ref<word_msg> ref;

		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx, heph_cxx::inbox<word_msg> in) {
			word_msg msg;

			must_be(heph_wait(ctx, heph_on_time(HEPH_NEVER),
					  heph_on_msg(in, &msg)),
				1);
			must(msg.word.text == "hello" && *msg.number == 3);
			must_be(heph_wait(ctx, heph_on_msg(in, &msg),
					  heph_on_time(heph_cxx::clock::now())),
				1);
			must_be(heph_try_recv(in, &msg), -EAGAIN);
			must_be(heph_try_recv(in).err(), -EAGAIN);
			return 0;
		}), 0);
		/* before it runs */
		must_be(heph_send(ctx, ref, { tracked("hello"), std::make_unique<int>(3), {} }), 0);
		return heph_join(ctx, ref, nullptr);
	});
	must_be(there, 0);
}

/* ---- groups ---- */

struct line_msg {
	tracked text;
};
HEPH_ACTOR(line, line_msg, void);
HEPH_ACTOR_MAIN(line, ([](heph_ctx ctx, line_inbox in) {
	auto msg = heph_recv(ctx, in);

	if (!msg)
		return msg.err();
	must(msg->text.text == "to all");
	return 0;
}));

static void groups_get_copies(void **)
{
	run([](heph_ctx ctx) {
		line_group lines = {};
		heph_cxx::group<word_msg> movers = {};
		line_ref line;
		words_ref words;

		for (int i = 0; i < 3; i++) {
			must_be(heph_spawn(ctx, line, &line), 0);
			must_be(heph_group_add(ctx, &lines, line), 0);
			must_be(heph_spawn(ctx, words, &words), 0);
			must_be(heph_group_add(ctx, &movers, words), 0);
		}
		line_msg msg = { tracked("to all") };
		must_be(heph_send_all(ctx, &lines, msg), 3);
		must_be(heph_join_all(ctx, &lines), 0);
		must(msg.text.text == "to all");
		must_be(there, 1);
		/* what cannot be copied can go to one */
		must_be(heph_send_all(ctx, &movers, { .word = tracked("stop") }), -EINVAL);
		for (int i = 0; i < 3; i++)
			must_be(heph_send_one(ctx, &movers, { .word = tracked("stop") }), 0);
		return heph_join_all(ctx, &movers);
	});
	must_be(there, 0);
}

/* ---- captures ---- */

static void captures_live_as_long_as_the_actor(void **)
{
	static std::atomic<bool> ran;

	ran = false;
	run([](heph_ctx ctx) {
		auto word = std::make_unique<tracked>("captured");
		struct heph_exit why = {};
		heph_options options = {};
		heph_ref ref;

		/* returns */
		must_be(heph_spawn_fn(ctx, &ref, [word = std::move(word)](heph_ctx ctx) {
			must(word->text == "captured");
			must_be(heph_yield(ctx), 0);
			must_be(there, 1);
			ran = true;
			return 0;
		}), 0);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must(ran);
		must_be(there, 0);
		/* panics, which abandons frames */
		must_be(heph_spawn_fn(ctx, &ref, [word = tracked("of a panic")](heph_ctx ctx) -> int {
			heph_panic(ctx, "with %s", word.text.c_str());
		}), 0);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must_be(there, 0);
		/* throws */
		must_be(heph_spawn_fn(ctx, &ref, [word = tracked("thrown")](heph_ctx) -> int {
			throw std::runtime_error(word.text);
		}), 0);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must_be(there, 0);
		/* is stopped before it ran */
		must_be(heph_spawn_fn(ctx, &ref, [word = tracked("early")](heph_ctx ctx) {
			return heph_sleep(ctx, std::chrono::hours(1));
		}), 0);
		heph_stop(ref);
		must_be(heph_join(ctx, ref, &why), 0);
		must_be(there, 0);
		/* does not begin */
		options.inbox = HEPH_INBOX_MAX + 1;
		must_be(heph_spawn_fn(ctx, &ref, [word = tracked("never")](heph_ctx) {
			return 0;
		}, options), -EINVAL);
		must_be(there, 0);
		return 0;
	});
}

static std::atomic<int> begun;

static void a_restart_gets_what_was_captured_first(void **)
{
	begun = 0;
	run([](heph_ctx ctx) {
		struct heph_exit why = {};
		heph_cxx::decide_fn again = [](const struct heph_exit *why) {
			return why->err == -EPERM ? HEPH_STOP : HEPH_RESTART;
		};
		heph_options options = {};
		heph_ref ref;

		must_be(heph_spawn_fn(
				ctx, &ref,
				[list = std::vector<tracked>(2, tracked("one"))](heph_ctx ctx) mutable -> int {
					must_be(list.size(), 2);
					list.emplace_back("more");
					if (++begun == 2)
						heph_panic(ctx, "again");
					return begun < 4 ? -EIO : -EPERM;
				},
				{}, again),
			0);
		must_be(heph_join(ctx, ref, &why), 0);
		must_be(why.err, -EPERM);
		must_be(begun, 4);
		must_be(there, 0);
		/* what cannot be copied cannot begin again */
		auto once = [p = std::make_unique<tracked>("once")](heph_ctx) { return 0; };
		must_be(heph_spawn_fn(ctx, &ref, std::move(once), {}, again), -EINVAL);
		must_be(there, 0);
		options.restarts.times = 1;
		auto twice = [p = std::make_unique<tracked>("once")](heph_ctx) { return 0; };
		must_be(heph_spawn_fn(ctx, &ref, std::move(twice), options), -EINVAL);
		must_be(there, 0);
		return 0;
	});
}

static std::string said;

static void deferred_calls_have_captures(void **)
{
	run([](heph_ctx ctx) {
		heph_ref ref;

		said.clear();
		must_be(heph_spawn_fn(ctx, &ref, [](heph_ctx ctx) -> int {
			must_be(heph_defer(ctx, [t = tracked("done")](heph_ctx) {
				said += t.text;
			}), 0);
			must_be(there, 1);
			heph_panic(ctx, "in between");
		}), 0);
		must_be(heph_join(ctx, ref, nullptr), 0);
		must(said == "done");
		must_be(there, 0);
		return 0;
	});
}

/* ---- results ---- */

static void results_are_values_or_errors(void **)
{
	heph_cxx::result<std::string> good(std::string("yes")), bad(heph_cxx::failed{ -ESRCH });
	heph_cxx::result<int> number(-3);

	must(good && *good == "yes" && good.err() == 0 && !good.error());
	must(!bad && bad.err() == -ESRCH);
	must(bad.error() == std::errc::no_such_process);
	must(std::move(bad).value_or("other") == "other");
	must(*std::move(good) == "yes");
	must(number && *number == -3 && number.err() == 0);
	must(!heph_cxx::error(3));
}

static void lengths_that_do_not_fit_are_for_ever(void **)
{
	using namespace std::chrono_literals;
	typedef std::chrono::duration<int64_t, std::ratio<86400>> days;

	must_be(heph_cxx::nanoseconds(2s), 2 * HEPH_SEC);
	must_be(heph_cxx::nanoseconds(1.5ms), 1500 * HEPH_USEC);
	must_be(heph_cxx::nanoseconds(-1us), -1000);
	must_be(heph_cxx::nanoseconds(days::max()), HEPH_NEVER);
	must_be(heph_deadline(heph_within(heph_no_ctx(), days::max())), HEPH_NEVER);
	must(heph_deadline(heph_until(heph_no_ctx(), heph_cxx::clock::now() + 1h)) <
	     HEPH_NEVER);
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_with_constructors_arrive),
		cmocka_unit_test(what_was_not_sent_is_the_senders),
		cmocka_unit_test(what_nobody_receives_is_destroyed),
		cmocka_unit_test(a_call_that_ends_early_leaves_nothing),
		cmocka_unit_test(answers_with_constructors_go_by_oneshots),
		cmocka_unit_test(waits_take_messages_with_constructors),
		cmocka_unit_test(groups_get_copies),
		cmocka_unit_test(captures_live_as_long_as_the_actor),
		cmocka_unit_test(a_restart_gets_what_was_captured_first),
		cmocka_unit_test(deferred_calls_have_captures),
		cmocka_unit_test(results_are_values_or_errors),
		cmocka_unit_test(lengths_that_do_not_fit_are_for_ever),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
