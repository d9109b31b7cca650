/* SPDX-License-Identifier: MIT */
/* fault.c - the handler of the signals that mean a crash
 *
 * SIGABRT is among them because abort() is how other code gives up: assert(3), a
 * damaged heap, an exception of C++ that nobody catches. After a failed
 * assertion of ours, which has said who and why, only the backtrace is added.
 *
 * The handler reports, puts back the action that was there before, and returns:
 * the instruction faults again and meets that action, by default the core dump,
 * with all registers as they were. A signal that somebody sent is sent again.
 *
 * One thread reports; others that crash meanwhile wait until the process is
 * gone, but not forever. A crash within the report ends the process at once,
 * for the signals are blocked in their handler.
 */
#include "coro/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "coro/san.h"

#define ALT_STACK ((size_t)64 << 10)
#define ALT_GUARD ((size_t)64 << 10) /* a page of any size that pages have */
#define MAX_FRAMES 64

void (*heph_fault_describe)(int fd, const void *addr);
void (*heph_fault_save)(void);

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct sigaction previous[N_SIGNALS];
static atomic_bool installed;
static atomic_bool reporting;
static __thread char *alt_stack;

/* ---- text ---- */

static const char *code_name(int sig, int code)
{
	if (sig == SIGABRT && code == SI_TKILL)
		return "abort() was called";
	if (code == SI_USER || code == SI_TKILL || code == SI_QUEUE)
		return "sent by a process";
	if (sig == SIGSEGV && code == SEGV_MAPERR)
		return "address not mapped";
	if (sig == SIGSEGV && code == SEGV_ACCERR)
		return "no permission";
	if (sig == SIGFPE && code == FPE_INTDIV)
		return "integer division by zero";
	if (sig == SIGBUS && code == BUS_ADRERR)
		return "nonexistent physical address, or beyond the file's end";
	if (sig == SIGBUS && code == BUS_ADRALN)
		return "unaligned address";
	return NULL;
}

static const char *signal_name(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGABRT:
		return "SIGABRT";
	default:
		return "SIGILL";
	}
}

/* ---- the report ---- */

static uintptr_t instruction_of(const void *context)
{
	const ucontext_t *uc = context;

#if defined(__x86_64__)
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
	return (uintptr_t)uc->uc_mcontext.pc;
#endif
}

static void report_signal(const siginfo_t *info, uintptr_t ip)
{
	const char *why = code_name(info->si_signo, info->si_code);
	struct heph_fmt fmt;
	char line[256];

	heph_fmt_init(&fmt, line, sizeof(line));
	heph_fmt_str(&fmt, "heph: ");
	heph_fmt_str(&fmt, signal_name(info->si_signo));
	if (why) {
		heph_fmt_str(&fmt, " (");
		heph_fmt_str(&fmt, why);
		heph_fmt_str(&fmt, ")");
	}
	if (info->si_code > 0) {
		heph_fmt_str(&fmt, " at address ");
		heph_fmt_hex(&fmt, (uintptr_t)info->si_addr);
	}
	heph_fmt_str(&fmt, ", instruction ");
	heph_fmt_hex(&fmt, ip);
	heph_fmt_str(&fmt, "\n");
	heph_fmt_write(&fmt, STDERR_FILENO);
}

static void put_out(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

/* The calls that are made for each message do not look at their context, and
 * fail at one of the first addresses if it is empty. That an instruction is of
 * this library can be told where it is a file of its own; as a part of the
 * program it has nothing that says so. */
static bool is_empty_argument(const siginfo_t *info, uintptr_t ip)
{
	Dl_info here, there, program;

	return info->si_signo == SIGSEGV && info->si_code == SEGV_MAPERR &&
	       (uintptr_t)info->si_addr < 1 << 16 &&
	       dladdr((void *)(uintptr_t)heph_fault_install, &here) &&
	       dladdr((void *)ip, &there) &&
	       dladdr((void *)getauxval(AT_PHDR), &program) &&
	       here.dli_fbase == there.dli_fbase &&
	       here.dli_fbase != program.dli_fbase;
}

/* The frames from the one that faulted on: those above it are the handler's. */
static void report_backtrace(uintptr_t ip)
{
	void *frames[MAX_FRAMES];
	int n = backtrace(frames, MAX_FRAMES);
	int first = 0;

	for (int i = 0; i < n && !first; i++)
		if ((uintptr_t)frames[i] == ip)
			first = i;
	backtrace_symbols_fd(frames + first, n - first, STDERR_FILENO);
	if (n == MAX_FRAMES)
		put_out("...\n");
}

static void report(const siginfo_t *info, const void *context)
{
	uintptr_t ip = instruction_of(context);
	const void *addr = info->si_code > 0 ? info->si_addr : NULL;

	if (info->si_signo != SIGABRT || !heph_assert_reported()) {
		report_signal(info, ip);
		if (heph_fault_describe)
			heph_fault_describe(STDERR_FILENO, addr);
		if (is_empty_argument(info, ip))
			put_out("heph: a call of Heph's was given an empty "
				"context, an empty inbox or NULL (guide: "
				"errors-you-will-meet)\n");
	}
	put_out("heph: backtrace:\n");
	report_backtrace(ip);
	if (heph_fault_save)
		heph_fault_save();
	heph_log_fault(signal_name(info->si_signo));
}

/* ---- the handler ---- */

static void await_end(void)
{
	struct timespec pause = { .tv_sec = 5 };

	nanosleep(&pause, NULL);
}

static void restore(int sig)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (signals[i] == sig)
			sigaction(sig, &previous[i], NULL);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (atomic_exchange(&reporting, true))
		await_end();
	else
		report(info, context);
	restore(sig);
	if (info->si_code <= 0) /* returning does not raise it again */
		syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
	/* Whoever is there now may repair it; then the next one counts. */
	atomic_store(&reporting, false);
	errno = saved;
}

/* ---- installing ---- */

static bool is_off(void)
{
	const char *value = getenv("HEPH_FAULT");

	return HEPH_ASAN || HEPH_TSAN || (value && !strcmp(value, "off"));
}

static int install_one(size_t i)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	/* A second fault, of any kind, within the report is the end. */
	sigemptyset(&action.sa_mask);
	for (size_t j = 0; j < N_SIGNALS; j++)
		sigaddset(&action.sa_mask, signals[j]);
	return sigaction(signals[i], &action, &previous[i]) ? -errno : 0;
}

int heph_fault_install(void)
{
	void *frame;
	int err = 0;

	if (is_off() || atomic_exchange(&installed, true))
		return 0;
	/* The first call loads libgcc, which a handler must not do. */
	(void)backtrace(&frame, 1);
	for (size_t i = 0; i < N_SIGNALS && !err; i++)
		err = install_one(i);
	return err;
}

int heph_fault_thread_init(void)
{
	stack_t stack = { .ss_size = ALT_STACK };
	stack_t there;
	char *map;

	if (is_off() || alt_stack)
		return 0;
	if (!sigaltstack(NULL, &there) && !(there.ss_flags & SS_DISABLE))
		return 0;
	map = mmap(NULL, ALT_GUARD + ALT_STACK, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	mprotect(map, ALT_GUARD, PROT_NONE);
	stack.ss_sp = map + ALT_GUARD;
	if (sigaltstack(&stack, NULL)) {
		munmap(map, ALT_GUARD + ALT_STACK);
		return -ENOMEM;
	}
	alt_stack = map;
	return 0;
}

void heph_fault_thread_fini(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	if (!alt_stack)
		return;
	sigaltstack(&none, NULL);
	munmap(alt_stack, ALT_GUARD + ALT_STACK);
	alt_stack = NULL;
}
