/* SPDX-License-Identifier: MIT */
#include "rt/thread.h"

#include <pthread.h>
#include <stdio.h>

void heph_thread_name(const char *program, const char *what)
{
	char name[16];

	snprintf(name, sizeof(name), "%.10s%.5s", program, what);
	pthread_setname_np(pthread_self(), name);
}
