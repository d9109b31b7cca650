/* SPDX-License-Identifier: MIT */
/* Everything as text: by calls, by SIGQUIT; with many actors, with stuck ones. */
#include "act.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <heph/embed.h>

#define METRIC "heph_type_inbox_messages_count{type=\"act\"}"

enum { MANY = 500, SIZE = 1 << 18 };

static char text[SIZE];
static _Atomic bool release, runs;

/* ---- where it is written ------------------------------------------------------ */

static FILE *file;

/* Who writes goes to its end, whoever reads meanwhile. */
static int open_file(void)
{
	file = tmpfile();
	must(file != NULL);
	must_be(fcntl(fileno(file), F_SETFL, O_RDWR | O_APPEND), 0);
	return fileno(file);
}

static void read_file(void)
{
	size_t size = 0;
	ssize_t n;

	while ((n = pread(fileno(file), text + size, sizeof(text) - 1 - size,
			  (off_t)size)) > 0)
		size += (size_t)n;
	must_be(n, 0);
	text[size] = '\0';
}

static void close_file(void)
{
	read_file();
	fclose(file);
}

static void must_say(const char *wanted)
{
	if (strstr(text, wanted))
		return;
	fprintf(stderr, "'%s' is not in:\n%s", wanted, text);
	abort();
}

static int count_lines(const char *with)
{
	const char *at = text;
	int n = 0;

	while ((at = strstr(at, with))) {
		n++;
		at += strlen(with);
	}
	return n;
}

static void answered(int err)
{
	must(err == 0 || err == -EBUSY);
}

static int tries;

/* A worker that does not answer in time is left out, or told as stuck: then all
 * is asked for again, a few times. What is missing after that must_say() tells. */
static bool again(const char *one, const char *other)
{
	if (tries++ < 20 && (!strstr(text, one) || !strstr(text, other)))
		return true;
	tries = 0;
	return false;
}

/* ---- actors --------------------------------------------------------------------- */

static int for_message(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	return heph_recv(ctx, in, &msg);
}

static act_ref pair[2];

static int call_the_other(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer, n;

	(void)arg;
	while (!runs)
		if (heph_sleep(ctx, 10 * HEPH_USEC) < 0)
			return 0;
	n = heph_same(heph_self(in), pair[0]);
	return heph_call(ctx, pair[n], answer, &answer, { .asks = true });
}

static int be_stuck(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	runs = true;
	while (!release)
		sched_yield();
	return 0;
}

static void begin_pair(heph_ctx ctx)
{
	struct heph_actor_info info;
	int err;

	runs = false;
	for (int n = 0; n < 2; n++)
		must_be(heph_spawn(ctx, act, &pair[n], { call_the_other, NULL },
				   .on = HEPH_WORKER(n),
				   .name = n ? "right" : "left"),
			0);
	runs = true;
	for (int n = 0; n < 2; n++)
		do {
			err = heph_actor_info(ctx, pair[n], &info);
			must(err == 0 || err == -EBUSY);
		} while (err < 0 || !(info.waits & 1u << HEPH_WAITS_ANSWER));
}

/* ---- tests ---------------------------------------------------------------------- */

static void it_lists_actors_and_circles(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[MANY];

	(void)state;
	for (int n = 0; n < MANY; n++)
		refs[n] = spawn_on(ctx, HEPH_WORKER(n % 2), for_message, NULL);
	begin_pair(ctx);
	do { /* messages may be under way, and answers late */
		answered(heph_dump(heph_runtime(ctx), open_file()));
		close_file();
	} while (again("2 actors wait in a circle: ", "502 actors\n"));
	must_say("heph: runtime ");
	must_say("2 workers");
	must_say("worker 1: ");
	must_say(" left ");
	must_say("waits for the answer of ");
	must_say("490 more act: waiting (message)\n");
	must_say("502 actors\n");
	must_say("2 actors wait in a circle: ");
	assert_int_equal(count_lines(" waits for a message\n"), 10);
	for (int n = 0; n < MANY; n++)
		stop_and_join(ctx, refs[n]);
	for (int n = 0; n < 2; n++)
		heph_stop(pair[n]);
	end(ctx);
}

static int dump_by_itself(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must_be(heph_dump(heph_runtime(ctx), STDERR_FILENO), -EDEADLK);
	do {
		answered(heph_dump_by(ctx, open_file()));
		close_file();
	} while (again("waits for a look at actors", "1 actors\n"));
	return 0;
}

static void an_actor_may_dump(void **state)
{
	(void)state;
	run(dump_by_itself, NULL);
	must_say("waits for a look at actors");
	must_say("1 actors\n");
}

static void it_works_while_a_worker_is_stuck(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	release = runs = false;
	must_be(heph_spawn(ctx, act, &ref, { be_stuck, NULL },
			   .on = HEPH_WORKER(1), .name = "mule"),
		0);
	while (!runs)
		sched_yield();
	do {
		answered(heph_dump_by(ctx, open_file()));
		close_file();
	} while (again(" mule ", "its worker is stuck"));
	must_say(" mule ");
	must_say("its worker is stuck");
	release = true;
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

/* What is told of a descriptor that cannot be written. */
static void errors_are_told(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(heph_dump(heph_runtime(ctx), fd), -EBADF);
	close(fd);
	assert_int_equal(heph_dump(heph_runtime(ctx), -1), -EBADF);
	end(ctx);
}

/* Standard error goes to a file meanwhile. A signal that comes while the report
 * before it ends is passed over, so it is sent again when none comes. */
static void send_and_read(int signal, const char *last)
{
	int before = dup(STDERR_FILENO);
	heph_time until;

	dup2(open_file(), STDERR_FILENO);
	do {
		kill(getpid(), signal);
		until = heph_now() + HEPH_SEC;
		do {
			sched_yield();
			read_file();
		} while (!strstr(text, last) && heph_now() < until);
	} while (!strstr(text, last));
	dup2(before, STDERR_FILENO);
	close(before);
	close_file();
}

static void signals_ask_for_it(void **state)
{
	const struct heph_config config = { .workers = 2 };
	heph_ctx ctx = begin(&config);
	act_ref ref = spawn_on(ctx, HEPH_WORKER(1), for_message, NULL);

	(void)state;
	do
		send_and_read(SIGQUIT, " actors\n");
	while (again("1 actors\n", "waits for a message"));
	must_say("1 actors\n");
	must_say("waits for a message");
	do
		send_and_read(SIGUSR2, METRIC);
	while (again(METRIC, "heph_actors{worker=\"1\"} 1\n"));
	must_say("heph_actors{worker=\"1\"} 1\n");
	stop_and_join(ctx, ref);
	end(ctx);
}

static int take_quit(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned count;

	(void)in, (void)arg;
	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGQUIT, &count)),
		-ETIME);
	runs = true;
	return heph_wait(ctx, heph_on_signal(SIGQUIT, &count));
}

/* If it were not taken the dump would be in the file when the runtime has ended. */
static void an_actor_may_take_the_signal(void **state)
{
	const struct heph_config config = { .workers = 2 };
	heph_ctx ctx = begin(&config);
	int before = dup(STDERR_FILENO);
	act_ref ref;

	(void)state;
	runs = false;
	ref = spawn_on(ctx, HEPH_WORKER(1), take_quit, NULL);
	while (!runs)
		sched_yield();
	dup2(open_file(), STDERR_FILENO);
	kill(getpid(), SIGQUIT);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
	dup2(before, STDERR_FILENO);
	close(before);
	close_file();
	assert_null(strstr(text, "RECEIVED"));
}

/* The thread that would be asked is the one that asks. */
static void within_another_loop(void **state)
{
	struct heph_embed *embed;
	act_ref ref;
	heph_ctx ctx;

	(void)state;
	setenv("HEPH_LOG", "off", 0);
	assert_int_equal(heph_embed_new(&embed, NULL), 0);
	ctx = heph_embed_ctx(embed);
	assert_int_equal(heph_spawn(ctx, act, &ref, { for_message, NULL }), 0);
	while (heph_embed_run(embed))
		;
	assert_int_equal(heph_dump(heph_runtime(ctx), open_file()), 0);
	close_file();
	must_say("waits for a message");
	do {
		answered(heph_dump_by(ctx, open_file()));
		close_file();
	} while (again("waits for a message", "1 actors\n"));
	must_say("waits for a message");
	heph_embed_free(embed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_lists_actors_and_circles),
		cmocka_unit_test(an_actor_may_dump),
		cmocka_unit_test(it_works_while_a_worker_is_stuck),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(signals_ask_for_it),
		cmocka_unit_test(an_actor_may_take_the_signal),
		cmocka_unit_test(within_another_loop),
	};

	return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
