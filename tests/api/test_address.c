/* SPDX-License-Identifier: MIT */
/* Addresses as text and as values. */
#include "task.h"

#include <net/if.h>
#include <sys/un.h>

static struct heph_address parsed(const char *text)
{
	struct heph_address address;

	assert_int_equal(heph_address_parse(&address, text), 0);
	return address;
}

static void assert_prints(const struct heph_address *address, const char *text)
{
	char buf[HEPH_ADDRESS_MAX];

	assert_int_equal(heph_address_print(address, buf), 0);
	assert_string_equal(buf, text);
}

static void prints_what_it_has_read(void **state)
{
	static const char *const texts[] = {
		"127.0.0.1:80",      "255.255.255.255:65535",
		"0.0.0.0:0",         "[::1]:7000",
		"[fe80::1%7]:80",    "[2001:db8::ff00:42:8329]:443",
		"unix:/run/x.sock",  "unix:x",
		"unix:@name",        "unix:./@odd",
		"unix:@with spaces", "unix:",
	};
	struct heph_address address;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		address = parsed(texts[i]);
		assert_prints(&address, texts[i]);
	}
}

static void reads_short_forms(void **state)
{
	struct heph_address address = parsed(":80");
	char text[HEPH_ADDRESS_MAX], number[32];

	assert_prints(&address, "[::]:80");
	address = parsed("[::ffff:1.2.3.4]:5");
	assert_prints(&address, "1.2.3.4:5");
	snprintf(number, sizeof(number), "[fe80::1%%%u]:9",
		 if_nametoindex("lo"));
	address = parsed("[fe80::1%lo]:9");
	assert_int_equal(heph_address_print(&address, text), 0);
	assert_string_equal(text, number);
}

static void refuses_other_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"1.2.3.4",
		"1.2.3.4:",
		"[::1]",
		"localhost:80",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:8x",
		"[::1:80",
		"::1]:80",
		"[::1%]:80",
		"1.2.3:80",
		"unix:@",
		"[::1]x:80",
		"[]:80",
		"[:80",
		"]:80",
		"1.2.3.4.5:80",
		"[::1%99999999999]:80x",
		"a very long text in the place of an address of some host:80",
	};
	struct heph_address address = { .size = 7 };
	char path[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(heph_address_parse(&address, bad[i]), -EINVAL);
	assert_int_equal(heph_address_parse(&address, "[fe80::1%nowhere]:80"),
			 -ENODEV);
	assert_int_equal(heph_address_parse(&address, "[fe80::1%0]:80"),
			 -ENODEV);
	memset(path, 'a', sizeof(path));
	memcpy(path, "unix:", 5);
	path[5 + 108] = '\0';
	assert_int_equal(heph_address_parse(&address, path), -ENAMETOOLONG);
	assert_int_equal(address.size, 7);
	path[5 + 107] = '\0';
	address = parsed(path);
	assert_prints(&address, path);
}

/* As the kernel gives them. */
static void prints_what_it_has_not_read(void **state)
{
	struct heph_address address = { .size = sizeof(sa_family_t) };
	struct sockaddr_un *un = (void *)&address.storage;
	char text[HEPH_ADDRESS_MAX];

	un->sun_family = AF_UNIX;
	assert_prints(&address, "unix:");
	memcpy(un->sun_path, "\0a\0b", 4);
	address.size += 4;
	assert_prints(&address, "unix:@a@b");
	memset(un->sun_path, 'x', sizeof(un->sun_path));
	address.size = sizeof(*un);
	assert_int_equal(heph_address_print(&address, text), 0);
	assert_int_equal(strlen(text), 5 + 108);
	address.storage.ss_family = AF_PACKET;
	assert_int_equal(heph_address_print(&address, text), -EAFNOSUPPORT);
	address.size = 0;
	assert_int_equal(heph_address_print(&address, text), -EAFNOSUPPORT);
}

static void ports_can_be_changed(void **state)
{
	struct heph_address v4 = parsed("1.2.3.4:5"), v6 = parsed("[::1]:6"),
			    un = parsed("unix:@x");

	assert_int_equal(heph_address_port(&v4), 5);
	assert_int_equal(heph_address_port(&v6), 6);
	assert_int_equal(heph_address_port(&un), -EAFNOSUPPORT);
	assert_int_equal(heph_address_set_port(&v4, 65535), 0);
	assert_int_equal(heph_address_set_port(&v6, 0), 0);
	assert_int_equal(heph_address_set_port(&un, 1), -EAFNOSUPPORT);
	assert_int_equal(heph_address_set_port(&v4, 65536), -EINVAL);
	assert_int_equal(heph_address_set_port(&v4, -1), -EINVAL);
	assert_prints(&v4, "1.2.3.4:65535");
	assert_prints(&v6, "[::1]:0");
}

static void are_the_same_or_not(void **state)
{
	static const char *const texts[] = {
		"1.2.3.4:5", "1.2.3.5:5", "1.2.3.4:6",     "[::1]:5",
		"[::2]:5",   "[::1]:6",   "[fe80::1%1]:5", "[fe80::1%2]:5",
		"unix:@x",   "unix:x",    "unix:/x",       "unix:",
	};
	const size_t n = sizeof(texts) / sizeof(*texts);
	struct heph_address a, b;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			a = parsed(texts[i]);
			b = parsed(texts[j]);
			assert_int_equal(heph_address_same(&a, &b), i == j);
		}
	}
	a = b = parsed("unix:/x");
	b.size--; /* without its end */
	assert_true(heph_address_same(&a, &b));
	a = (struct heph_address){ 0 };
	assert_false(heph_address_same(&a, &b));
	b = a;
	assert_true(heph_address_same(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_it_has_read),
		cmocka_unit_test(reads_short_forms),
		cmocka_unit_test(refuses_other_texts),
		cmocka_unit_test(prints_what_it_has_not_read),
		cmocka_unit_test(ports_can_be_changed),
		cmocka_unit_test(are_the_same_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
