/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int server_must(int result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "echo: %s: %s\n", what, strerror(-result));
	exit(3);
}

int server_must_call(int result, const char *what)
{
	return server_must(result < 0 ? -errno : result, what);
}

void server_say_port(unsigned port)
{
	printf("port=%u\n", port);
	fflush(stdout);
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void server_say_end(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("cpu_secs=%.6f\n",
	       seconds(usage.ru_utime) + seconds(usage.ru_stime));
}
