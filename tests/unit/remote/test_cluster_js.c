/* SPDX-License-Identifier: MIT */
/* What JetStream is asked, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "remote/cluster_js.h"
#include "remote/cluster_msg.h"
#include "remote/cluster_taker.h"

/* ---- names and requests -------------------------------------------------------------- */

static void names_are_parts_of_subjects(void **state)
{
	char name[HEPH_JS_NAME + 2];

	(void)state;
	assert_true(heph_js_name_ok("a"));
	assert_true(heph_js_name_ok("shop.orders-7_B"));
	assert_false(heph_js_name_ok(""));
	assert_false(heph_js_name_ok(".a"));
	assert_false(heph_js_name_ok("a."));
	assert_false(heph_js_name_ok("a..b"));
	assert_false(heph_js_name_ok("a b"));
	assert_false(heph_js_name_ok("a*"));
	assert_false(heph_js_name_ok("a>"));
	assert_false(heph_js_name_ok("a\r\nPUB x"));
	memset(name, 'n', sizeof(name));
	name[HEPH_JS_NAME] = 0;
	assert_true(heph_js_name_ok(name));
	name[HEPH_JS_NAME] = 'n';
	name[HEPH_JS_NAME + 1] = 0;
	assert_false(heph_js_name_ok(name));
}

static void requests_are_json_and_fit(void **state)
{
	const struct heph_durable_config config = { .redeliver = INT64_MAX,
						    .messages = UINT64_MAX,
						    .bytes = INT64_MAX,
						    .duplicates = INT64_MAX };
	struct heph_js_request request;
	char name[HEPH_JS_NAME + 1];
	json_t *json;

	(void)state;
	memset(name, 'n', HEPH_JS_NAME);
	name[HEPH_JS_NAME] = 0;
	name[3] = '.';
	heph_js_create(&request, "heph", name, &config, 5, false);
	json = json_loads(request.text, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "max_msgs")), -1);
	assert_null(strchr(json_string_value(json_object_get(json, "name")), '.'));
	json_decref(json);
	heph_js_consume(&request, "heph", name, "c", &config);
	json = json_loads(request.text, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	heph_js_next(&request, "heph", "a.b", "c", 7, 2, 1);
	assert_string_equal(request.subject,
			    "$JS.API.CONSUMER.MSG.NEXT.heph_durable_a=b.c");
	assert_string_equal(request.text,
			    "{\"batch\":7,\"expires\":2,\"idle_heartbeat\":1}");
}

/* ---- answers ---------------------------------------------------------------------------- */

static int answer(const char *text, struct heph_js_answer *ret)
{
	return heph_js_answer(text, strlen(text), ret);
}

static void answers_become_errors(void **state)
{
	struct heph_js_answer it;

	(void)state;
	assert_int_equal(answer("{\"stream\":\"s\", \"seq\":7}", &it), 0);
	assert_int_equal(it.seq, 7);
	assert_false(it.duplicate);
	assert_int_equal(answer("{\"stream\":\"s\",\"seq\":7,\"duplicate\": true}", &it), 0);
	assert_true(it.duplicate);
	assert_int_equal(answer("{\"error\":{\"code\":503,\"err_code\":10077,"
				"\"description\":\"maximum messages exceeded\"}}",
				&it),
			 -ENOSPC);
	assert_string_equal(it.text, "maximum messages exceeded");
	assert_int_equal(answer("{\"error\":{\"code\":404,\"err_code\":10059}}", &it),
			 -ENOENT);
	assert_int_equal(answer("{\"error\":{\"code\":503,\"err_code\":1}}", &it), -EAGAIN);
	assert_int_equal(answer("{\"error\":{\"code\":400,\"err_code\":1}}", &it), -EINVAL);
	assert_int_equal(answer("", &it), -EPROTO);
	assert_int_equal(answer("[]", &it), -EPROTO);
	assert_int_equal(answer("{\"seq\":", &it), -EPROTO);
	assert_int_equal(answer("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", &it), 0);
	assert_int_equal(answer("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", &it),
			 -EPROTO);
	assert_int_equal(answer("{\"a\":\"[[[[[[[[[[[[[[[[[[[\\\"[[\"}", &it), 0);
}

static void it_says_when_it_was_made(void **state)
{
	static const struct {
		const char *text;
		heph_time time;
	} times[] = {
		{ "2026-11-23T17:45:29.021106322Z", 1795455929021106322 },
		{ "2026-11-23T17:45:29.02Z", 1795455929020000000 },
		{ "2026-11-23T17:45:29Z", 1795455929000000000 },
		{ "2026-11-23T18:45:29+01:00", 1795455929000000000 },
		{ "2026-11-23T17:45:29.0211063229999Z", 1795455929021106322 },
		{ "2262-04-11T23:47:15Z", 9223372035 * HEPH_SEC },
		{ "2262-04-11T23:47:16Z", 0 },
		{ "9999-01-01T00:00:00Z", 0 },
		{ "1960-01-01T00:00:00Z", 0 },
		{ "2026-11-23T17:45:29", 0 },
		{ "2026-11-23T17:45:29Zx", 0 },
		{ "2026-11-23", 0 },
		{ "", 0 },
	};
	char text[128];
	struct heph_js_answer it;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(text, sizeof(text), "{\"created\":\"%s\"}", times[i].text);
		assert_int_equal(answer(text, &it), 0);
		assert_int_equal(it.created, times[i].time);
	}
	assert_int_equal(answer("{\"created\":7}", &it), 0);
	assert_int_equal(it.created, 0);
}

static void a_stream_has_one_consumer_or_none(void **state)
{
	struct heph_js_answer it;

	(void)state;
	assert_int_equal(answer("{\"total\":1,\"consumers\":[\"heph_a-_9\"]}", &it), 0);
	assert_string_equal(it.consumer, "heph_a-_9");
	assert_int_equal(answer("{\"consumers\":[\"a\\r\\nPUB x\"]}", &it), 0);
	assert_string_equal(it.consumer, "");
	assert_int_equal(answer("{\"total\":0,\"consumers\":[]}", &it), 0);
	assert_string_equal(it.consumer, "");
	assert_int_equal(answer("{\"error\":{\"code\":400,\"err_code\":10099}}", &it),
			 -EEXIST);
	assert_int_equal(answer("{\"config\":{\"ack_wait\":5}}", &it), 0);
	assert_int_equal(it.redeliver, 5);
}

static void limits_are_compared(void **state)
{
	struct heph_durable_config config = { .messages = 5, .duplicates = HEPH_SEC };
	struct heph_js_answer it;

	(void)state;
	assert_int_equal(answer("{\"config\":{\"max_msgs\":5,\"max_bytes\":-1,"
				"\"num_replicas\":3,\"duplicate_window\":1000000000}}",
				&it),
			 0);
	assert_true(heph_js_limits_are(&it.limits, &config, 3));
	assert_false(heph_js_limits_are(&it.limits, &config, 1));
	config.bytes = 1;
	assert_false(heph_js_limits_are(&it.limits, &config, 3));
	config.bytes = 0, config.messages = 0;
	assert_false(heph_js_limits_are(&it.limits, &config, 3));
	config.messages = 5, config.duplicates++;
	assert_false(heph_js_limits_are(&it.limits, &config, 3));
}

/* ---- messages ---------------------------------------------------------------------------- */

static void replies_tell_of_the_delivery(void **state)
{
	static const char *const bad[] = {
		"", "x", "$JS.ACK.", "$JS.ACK.s.c.1.2.3.4", "$JS.ACK.s.c.x.2.3.4.5",
		"$JS.ACK.s.c.1.-2.3.4.5", "$JS.ACK.s.c.99999999999.2.3.4.5",
		"$JS.ACK.s.c.1.2.3.4.",
		"$JS.ACK.1.2.3.4.5.6.7.8.9.10.11.12.13",
		"$JS.ACK.s.c.1.99999999999999999999999.3.4.5",
	};
	struct heph_delivery it;
	heph_time stored;

	(void)state;
	assert_int_equal(heph_js_delivery("$JS.ACK.s.c.3.17.20.1795406344971116726.4", &it, &stored),
			 0);
	assert_int_equal(it.times, 3);
	assert_int_equal(it.number, 17);
	assert_int_equal(it.waiting, 4);
	assert_int_equal(stored, 1795406344971116726);
	assert_int_equal(heph_js_delivery("$JS.ACK.domain.account.s.c.1.9.8.7.6", &it, &stored), 0);
	assert_int_equal(it.number, 9);
	assert_int_equal(it.waiting, 6);
	assert_int_equal(heph_js_delivery("$JS.ACK.d.a.s.c.1.9.8.7.6.random", &it, &stored), 0);
	assert_int_equal(it.waiting, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(heph_js_delivery(bad[i], &it, &stored), -EPROTO);
	assert_true(heph_js_is_of("$JS.ACK.s.c_1.3.17.20.17.4", "c_1"));
	assert_true(heph_js_is_of("$JS.ACK.d.a.s.c_1.3.17.20.17.4.random", "c_1"));
	assert_false(heph_js_is_of("$JS.ACK.s.c_1.3.17.20.17.4", "c_"));
	assert_false(heph_js_is_of("$JS.ACK.s.c_1.3.17.20.17.4", "c_12"));
	assert_false(heph_js_is_of("$JS.ACK.s.c_1", "c_1"));
	assert_false(heph_js_is_of("", "c_1"));
}

/* ---- numbers that were seen ---------------------------------------------------------------- */

static void numbers_are_remembered_for_a_while(void **state)
{
	struct heph_taker_seen *seen = calloc(1, sizeof(*seen));
	const uint64_t far = 10 * (uint64_t)HEPH_TAKER_SEEN + 5;

	(void)state;
	for (uint64_t n = 1; n < 3 * (uint64_t)HEPH_TAKER_SEEN; n++) {
		assert_false(heph_taker_saw(seen, n));
		assert_true(heph_taker_saw(seen, n));
	}
	/* Too long ago to be known. */
	assert_false(heph_taker_saw(seen, 1));
	assert_false(heph_taker_saw(seen, far));
	assert_true(heph_taker_saw(seen, far));
	assert_false(heph_taker_saw(seen, far - 1));
	assert_true(heph_taker_saw(seen, far - 1));
	free(seen);
}

/* ---- heads ------------------------------------------------------------------------------------ */

static void heads_are_ours_or_refused(void **state)
{
	struct heph_cluster_head head;
	struct heph_bytes bytes;
	unsigned char *data;

	(void)state;
	assert_int_equal(heph_cluster_pack_refusal(-EPERM, &bytes), 0);
	assert_int_equal(bytes.size, HEPH_CLUSTER_HEAD);
	assert_int_equal(heph_cluster_head_read(bytes.data, bytes.size, &head), 0);
	assert_int_equal(head.kind, HEPH_CLUSTER_ANSWER);
	assert_int_equal(head.number, EPERM);
	assert_int_equal(head.size, 0);
	for (size_t n = 0; n < bytes.size; n++)
		assert_int_equal(heph_cluster_head_read(bytes.data, n, &head), -EPROTO);
	data = bytes.data;
	for (size_t i = 0; i < 8; i++) { /* magic, format, zeros */
		data[i] ^= 0x80;
		assert_int_equal(heph_cluster_head_read(data, bytes.size, &head), -EPROTO);
		data[i] ^= 0x80;
	}
	free(bytes.data);
	assert_int_equal(heph_cluster_pack_beat(&bytes), 0);
	assert_int_equal(heph_cluster_head_read(bytes.data, bytes.size, &head), 0);
	assert_int_equal(head.kind, HEPH_CLUSTER_BEAT);
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_parts_of_subjects),
		cmocka_unit_test(requests_are_json_and_fit),
		cmocka_unit_test(answers_become_errors),
		cmocka_unit_test(it_says_when_it_was_made),
		cmocka_unit_test(a_stream_has_one_consumer_or_none),
		cmocka_unit_test(limits_are_compared),
		cmocka_unit_test(replies_tell_of_the_delivery),
		cmocka_unit_test(numbers_are_remembered_for_a_while),
		cmocka_unit_test(heads_are_ours_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
