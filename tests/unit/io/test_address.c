/* SPDX-License-Identifier: MIT */
#include "io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

/* NULL: it is printed as it was read. */
static const struct {
	const char *text, *printed;
} good[] = {
	{ "127.0.0.1:80", NULL },
	{ "0.0.0.0:0", NULL },
	{ "255.255.255.255:65535", NULL },
	{ "1.2.3.4:00080", "1.2.3.4:80" },
	{ "[::1]:7000", NULL },
	{ "[::]:0", NULL },
	{ ":7000", "[::]:7000" },
	{ ":0", "[::]:0" },
	{ "[2001:DB8::00ff]:1", "[2001:db8::ff]:1" },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", NULL },
	{ "[::ffff:10.0.0.1]:5", "10.0.0.1:5" },
	{ "[2001:db8:1111:2222:3333:4444:255.255.255.255]:65535",
	  "[2001:db8:1111:2222:3333:4444:ffff:ffff]:65535" },
};

static const char *const bad[] = {
	"",
	":",
	"80",
	"127.0.0.1",
	"127.0.0.1:",
	"127.0.0.1: 80",
	"127.0.0.1:80 ",
	" 127.0.0.1:80",
	"127.0.0.1:+80",
	"127.0.0.1:-1",
	"127.0.0.1:0x50",
	"127.0.0.1:65536",
	"127.0.0.1:4294967376",
	"127.0.0.1:99999999999999999999999999999999",
	"127.0.0.1:http",
	"127.0.0:80",
	"127.0.0.1.1:80",
	"127.0.0.256:80",
	"0127.0.0.1:80",
	"localhost:80",
	"*:80",
	"::1:80",
	"::1",
	"[::1]",
	"[::1]80",
	"[::1:80",
	"::1]:80",
	"[]:80",
	"[:80",
	"]:80",
	"[[::1]]:80",
	"[::1] :80",
	"[::1%]:80",
	"[127.0.0.1]:80",
	"[1:2:3:4:5:6:7:8:9]:80",
	"[12345::]:80",
	"[::g]:80",
	"[2001:db8:1111:2222:3333:4444:255.255.255.2555]:65535",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
	"127.0.0.1:80\n",
};

static void reads_and_prints(void **state)
{
	struct heph_address address;
	char text[HEPH_ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(heph_address_parse(&address, good[i].text), 0);
		assert_int_equal(heph_address_print(&address, text), 0);
		assert_string_equal(text, good[i].printed ? good[i].printed :
							    good[i].text);
		assert_int_equal(heph_address_parse(&address, text), 0);
	}
}

static void refuses_what_it_cannot_read(void **state)
{
	struct heph_address address;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (heph_address_parse(&address, bad[i]) != -EINVAL)
			fail_msg("it read '%s'", bad[i]);
}

/* Texts of all lengths, so that the tools find a read or write outside. */
static void takes_any_length(void **state)
{
	struct heph_address address;
	char text[200];

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 4; n++) {
		memset(text, n % 2 ? '[' : '1', n);
		strcpy(text + n, ":1");
		assert_int_equal(heph_address_parse(&address, text),
				 n ? -EINVAL : 0);
		if (n) {
			strcpy(text + n - 1, "]:1");
			assert_int_equal(heph_address_parse(&address, text),
					 -EINVAL);
		}
	}
}

static void fills_in_what_the_kernel_wants(void **state)
{
	struct sockaddr_in6 in6;
	struct heph_address address;
	struct sockaddr_in in;

	(void)state;
	assert_int_equal(heph_address_parse(&address, "1.2.3.4:258"), 0);
	assert_int_equal(address.size, sizeof(in));
	memcpy(&in, &address.storage, sizeof(in));
	assert_int_equal(in.sin_family, AF_INET);
	assert_int_equal(ntohs(in.sin_port), 258);
	assert_int_equal(ntohl(in.sin_addr.s_addr), 0x01020304);
	assert_int_equal(heph_address_parse(&address, "[::1]:258"), 0);
	assert_int_equal(address.size, sizeof(in6));
	memcpy(&in6, &address.storage, sizeof(in6));
	assert_int_equal(in6.sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6.sin6_port), 258);
	assert_int_equal(in6.sin6_scope_id, 0);
	assert_true(IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr));
}

static void prints_no_other_families(void **state)
{
	struct heph_address address = { .size = sizeof(struct sockaddr_un) };
	char text[HEPH_ADDRESS_MAX];

	(void)state;
	address.storage.ss_family = AF_PACKET;
	assert_int_equal(heph_address_print(&address, text), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(refuses_what_it_cannot_read),
		cmocka_unit_test(takes_any_length),
		cmocka_unit_test(fills_in_what_the_kernel_wants),
		cmocka_unit_test(prints_no_other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
