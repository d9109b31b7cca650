/* SPDX-License-Identifier: MIT */
/* test_report.c - what is told when the process ends by a fault; in children */
#include "../../api/act.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/san.h"
#include "core/inbox.h"
#include "core/slot.h"

static char said[1 << 16];

/* ---- running them ---- */

static void be_child(act_fn *fn, void *arg, int fd)
{
	const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	const struct heph_config config = { .workers = 1, .no_signals = true };
	struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	setenv("HEPH_LOG", "off", 1);
	alarm(100);
	dup2(fd, STDERR_FILENO);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], SIG_DFL); /* cmocka's handlers */
	_exit(heph_run(&config, act, { fn, arg }, .name = "victim"));
}

/* Runs it as an actor in a child, which must die by that signal. What it wrote
 * is in `said`. */
static void dies(int sig, act_fn *fn, void *arg)
{
	size_t used = 0;
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid)
		be_child(fn, arg, pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		print_message("%s", said);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

/* Where the text is, after `from`; fails if it is not there. */
static const char *after(const char *from, const char *text)
{
	const char *at = strstr(from, text);

	if (!at)
		print_message("no '%s' in\n%s", text, said);
	assert_non_null(at);
	return at + strlen(text);
}

static const char *says(const char *text)
{
	return after(said, text);
}

static void does_not_say(const char *text)
{
	if (strstr(said, text))
		print_message("'%s' in\n%s", text, said);
	assert_null(strstr(said, text));
}

/* ---- faults ---- */

static void crash(void)
{
	volatile int *volatile null = NULL;

	*null = 1;
}

static int receive_and_crash(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	for (int n = 1; n <= 16; n++)
		must_be(heph_try_send(heph_self(in), { .n = 0x1100 + n }), 0);
	for (int n = 1; n <= 11; n++)
		must_be(heph_recv(ctx, in, &msg), 0);
	crash();
	return 0;
}

static void names_actor_and_messages(void **state)
{
	const char *at;

	dies(SIGSEGV, receive_and_crash, NULL);
	at = says("heph: SIGSEGV (address not mapped) at address 0x0");
	at = after(at, "heph: actor victim (type act, id ");
	at = after(at, ", worker 0) was running\n");
	at = after(at, "heph: it has received 11 messages, and not yet 5; "
		       "the oldest first:\n");
	if (HEPH_RECEIPTS_KEPT) { /* the last eight */
		at = after(at, "heph:     received (40 bytes): 04 11 00 00 00 "
			       "00 00 00 ");
		at = after(at, "heph:     received (40 bytes): 0b 11 00 ");
	}
	does_not_say("received (40 bytes): 03 11");
	at = after(at, "heph:     unread (40 bytes): 0c 11 00 00 00 00 00 00");
	at = after(at, " ...\nheph:     unread (40 bytes): 0d 11 ");
	at = after(at, " ...\nheph:     unread (40 bytes): 0f 11 ");
	does_not_say("(40 bytes): 10 11"); /* four are enough */
	after(at, "heph: backtrace:\n");
}

static int another(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	return heph_recv(ctx, in, &msg);
}

/* What others received is not told as its own. */
static int crash_beside_another(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, another, NULL);

	must_be(heph_send(ctx, ref, { .n = 77 }), 0);
	must_be(heph_join(ctx, ref, NULL), 0);
	crash();
	return 0;
}

static void does_not_tell_messages_of_others(void **state)
{
	dies(SIGSEGV, crash_beside_another, NULL);
	says("heph: it has received 0 messages, and not yet 0;");
	does_not_say("bytes): ");
}

/* ---- a damaged inbox ---- */

static int damage(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_self *self = ctx.self;

	for (int n = 0; n < 3; n++)
		must_be(heph_try_send(heph_self(in), { .n = n }), 0);
	switch ((intptr_t)arg) {
	case 0: /* an address that there is none */
		self->last->next->next = (void *)16;
		break;
	case 1: /* a circle */
		self->n = UINT32_MAX;
		self->last->next->next = self->last->next;
		break;
	case 2:
		self->last->next->size = UINT32_MAX;
		break;
	case 3:
		self->last = (void *)UINTPTR_MAX;
		break;
	case 4: /* one byte before the end of what is mapped */
		self->last = (void *)((uintptr_t)self->slot->low - 1);
		break;
	}
	crash();
	return 0;
}

static void a_damaged_inbox_does_no_harm(void **state)
{
	for (intptr_t n = 0; n < 5; n++) {
		dies(SIGSEGV, damage, (void *)n);
		says("heph: it has received 0 messages, and not yet ");
		says("heph: backtrace:\n");
	}
	dies(SIGSEGV, damage, (void *)0);
	says("heph:     unread, and damaged (0 bytes):\n");
	dies(SIGSEGV, damage, (void *)2);
	says("heph:     unread (4294967295 bytes): 00 00 ");
}

/* ---- states ---- */

static void crash_in_defer(heph_ctx ctx, long *unused)
{
	crash();
}

static int crash_while_ending(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_defer(ctx, crash_in_defer, 1L), 0);
	heph_stop(heph_self(in));
	return 0;
}

static volatile bool forever = true;

static int __attribute__((noinline)) grow(volatile char *above)
{
	volatile char frame[200];

	frame[0] = *above;
	return forever ? grow(frame) + frame[0] : 0;
}

static int overflow(heph_ctx ctx, act_inbox in, void *arg)
{
	char first = 0;

	heph_stop(heph_self(in));
	return grow(&first);
}

static void names_the_state(void **state)
{
	dies(SIGSEGV, crash_while_ending, NULL);
	says(") was running, asked to stop, giving back what it acquired\n");
	dies(SIGSEGV, overflow, NULL);
	says(") overflowed its stack of 65536 bytes, asked to stop\n"
	     "heph: it gets a larger one if it is spawned with .stack = "
	     "BYTES\n");
}

/* Which is a slot that others are bound to as well. */
static int overflow_among_others(heph_ctx ctx, act_inbox in, void *arg)
{
	char first = 0;

	for (int n = 0; n < 10; n++)
		spawn_on(ctx, HEPH_HERE, idle, NULL);
	for (int n = 0; n < 10; n++)
		must_be(heph_yield(ctx), 0);
	return grow(&first);
}

static void names_who_overflows_a_shared_stack(void **state)
{
	static const char *const counts[] = { "1", "2", "4" };
	const char *given = getenv("HEPH_SLOTS");

	for (int n = 0; n < 3; n++) {
		setenv("HEPH_SLOTS", counts[n], 1);
		dies(SIGSEGV, overflow_among_others, NULL);
		says("heph: actor victim (type act, id ");
		says(") overflowed its stack of 65536 bytes\n");
	}
	given ? setenv("HEPH_SLOTS", given, 1) : unsetenv("HEPH_SLOTS");
}

/* ---- abort() ---- */

static int abort_itself(heph_ctx ctx, act_inbox in, void *arg)
{
	abort();
}

static int fail_assertion(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_assert(1 + 1 == 3);
	return 0;
}

static unsigned count(const char *text)
{
	unsigned n = 0;

	for (const char *at = said; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void abort_is_a_fault(void **state)
{
	dies(SIGABRT, abort_itself, NULL);
	says("heph: SIGABRT (abort() was called), instruction ");
	says("heph: actor victim (type act, id ");
	says("heph: backtrace:\n");
}

static void a_failed_assertion_is_told_once(void **state)
{
	dies(SIGABRT, fail_assertion, NULL);
	says("test_report.c:");
	says(": fail_assertion: assertion failed: 1 + 1 == 3\n");
	says("heph: backtrace:\n");
	does_not_say("SIGABRT");
	assert_int_equal(count("heph: actor victim "), 1);
}

/* ---- panics that lead nowhere ---- */

static heph_ctx dropper;

static void panic_in_drop(struct act_msg *msg)
{
	heph_panic(dropper, "while dropping %ld", msg->n);
}

HEPH_ACTOR(bomb, struct act_msg, void);
static int bomb_main(heph_ctx ctx, bomb_inbox in)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(bomb, bomb_main, .drop = panic_in_drop);

/* The inbox is full, so it is dropped by the sender, who could panic. */
static int post_to_full(heph_ctx ctx, act_inbox in, void *arg)
{
	bomb_ref bomb;

	dropper = ctx;
	must_be(heph_spawn(ctx, bomb, &bomb, .inbox = 1), 0);
	heph_post(bomb, { .n = 1 });
	heph_post(bomb, { .n = 2 });
	return 0;
}

static int panic_converting(const struct act_msg *from, struct act_msg *to)
{
	heph_panic(dropper, "while converting %ld", from->n);
}

static int send_through(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref self = heph_self(in), through;

	dropper = ctx;
	must_be(heph_map(ctx, &through, self, panic_converting), 0);
	return heph_try_send(through, { .n = 3 });
}

static void panic_deferred(heph_ctx ctx, long *n)
{
	heph_panic(ctx, "number %ld", *n);
}

static int defer_panic(heph_ctx ctx, act_inbox in, void *arg)
{
	return heph_defer(ctx, panic_deferred, 5L);
}

static enum heph_verdict panic_deciding(const struct heph_exit *why,
					struct act_arg *arg)
{
	heph_panic(dropper, "undecided");
}

static int fail_with_ctx(heph_ctx ctx, act_inbox in, void *arg)
{
	dropper = ctx;
	return -EIO;
}

static int supervised(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_spawn(ctx, act, NULL, { fail_with_ctx, NULL },
			   .decide = panic_deciding),
		0);
	return heph_sleep(ctx, HEPH_SEC);
}

static int with_another_ctx(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_panic(dropper, "not mine");
}

static int lend_ctx(heph_ctx ctx, act_inbox in, void *arg)
{
	dropper = ctx;
	spawn_on(ctx, HEPH_HERE, with_another_ctx, NULL);
	return heph_sleep(ctx, HEPH_SEC);
}

static void a_panic_that_leads_nowhere_says_so(void **state)
{
	dies(SIGABRT, post_to_full, NULL);
	says("assertion failed: panic in a function that the runtime calls: "
	     "while dropping 2\n");
	dies(SIGABRT, send_through, NULL);
	says("panic in a function that the runtime calls: while converting 3\n");
	dies(SIGABRT, defer_panic, NULL);
	says("test_report.c:");
	says(": victim: assertion failed: panic in a deferred call, or another "
	     "function that cleans up: number 5\n");
	dies(SIGABRT, supervised, NULL);
	says("panic in a deferred call, or another function that cleans up: "
	     "undecided\n");
	dies(SIGABRT, lend_ctx, NULL);
	says("panic by somebody else than the running actor: not mine\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_actor_and_messages),
		cmocka_unit_test(does_not_tell_messages_of_others),
		cmocka_unit_test(a_damaged_inbox_does_no_harm),
		cmocka_unit_test(names_the_state),
		cmocka_unit_test(names_who_overflows_a_shared_stack),
		cmocka_unit_test(abort_is_a_fault),
		cmocka_unit_test(a_failed_assertion_is_told_once),
		cmocka_unit_test(a_panic_that_leads_nowhere_says_so),
	};

	if (HEPH_ASAN || HEPH_TSAN || heph_san_on_valgrind())
		return 77; /* they report by themselves */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
