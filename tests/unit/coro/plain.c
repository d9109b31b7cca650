/* SPDX-License-Identifier: MIT */
/* plain.c - the cases as a program of its own: for many levels of optimisation,
 * and other machines; prints what failed, and exits by 1 then */
#include <stdio.h>
#include <stdlib.h>

static void failed(const char *what, int line)
{
	printf("line %d: %s\n", line, what);
	exit(1);
}

#define CHECK(x_) ((x_) ? (void)0 : failed(#x_, __LINE__))

#include "cases.h"

#define RUN(name_) case_##name_();

int main(void)
{
	CASES(RUN)
	return 0;
}
