/* SPDX-License-Identifier: MIT */
/* Keys and values of a cluster's registry, both ways, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "remote/cluster_entry.h"

static void names_become_keys_and_back(void **state)
{
	static const char *const good[] = { "member.a", "name.a=b=c", "lease.A/b-c_9" };
	static const char *const bad[] = {
		"",	   "member",	 "member.",   "other.a",     "member.a.b",
		"name.a b", "name.a\n",	 "lease.*",   "lease.a>",    "name.\xc3\xa4",
		"Member.a", "member.a\"",
	};
	char name[HEPH_CLUSTER_NAME_MAX + 1], key[HEPH_CLUSTER_KEY_MAX];
	char large[HEPH_CLUSTER_NAME_MAX + 2];
	enum heph_cluster_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(heph_cluster_key_read(good[i], &kind, name), 0);
		assert_int_equal(kind, i);
		assert_int_equal(heph_cluster_key(kind, name, key), 0);
		assert_string_equal(key, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(heph_cluster_key_read(bad[i], &kind, name), -EPROTO);
	assert_int_equal(heph_cluster_key(HEPH_CLUSTER_NAME, "a.b", key), 0);
	assert_string_equal(key, "name.a=b");
	assert_int_equal(heph_cluster_key(HEPH_CLUSTER_NAME, "", key), -EINVAL);
	assert_int_equal(heph_cluster_key(HEPH_CLUSTER_NAME, "a=b", key), -EINVAL);
	memset(large, 'n', sizeof(large) - 1);
	large[sizeof(large) - 1] = 0;
	assert_int_equal(heph_cluster_key(HEPH_CLUSTER_LEASE, large, key), -EINVAL);
	large[sizeof(large) - 2] = 0;
	assert_int_equal(heph_cluster_key(HEPH_CLUSTER_LEASE, large, key), 0);
	assert_int_equal(heph_cluster_key_read(key, &kind, name), 0);
	assert_string_equal(name, large);
}

static void values_are_read_as_they_were_written(void **state)
{
	const struct heph_cluster_value of[] = {
		[HEPH_CLUSTER_MEMBER] = { .owner = { 1, 2 }, .lease = 3 * HEPH_SEC },
		[HEPH_CLUSTER_NAME] = { .owner = { UINT64_MAX, INT64_MAX },
					.node = "a-b.c_9",
					.type = "job",
					.hash = 7,
					.ref = { 1, 0xff } },
		[HEPH_CLUSTER_LEASE] = { .owner = { 0x0123456789abcdef, 0 } },
	};
	char text[HEPH_CLUSTER_VALUE_MAX];
	struct heph_cluster_value value;

	(void)state;
	for (int kind = HEPH_CLUSTER_MEMBER; kind <= HEPH_CLUSTER_LEASE; kind++) {
		assert_int_equal(heph_cluster_value_write(kind, &of[kind], text), 0);
		assert_int_equal(
			heph_cluster_value_read(kind, text, strlen(text), &value), 0);
		assert_memory_equal(&value, &of[kind], sizeof(value));
		assert_int_equal(heph_cluster_value_read(kind, text, strlen(text) - 1,
							 &value),
				 -EPROTO);
		assert_int_equal(heph_cluster_value_read((kind + 1) % 3, text,
							 strlen(text), &value),
				 -EPROTO);
	}
}

static void what_is_no_value_is_refused(void **state)
{
	static const char *const members[] = {
		"",
		"[]",
		"{\"v\":2,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":1}",
		"{\"v\":1,\"id\":\"0123456789ABCDEF\",\"term\":1,\"lease_ms\":1}",
		"{\"v\":1,\"id\":\"0123456789abcde\",\"term\":1,\"lease_ms\":1}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":-1,\"lease_ms\":1}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":0}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":86400001}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":1,\"x\":1}",
		"{\"v\":1,\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":1}",
	};
	struct heph_cluster_value value;

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_int_equal(heph_cluster_value_read(HEPH_CLUSTER_MEMBER, members[i],
							 strlen(members[i]), &value),
				 -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_keys_and_back),
		cmocka_unit_test(values_are_read_as_they_were_written),
		cmocka_unit_test(what_is_no_value_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
