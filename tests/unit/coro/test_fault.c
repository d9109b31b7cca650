/* SPDX-License-Identifier: MIT */
/* test_fault.c - what a crash reports; each crash is a child's */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/coro.h"
#include "coro/fault.h"
#include "coro/stack.h"

static struct heph_stacks stacks;
static struct heph_coro main_coro;
static struct heph_coro coro;
static char report[1 << 16];

static void say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void describe(int fd, const void *addr)
{
	if (heph_stacks_guard_of(&stacks, addr))
		say(fd, "heph: actor conn overflowed its stack\n");
	else
		say(fd, "heph: actor conn was running\n");
}

/* ---- crashes ---- */

static volatile bool forever = true;

static int __attribute__((noinline)) grow(volatile char *above)
{
	volatile char frame[200];

	frame[0] = *above;
	return forever ? grow(frame) + frame[0] : 0;
}

static int overflow(struct heph_coro *self)
{
	char first = 0;

	grow(&first);
	heph_coro_leave(self, &main_coro);
}

static void crash_by_overflow(void)
{
	void *low = heph_stack_take(&stacks);
	char *top = heph_coro_top(low, stacks.size);

	heph_coro_init_thread(&main_coro);
	heph_coro_init(&coro, low, stacks.size, top, top - HEPH_CORO_FRAME,
		       overflow, NULL);
	heph_coro_switch(&main_coro, &coro);
}

static void *on_thread(void *unused)
{
	(void)unused;
	heph_fault_thread_init();
	crash_by_overflow();
	heph_fault_thread_fini();
	return NULL;
}

static void crash_on_a_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, on_thread, NULL);
	pthread_join(thread, NULL);
}

static void crash_by_null(void)
{
	volatile int *volatile null = NULL;

	*null = 1;
}

#ifdef __x86_64__
static void crash_by_illegal_instruction(void)
{
	__builtin_trap();
}
#endif

static void crash_by_division(void)
{
#ifdef __x86_64__
	__asm__ volatile("xorl %%ecx, %%ecx\n\tidivl %%ecx"
			 :
			 :
			 : "eax", "ecx", "edx", "cc");
#else
	raise(SIGFPE);
#endif
}

static void crash_by_kill(void)
{
	kill(getpid(), SIGSEGV);
	pause();
}

static void describe_and_crash(int fd, const void *addr)
{
	(void)addr;
	say(fd, "heph: about to crash again\n");
	crash_by_null();
}

static void crash_in_the_report(void)
{
	heph_fault_describe = describe_and_crash;
	crash_by_null();
}

static void earlier_handler(int sig)
{
	say(STDERR_FILENO, "the earlier handler\n");
	_exit(100 + sig);
}

static void install_earlier(void)
{
	struct sigaction action = { .sa_handler = earlier_handler };

	sigaction(SIGSEGV, &action, NULL);
}

/* ---- running them ---- */

static void child(void (*before)(void), void (*crash)(void), int fd)
{
	const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	alarm(100);
	dup2(fd, STDERR_FILENO);
	for (size_t i = 0; i < 4; i++) /* cmocka's handlers */
		signal(signals[i], SIG_DFL);
	if (before)
		before();
	heph_fault_describe = describe;
	if (heph_fault_install() || heph_fault_install() ||
	    heph_fault_thread_init() || heph_fault_thread_init())
		_exit(99);
	crash();
	_exit(0);
}

/* Returns the child's status; its standard error is in `report`. */
static int run(void (*before)(void), void (*crash)(void))
{
	size_t used = 0;
	int pipes[2];
	ssize_t n;
	int status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid)
		child(before, crash, pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], report + used, sizeof(report) - 1 - used)) >
	       0)
		used += (size_t)n;
	report[used] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void died_by(int status, int sig)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		print_message("%s", report);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

static void says(const char *text)
{
	if (!strstr(report, text))
		print_message("%s", report);
	assert_non_null(strstr(report, text));
}

/* ---- tests ---- */

static void test_reports_an_overflow(void **state)
{
	(void)state;
	died_by(run(NULL, crash_by_overflow), SIGSEGV);
	says("heph: SIGSEGV (");
	says("at address 0x");
	says(", instruction 0x");
	says("heph: actor conn overflowed its stack\n");
	says("heph: backtrace:\n");
	says("...\n");
}

static void test_reports_an_overflow_on_a_thread(void **state)
{
	(void)state;
	died_by(run(NULL, crash_on_a_thread), SIGSEGV);
	says("heph: actor conn overflowed its stack\n");
}

static void test_reports_a_null_pointer(void **state)
{
	char *trace;
	char ip[32];

	(void)state;
	died_by(run(NULL, crash_by_null), SIGSEGV);
	says("heph: SIGSEGV (address not mapped) at address 0x0, instruction");
	says("heph: actor conn was running\n");
	/* The backtrace begins where it happened. */
	assert_int_equal(sscanf(strstr(report, "instruction "),
				"instruction %30s", ip),
			 1);
	trace = strstr(report, "backtrace:\n") + strlen("backtrace:\n");
	*strchr(trace, '\n') = 0;
	assert_non_null(strstr(trace, ip));
}

static void test_reports_other_signals(void **state)
{
	(void)state;
	died_by(run(NULL, crash_by_division), SIGFPE);
	says("heph: SIGFPE (");
#ifdef __x86_64__
	died_by(run(NULL, crash_by_illegal_instruction), SIGILL);
	says("heph: SIGILL");
#endif
}

static void test_reports_a_signal_that_was_sent(void **state)
{
	(void)state;
	died_by(run(NULL, crash_by_kill), SIGSEGV);
	says("heph: SIGSEGV (sent by a process), instruction");
}

static void test_hands_on_to_the_earlier_handler(void **state)
{
	int status = run(install_earlier, crash_by_null);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 100 + SIGSEGV);
	says("heph: actor conn was running\n");
	says("the earlier handler\n");
}

static void test_a_crash_in_the_report_is_the_end(void **state)
{
	(void)state;
	died_by(run(NULL, crash_in_the_report), SIGSEGV);
	says("heph: about to crash again\n");
}

static void switch_off(void)
{
	setenv("HEPH_FAULT", "off", 1);
}

static void test_can_be_switched_off(void **state)
{
	(void)state;
	died_by(run(switch_off, crash_by_null), SIGSEGV);
	assert_string_equal(report, "");
}

static void test_alternate_stacks(void **state)
{
	stack_t before, now;

	(void)state;
	assert_int_equal(sigaltstack(NULL, &before), 0); /* UBSan has one */
	assert_int_equal(heph_fault_thread_init(), 0);
	assert_int_equal(sigaltstack(NULL, &now), 0);
	assert_false(now.ss_flags & SS_DISABLE);
	heph_fault_thread_fini();
	heph_fault_thread_fini();
	assert_int_equal(sigaltstack(NULL, &now), 0);
	assert_int_equal(now.ss_flags, before.ss_flags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_an_overflow),
		cmocka_unit_test(test_reports_an_overflow_on_a_thread),
		cmocka_unit_test(test_reports_a_null_pointer),
		cmocka_unit_test(test_reports_other_signals),
		cmocka_unit_test(test_reports_a_signal_that_was_sent),
		cmocka_unit_test(test_hands_on_to_the_earlier_handler),
		cmocka_unit_test(test_a_crash_in_the_report_is_the_end),
		cmocka_unit_test(test_can_be_switched_off),
		cmocka_unit_test(test_alternate_stacks),
	};

	if (HEPH_ASAN || HEPH_TSAN || heph_san_on_valgrind())
		return 77; /* they, and valgrind, report by themselves */
	if (heph_stacks_init(&stacks, HEPH_STACK_SIZE, 10))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
