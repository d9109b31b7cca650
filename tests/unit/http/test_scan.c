/* SPDX-License-Identifier: MIT */
/* Sixteen at a time and one by one, runs of bytes end at the same place. */
#include "http/scan.h"

#include "../../tools.h"
#include "pieces.h"

#include <sys/mman.h>
#include <unistd.h>

/* Bytes up to the end of a page behind which there is nothing. */
static char *page_end;

static int open_page(void **state)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, size * 3, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED ||
	    mprotect(pages + size, size, PROT_READ | PROT_WRITE) < 0)
		return -1;
	page_end = pages + size * 2;
	return 0;
}

static const struct {
	const char *(*fast)(const char *at, const char *end);
	unsigned kind;
	char member; /* a byte of that kind */
} scans[] = {
	{ heph_http_scan_token, HEPH_HTTP_TOKEN, 'x' },
	{ heph_http_scan_text, HEPH_HTTP_TEXT, '\t' },
	{ heph_http_scan_target, HEPH_HTTP_TARGET, '~' },
	{ heph_http_scan_host, HEPH_HTTP_HOST, '.' },
};
enum { SCANS = sizeof(scans) / sizeof(scans[0]) };

/* All of them, on the `size` bytes before the end of the page. */
static void compare(size_t size)
{
	const char *at = page_end - size;

	for (int i = 0; i < SCANS; i++) {
		const char *want =
			heph_http_scan_plain(at, page_end, scans[i].kind);

		assert_ptr_equal(scans[i].fast(at, page_end), want);
	}
}

static void each_byte_ends_what_it_does_not_belong_to(void **state)
{
	for (int i = 0; i < SCANS; i++)
		for (size_t size = 1; size <= 70; size++)
			for (size_t at = 0; at < size; at++) {
				memset(page_end - size, scans[i].member, size);
				for (int c = 0; c < 256; c += on_valgrind() ? 17 : 1) {
					page_end[(ptrdiff_t)at - (ptrdiff_t)size] =
						(char)c;
					compare(size);
				}
			}
}

static void nothing_is_nothing(void **state)
{
	for (int i = 0; i < SCANS; i++) {
		assert_ptr_equal(scans[i].fast(page_end, page_end), page_end);
		assert_ptr_equal(heph_http_scan_plain(page_end, page_end,
						      scans[i].kind), page_end);
	}
}

static void random_bytes_make_no_difference(void **state)
{
	unsigned seed = 7;

	for (int round = 0; round < (on_valgrind() ? 1000 : 20000); round++) {
		size_t size = (size_t)rand_r(&seed) % 100;

		for (size_t i = 1; i <= size; i++) {
			int c = rand_r(&seed);

			/* Mostly such bytes that runs are long. */
			page_end[-(ptrdiff_t)i] =
				(char)(c % 32 ? 'a' + c % 26 : c >> 8);
		}
		compare(size);
	}
}

/* Where it begins in the memory makes no difference, nor what lies before. */
static void each_place_will_do(void **state)
{
	for (int i = 0; i < SCANS; i++)
		for (size_t offset = 0; offset < 64; offset++) {
			char *at = page_end - 256 + offset;

			memset(page_end - 256, 1, 256);
			memset(at, scans[i].member, 100);
			assert_ptr_equal(scans[i].fast(at, page_end), at + 100);
			assert_ptr_equal(scans[i].fast(at, at + 50), at + 50);
		}
}

static void bytes_are_of_these_kinds(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9');
		bool mark = c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;

		assert_int_equal(heph_http_is((char)c, HEPH_HTTP_TOKEN),
				 letter || mark);
		assert_int_equal(heph_http_is((char)c, HEPH_HTTP_TEXT),
				 (c >= ' ' && c != 127) || c == '\t');
		assert_int_equal(heph_http_is((char)c, HEPH_HTTP_TARGET),
				 c > ' ' && c < 127 && c != '#');
		assert_int_equal(heph_http_is((char)c, HEPH_HTTP_HOST),
				 letter || (c > 0 &&
					    strchr("-._~!$&'()*+;=", c) != NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_of_these_kinds),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(each_byte_ends_what_it_does_not_belong_to),
		cmocka_unit_test(random_bytes_make_no_difference),
		cmocka_unit_test(each_place_will_do),
	};

	return cmocka_run_group_tests(tests, open_page, NULL);
}
