/* SPDX-License-Identifier: MIT */
#include "base/logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define END heph_kv_end__()
/* 2024-02-29 23:59:59.000001 UTC */
#define TIME INT64_C(1709251199000001000)

static char buf[500];
static struct heph_fmt fmt;

static const char *logfmt(size_t size, const char *who,
			  const struct heph_kv *kvs)
{
	const struct heph_logline line = {
		.time = TIME, .level = HEPH_LOG_WARN, .who = who, .kvs = kvs
	};

	heph_fmt_init(&fmt, buf, size);
	heph_logline_logfmt(&fmt, &line);
	assert_true(fmt.size == size && fmt.len < size);
	return buf;
}

static const char *journal(size_t size, const char *who,
			   const struct heph_kv *kvs)
{
	const struct heph_logline line = {
		.time = TIME, .level = HEPH_LOG_WARN, .who = who, .kvs = kvs
	};

	heph_fmt_init(&fmt, buf, size);
	heph_logline_journal(&fmt, &line);
	assert_true(fmt.size == size && fmt.len < size);
	return buf;
}

#define HEAD "ts=2024-02-29T23:59:59.000001Z level=warn "

static void is_logfmt(void **state)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "accept failed"),
		HEPH_KV_STR("name", "web"),
		HEPH_KV_INT("n", -5),
		HEPH_KV_UINT("u", UINT64_MAX),
		HEPH_KV_HEX("h", 255),
		HEPH_KV_ERR("err", -EMFILE),
		END,
	};

	(void)state;
	assert_string_equal(logfmt(sizeof(buf), "conn", kvs),
			    HEAD "msg=\"accept failed\" actor=conn name=web "
				 "n=-5 u=18446744073709551615 h=0xff "
				 "err=EMFILE\n");
}

static void writes_values_of_all_kinds(void **state)
{
	struct heph_address address;
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "m"),
		HEPH_KV_BOOL("yes", true),
		HEPH_KV_BOOL("no", false),
		HEPH_KV_DOUBLE("real", 1.5),
		HEPH_KV_TIME("took", 20 * HEPH_MSEC),
		HEPH_KV_ADDRESS("from", &address),
		HEPH_KV_ADDRESS("none", NULL),
		END,
	};
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(80),
				  .sin_addr.s_addr = htonl(0x7f000001) };

	(void)state;
	address.size = sizeof(in);
	memcpy(&address.storage, &in, sizeof(in));
	assert_string_equal(logfmt(sizeof(buf), NULL, kvs),
			    HEAD "msg=m yes=true no=false real=1.5 took=20ms "
				 "from=127.0.0.1:80 none=(null)\n");
	journal(sizeof(buf), NULL, kvs);
	assert_non_null(strstr(buf, "\nMESSAGE=m\nYES=true\nNO=false\n"
				    "REAL=1.5\nTOOK=20ms\n"
				    "FROM=127.0.0.1:80\nNONE=(null)\n"));
	address.size = 0;
	assert_non_null(
		strstr(logfmt(sizeof(buf), NULL, kvs), " from=(none) "));
}

static void says_whence_a_line_is(void **state)
{
	const struct heph_kv kvs[] = { HEPH_KV_STR("msg", "m"),
				       HEPH_KV_INT("n", 1), END };
	const struct heph_log_site site = { .target = "shop.",
					    .file = "src/conn.c",
					    .line = 12 };
	const struct heph_logline line = { .time = TIME,
					   .level = HEPH_LOG_WARN,
					   .site = &site,
					   .who = "web",
					   .id = 17,
					   .suppressed = 3,
					   .kvs = kvs };

	(void)state;
	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_logline_logfmt(&fmt, &line);
	assert_string_equal(buf, HEAD "msg=m target=shop.conn actor=web "
				      "actor_id=17 suppressed=3 n=1\n");
	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_logline_journal(&fmt, &line);
	assert_non_null(strstr(buf, "\nMESSAGE=m\nTARGET=shop.conn\nACTOR=web\n"
				    "ACTOR_ID=17\nSUPPRESSED=3\nN=1\n"
				    "CODE_FILE=src/conn.c\nCODE_LINE=12\n"));
}

static void says_when_in_virtual_time(void **state)
{
	const struct heph_kv kvs[] = { HEPH_KV_STR("msg", "m"), END };
	const heph_time at = 121 * HEPH_SEC + 45 * HEPH_USEC + 9;
	const struct heph_logline line = { .time = TIME,
					   .at = &at,
					   .level = HEPH_LOG_WARN,
					   .kvs = kvs };

	(void)state;
	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_logline_logfmt(&fmt, &line);
	assert_non_null(strstr(buf, "Z at=121.000045 level=warn msg=m\n"));
	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_logline_journal(&fmt, &line);
	assert_non_null(strstr(buf, "\nAT=121.000045\nMESSAGE=m\n"));
}

static void knows_leap_years(void **state)
{
	static const struct {
		int64_t second;
		const char *text;
	} times[] = {
		{ 0, "ts=1970-01-01T00:00:00." },
		{ 951782400, "ts=2000-02-29T00:00:00." },
		{ 951868800, "ts=2000-03-01T00:00:00." },
		{ 1735689599, "ts=2024-12-31T23:59:59." },
		{ 4107542400, "ts=2100-03-01T00:00:00." },
	};
	const struct heph_kv kvs[] = { HEPH_KV_STR("msg", "x"), END };
	struct heph_logline line = { .level = HEPH_LOG_INFO, .kvs = kvs };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		line.time = times[i].second * 1000000000;
		heph_fmt_init(&fmt, buf, sizeof(buf));
		heph_logline_logfmt(&fmt, &line);
		assert_memory_equal(buf, times[i].text, strlen(times[i].text));
	}
}

static void quotes_what_would_be_misread(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "", "\"\"" },
		{ "plain-1.5/x", "plain-1.5/x" },
		{ "a b", "\"a b\"" },
		{ "a=b", "\"a=b\"" },
		{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
		{ "c:\\x", "\"c:\\\\x\"" },
		{ "one\ntwo\r\t", "\"one\\ntwo\\r\\t\"" },
		{ "\033[31m\x7f", "\"\\u001b[31m\\u007f\"" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ NULL, "(null)" },
	};
	struct heph_kv kvs[] = { HEPH_KV_STR("msg", "m"), END, END };
	char expected[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kvs[1] = HEPH_KV_STR("k", cases[i].text);
		strcpy(expected, HEAD "msg=m k=");
		strcat(expected, cases[i].written);
		strcat(expected, "\n");
		assert_string_equal(logfmt(sizeof(buf), NULL, kvs), expected);
	}
}

/* Counts the quotes that are not escaped. */
static int open_quotes(const char *text)
{
	int n = 0;

	for (; *text; text++) {
		if (*text == '\\')
			text++;
		else if (*text == '"')
			n++;
	}
	return n % 2;
}

static void cuts_a_long_line_and_says_so(void **state)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "a \"quoted\"\n text"),
		HEPH_KV_STR("plain", "gr\xc3\xbc\xc3\x9f"
				     "e"),
		HEPH_KV_INT("number", 1234567),
		HEPH_KV_STR("last", "\x01 \x02"),
		END,
	};
	size_t whole = strlen(logfmt(sizeof(buf), "someone", kvs));
	size_t size, len;

	(void)state;
	assert_null(strstr(buf, "..."));
	for (size = 60; size <= whole + 1 + 5; size++) {
		len = strlen(logfmt(size, "someone", kvs));
		assert_int_equal(buf[len - 1], '\n');
		assert_int_equal(open_quotes(buf), 0);
		assert_ptr_equal(strchr(buf, '\n'), buf + len - 1);
		if (len < whole)
			assert_true(strstr(buf, "...\n") ||
				    strstr(buf, "...\"\n"));
		if (strstr(buf, "number="))
			assert_non_null(strstr(buf, "number=1234567"));
		/* No half characters. */
		assert_null(strstr(buf, "\xc3."));
	}
	assert_int_equal(len, whole);
}

static void is_the_native_form_of_the_journal(void **state)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "hello = world"),
		HEPH_KV_STR("bad-key", "v"),
		HEPH_KV_INT("n", -5),
		HEPH_KV_ERR("err", ENOENT),
		END,
	};

	(void)state;
	journal(sizeof(buf), "conn", kvs);
	assert_memory_equal(buf, "PRIORITY=4\nSYSLOG_IDENTIFIER=", 29);
	assert_non_null(strstr(buf, "\nMESSAGE=hello = world\nACTOR=conn\n"
				    "BAD_KEY=v\nN=-5\nERR=ENOENT\nERRNO=2\n"));
	assert_null(strstr(buf, "TRUNCATED"));
}

static void gives_the_journal_newlines_in_binary(void **state)
{
	static const char field[] = "\nMESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\n"
				    "K=v\n";
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "one\ntwo"),
		HEPH_KV_STR("k", "v"),
		END,
	};

	(void)state;
	journal(sizeof(buf), NULL, kvs);
	assert_non_null(memmem(buf, fmt.len, field, sizeof(field) - 1));
}

/* Reads one field as journald does. Returns what follows, NULL if wrong. */
static const char *read_field(const char *at, const char *end)
{
	const char *line = memchr(at, '\n', (size_t)(end - at));
	uint64_t len;

	if (!line)
		return NULL;
	if (memchr(at, '=', (size_t)(line - at)))
		return line + 1;
	if (end - line < 10)
		return NULL;
	memcpy(&len, line + 1, sizeof(len)); /* little-endian machines only */
	if (len > (size_t)(end - line) - 10 || line[9 + len] != '\n')
		return NULL;
	return line + 10 + len;
}

static void a_cut_entry_is_well_formed(void **state)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "some text for people"),
		HEPH_KV_STR("lines", "first\nsecond\nthird\n"),
		HEPH_KV_INT("number", 1234567),
		END,
	};
	size_t size, whole;
	const char *at;

	(void)state;
	journal(sizeof(buf), "someone", kvs);
	whole = fmt.len;
	for (size = 100; size < whole + 40; size++) {
		journal(size, "someone", kvs);
		for (at = buf; at && at < buf + fmt.len;)
			at = read_field(at, buf + fmt.len);
		assert_ptr_equal(at, buf + fmt.len);
		if (fmt.len < whole)
			assert_memory_equal(buf + fmt.len - 12, "TRUNCATED=1\n",
					    12);
	}
	assert_int_equal(fmt.len, whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_logfmt),
		cmocka_unit_test(writes_values_of_all_kinds),
		cmocka_unit_test(says_when_in_virtual_time),
		cmocka_unit_test(says_whence_a_line_is),
		cmocka_unit_test(knows_leap_years),
		cmocka_unit_test(quotes_what_would_be_misread),
		cmocka_unit_test(cuts_a_long_line_and_says_so),
		cmocka_unit_test(is_the_native_form_of_the_journal),
		cmocka_unit_test(gives_the_journal_newlines_in_binary),
		cmocka_unit_test(a_cut_entry_is_well_formed),
	};

	return cmocka_run_group_tests_name("logline", tests, NULL, NULL);
}
