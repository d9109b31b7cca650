/* SPDX-License-Identifier: MIT */
#include "base/helper.h"

#include <limits.h>
#include <signal.h>

/* A fault that is blocked would end the process without a report. */
static void block_signals(sigset_t *before)
{
	static const int faults[] = { SIGSEGV, SIGBUS,  SIGFPE,
				      SIGILL,  SIGTRAP, SIGABRT };
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

int heph_helper_start(pthread_t *ret_thread, size_t stack, void *(*fn)(void *),
		      void *arg)
{
	const size_t least = (size_t)PTHREAD_STACK_MIN;
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t before;
	int err;

	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack > least ? stack : least);
	if (!ret_thread)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* The new thread inherits the mask. */
	block_signals(&before);
	err = pthread_create(ret_thread ? ret_thread : &thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
