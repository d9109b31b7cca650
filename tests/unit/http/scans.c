/* SPDX-License-Identifier: MIT */
/*
 * scans.c - vectors and single bytes see the same, without a library for tests
 *
 * For tests/http/test_machines.sh, which runs it as other machines have it.
 */
#include "http/scan.h"

#include <stdio.h>
#include <stdlib.h>

static char bytes[128];

static void fill(size_t size, unsigned *seed)
{
	for (size_t i = 0; i < size; i++) {
		int c = rand_r(seed);

		bytes[i] = (char)(c % 32 ? 'a' + c % 26 : c >> 8);
	}
}

static int same(const char *at, const char *end)
{
	return heph_http_scan_token(at, end) ==
		       heph_http_scan_plain(at, end, HEPH_HTTP_TOKEN) &&
	       heph_http_scan_text(at, end) ==
		       heph_http_scan_plain(at, end, HEPH_HTTP_TEXT) &&
	       heph_http_scan_target(at, end) ==
		       heph_http_scan_plain(at, end, HEPH_HTTP_TARGET) &&
	       heph_http_scan_host(at, end) ==
		       heph_http_scan_plain(at, end, HEPH_HTTP_HOST);
}

int main(void)
{
	unsigned seed = 3;

	for (int round = 0; round < 50000; round++) {
		size_t size = (size_t)rand_r(&seed) % sizeof(bytes);

		fill(size, &seed);
		for (size_t i = 0; i <= size; i += 7)
			if (!same(bytes + i, bytes + size)) {
				printf("not the same: round %d, %zu of %zu\n",
				       round, i, size);
				return 1;
			}
	}
	return 0;
}
