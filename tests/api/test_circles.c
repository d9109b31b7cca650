/* SPDX-License-Identifier: MIT */
/* The runtime tells of actors that wait for each other, without being asked. */
#include "act.h"

#include <regex.h>
#include <unistd.h>

static act_ref refs[8];
static int n_refs;
static _Atomic bool go;
static char said[1 << 16];
static size_t len;
static int reader, sink;

/* ---- the log ----------------------------------------------------------------------- */

static int start(void **state)
{
	int fds[2];

	(void)state;
	setenv("HEPH_LOG", "logfmt", 1);
	assert_int_equal(pipe(fds), 0);
	reader = fds[0];
	sink = fds[1];
	n_refs = 0;
	len = 0;
	said[0] = '\0';
	heph_log_to(sink);
	heph_log_set_level(HEPH_LOG_INFO);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	heph_log_to(STDERR_FILENO);
	close(reader);
	close(sink);
	return 0;
}

/* Reads lines until there are so many about circles; the latest one. */
static const char *await_circles(int n)
{
	const char *at, *found = said;
	ssize_t got;
	int count;

	for (;;) {
		count = 0;
		for (at = said; (at = strstr(at, "actors wait in a circle"));
		     at++) {
			count++;
			found = at;
		}
		if (count >= n && strchr(found, '\n'))
			break;
		got = read(reader, said + len, sizeof(said) - 1 - len);
		assert_true(got > 0);
		len += (size_t)got;
		said[len] = '\0';
	}
	assert_int_equal(count, n);
	return found;
}

/* ---- actors ------------------------------------------------------------------------ */

struct role {
	int to; /* index of refs */
	enum { CALL, JOIN, FILL, CALL_A_WHILE, CALL_LATER, SLEEP } what;
};

static int fill(heph_ctx ctx, act_ref to)
{
	int err = 0;

	while (err == 0)
		err = heph_send(ctx, to, { .n = 1 });
	return err;
}

static int call(heph_ctx ctx, act_ref to)
{
	long answer;

	return heph_call(ctx, to, answer, &answer, { .asks = true });
}

static int play(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct role *role = arg;
	act_ref to;
	int err = 0;

	(void)in;
	while (!go && err == 0)
		err = heph_sleep(ctx, 100 * HEPH_USEC);
	if (err < 0)
		return err;
	to = refs[role->to];
	switch (role->what) {
	case CALL:
		return call(ctx, to);
	case JOIN:
		return heph_join(ctx, to, NULL);
	case FILL:
		return fill(ctx, to);
	case CALL_A_WHILE:
		return call(heph_within(ctx, 1000 * HEPH_SEC), to);
	case CALL_LATER: /* when all sleep, and were looked at */
		err = heph_sleep(ctx, 600 * HEPH_MSEC);
		return err < 0 ? err : call(ctx, to);
	case SLEEP:
		return heph_sleep(ctx, HEPH_NEVER);
	}
	return 0;
}

/* They are behind those that are there. */
static void play_all(heph_ctx ctx, const struct role *roles,
		     const char *const *names, int n)
{
	go = false;
	for (int i = 0; i < n; i++)
		must_be(heph_spawn(ctx, act, &refs[n_refs++],
				   { play, (void *)(uintptr_t)&roles[i] },
				   .on = HEPH_WORKER(i % 2), .inbox = 4,
				   .name = names[i]),
			0);
	go = true;
}

static void end_all(heph_ctx ctx)
{
	for (int i = 0; i < n_refs; i++)
		heph_stop(refs[i]);
	end(ctx);
}

/* The line has the name, the wait and whom it waits for. */
static void has(const char *line, const char *name, const char *wait,
		const char *whom)
{
	char text[200];
	regex_t regex;
	bool found;

	snprintf(text, sizeof(text), "%s#[0-9]+ waits for %s %s#[0-9]+[;,\"]",
		 name, wait, whom);
	assert_int_equal(regcomp(&regex, text, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&regex, line, 0, NULL, 0) == 0;
	regfree(&regex);
	if (!found)
		print_message("no '%s' in\n%s", text, line);
	assert_true(found);
}

static const char *const people[] = { "ann", "bob", "cyd", "dan" };

/* ---- the tests --------------------------------------------------------------------- */

static const struct role two[] = { { 1, CALL }, { 0, CALL } };
static const struct role three[] = { { 3, CALL }, { 4, FILL }, { 2, JOIN } };

static void are_told_with_names_each_once(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	const char *line;

	(void)state;
	play_all(ctx, two, people, 2);
	line = await_circles(1);
	has(line, "ann", "the answer of", "bob");
	has(line, "bob", "the answer of", "ann");
	assert_non_null(strstr(line, "target=heph.circles"));
	assert_non_null(strstr(line, "do=\"give one of the waits a deadline, "
				     "heph_within(), or answer later\" "
				     "guide=errors-you-will-meet"));
	/* That one is still there when the next one is looked for. */
	play_all(ctx, three, people + 1, 3);
	line = await_circles(2);
	has(line, "bob", "the answer of", "cyd");
	has(line, "cyd", "room in the inbox of", "dan");
	has(line, "dan", "the end of", "bob");
	assert_null(strstr(line, "ann#"));
	end_all(ctx);
}

static const struct role late[] = { { 1, CALL }, { 0, CALL_LATER } };

static void are_told_when_they_close_after_a_sleep(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	play_all(ctx, late, people, 2);
	has(await_circles(1), "bob", "the answer of", "ann");
	end_all(ctx);
}

static const struct role harmless[] = { { 1, CALL },
					{ 2, JOIN },
					{ 0, SLEEP }, /* a chain */
					{ 4, CALL },
					{ 3, CALL_A_WHILE } };
static const struct role behind[] = { { 6, CALL }, { 5, CALL } };

/* The circle at the end shows that it was looked for. */
static void what_ends_is_none(void **state)
{
	static const char *const others[] = { "eva", "fay", "gus", "hal",
					      "ida" };
	heph_ctx ctx = begin(&two_workers);
	const char *line;

	(void)state;
	play_all(ctx, harmless, others, 5);
	play_all(ctx, behind, people, 2);
	line = await_circles(1);
	has(line, "ann", "the answer of", "bob");
	for (int i = 0; i < 5; i++)
		assert_null(strstr(line, others[i]));
	end_all(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(are_told_with_names_each_once,
						start, stop),
		cmocka_unit_test_setup_teardown(
			are_told_when_they_close_after_a_sleep, start, stop),
		cmocka_unit_test_setup_teardown(what_ends_is_none, start, stop),
	};

	if (ON_TSAN)
		return 77; /* nobody watches the workers there: api/stall */
	return cmocka_run_group_tests_name("circles", tests, NULL, NULL);
}
