/* SPDX-License-Identifier: MIT */
#include "rt/thread.h"

#include <signal.h>
#include <stdio.h>

int heph_thread_start(pthread_t *ret_thread, void *(*fn)(void *), void *arg)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
				      SIGABRT };
	sigset_t all, old;
	int err;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(ret_thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

void heph_thread_name(const char *program, const char *what)
{
	char name[16];

	snprintf(name, sizeof(name), "%.10s%.5s", program, what);
	pthread_setname_np(pthread_self(), name);
}
