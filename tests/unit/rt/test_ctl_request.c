/* SPDX-License-Identifier: MIT */
/* What a request may be, and what is said of one that is none. */
#include "../../api/task.h"

#include <heph/inspect.h>

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "rt/ctl_field.h"
#include "rt/ctl_request.h"

static int parse(struct heph_ctl_request *request, struct heph_ctl_error *error,
		 const char *line)
{
	error->text[0] = '\0';
	return heph_ctl_request_parse(request, error, line, strlen(line));
}

static void good(struct heph_ctl_request *request, const char *line)
{
	struct heph_ctl_error error;
	int err = parse(request, &error, line);

	if (err)
		fail_msg("%s: %s", line, error.text);
}

static void all_of_a_request_is_read(void **state)
{
	struct heph_ctl_request request;

	good(&request,
	     "{\"id\": 7, \"cmd\": \"list\", \"name\": \"a*\", \"type\": \"b\","
	     " \"state\": \"waiting\", \"wait\": \"answer\", \"worker\": 3,"
	     " \"limit\": 10, \"fields\": [\"id\", \"text\"], \"rows\": true}");
	assert_int_equal(request.command, HEPH_CTL_LIST);
	assert_int_equal(json_integer_value(request.id), 7);
	assert_string_equal(request.name, "a*");
	assert_string_equal(request.type, "b");
	assert_int_equal(request.states, 1u << HEPH_STATE_WAITING);
	assert_int_equal(request.waits, 1u << HEPH_WAITS_ANSWER);
	assert_int_equal(request.worker, 3);
	assert_int_equal(request.limit, 10);
	assert_int_equal(request.n_fields, 2);
	assert_string_equal(heph_ctl_field_name(request.fields[1]), "text");
	assert_true(request.rows);
	heph_ctl_request_fini(&request);
}

static void an_actor_is_told_in_four_ways(void **state)
{
	static const struct {
		const char *line, *name;
		uint64_t id;
	} cases[] = {
		{ "{\"cmd\": \"show\", \"actor\": 4097}", NULL, 4097 },
		{ "{\"cmd\": \"show\", \"actor\": \"4097\"}", NULL, 4097 },
		{ "{\"cmd\": \"show\", \"actor\": \"a#b#4097\"}", NULL, 4097 },
		{ "{\"cmd\": \"show\", \"actor\": \"4097a\"}", "4097a", 0 },
		{ "{\"cmd\": \"show\", \"actor\": \"a#\"}", "a#", 0 },
		{ "{\"cmd\": \"show\", \"actor\": \"99999999999999999999\"}",
		  "99999999999999999999", 0 },
	};
	struct heph_ctl_request request;

	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		good(&request, cases[n].line);
		assert_true(request.actor == cases[n].id);
		if (cases[n].name)
			assert_string_equal(request.actor_name, cases[n].name);
		heph_ctl_request_fini(&request);
	}
}

static void each_level_is_one_of_the_log(void **state)
{
	static const char *const names[] = { "off", "error", "warn", "info",
					     "debug" };
	struct heph_ctl_request request;
	char line[64];

	for (int n = 0; n < 5; n++) {
		snprintf(line, sizeof(line),
			 "{\"cmd\": \"log\", \"level\": \"%s\"}", names[n]);
		good(&request, line);
		assert_int_equal(request.level, HEPH_LOG_OFF + n);
		heph_ctl_request_fini(&request);
	}
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *line, *what;
		int err;
	} cases[] = {
		{ "", "column", -EBADMSG },
		{ "{", "column", -EBADMSG },
		{ "[]", "is an object", -EBADMSG },
		{ "{\"cmd\": \"list\"} x", "column", -EBADMSG },
		{ "{\"cmd\": \"\xff\"}", "decode byte 0xff", -EBADMSG },
		{ "{\"cmd\": \"list\", \"cmd\": \"log\"}", "uplicate",
		  -EBADMSG },
		{ "{}", "there is no 'cmd'", -EINVAL },
		{ "{\"cmd\": 1}", "'cmd' must be a text", -EINVAL },
		{ "{\"cmd\": \"dance\"}", "'dance'", -ENOSYS },
		{ "{\"cmd\": \"list\", \"id\": []}", "'id'", -EINVAL },
		{ "{\"cmd\": \"list\", \"dance\": 1}", "'list' has no 'dance'",
		  -EINVAL },
		{ "{\"cmd\": \"version\", \"limit\": 1}",
		  "'version' has no 'limit'", -EINVAL },
		{ "{\"cmd\": \"list\", \"limit\": 0}", "'limit'", -EINVAL },
		{ "{\"cmd\": \"list\", \"limit\": \"1\"}", "'limit'", -EINVAL },
		{ "{\"cmd\": \"list\", \"limit\": 1.5}", "'limit'", -EINVAL },
		{ "{\"cmd\": \"list\", \"worker\": -2}", "'worker'", -EINVAL },
		{ "{\"cmd\": \"list\", \"worker\": 100000}", "'worker'",
		  -EINVAL },
		{ "{\"cmd\": \"list\", \"state\": \"happy\"}",
		  "'state' must be one of running, ", -EINVAL },
		{ "{\"cmd\": \"list\", \"wait\": 3}", "'wait' must be one of",
		  -EINVAL },
		{ "{\"cmd\": \"list\", \"name\": \"\"}", "'name'", -EINVAL },
		{ "{\"cmd\": \"list\", \"type\": null}", "'type'", -EINVAL },
		{ "{\"cmd\": \"list\", \"fields\": []}", "'fields'", -EINVAL },
		{ "{\"cmd\": \"list\", \"fields\": [\"id\", \"dance\"]}",
		  "'dance'", -EINVAL },
		{ "{\"cmd\": \"list\", \"fields\": [1]}", "'fields'", -EINVAL },
		{ "{\"cmd\": \"list\", \"rows\": 1}", "'rows'", -EINVAL },
		{ "{\"cmd\": \"show\"}", "'show' needs 'actor'", -EINVAL },
		{ "{\"cmd\": \"show\", \"actor\": 0}", "'actor'", -EINVAL },
		{ "{\"cmd\": \"show\", \"actor\": -1}", "'actor'", -EINVAL },
		{ "{\"cmd\": \"show\", \"actor\": \"\"}", "'actor'", -EINVAL },
		{ "{\"cmd\": \"trace\", \"action\": \"up\"}", "'action'",
		  -EINVAL },
		{ "{\"cmd\": \"trace\", \"file\": 1}", "'file'", -EINVAL },
		{ "{\"cmd\": \"log\", \"level\": \"loud\"}", "'level'",
		  -EINVAL },
		{ "{\"cmd\": \"stop\"}", "'stop' needs", -EINVAL },
		{ "{\"cmd\": \"stop\", \"all\": false}", "'stop' needs",
		  -EINVAL },
		{ "{\"cmd\": \"stop\", \"all\": true, \"actor\": 1}",
		  "'stop' needs", -EINVAL },
	};
	struct heph_ctl_request request;
	struct heph_ctl_error error;

	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		if (parse(&request, &error, cases[n].line) != cases[n].err ||
		    error.err != cases[n].err ||
		    !strstr(error.text, cases[n].what))
			fail_msg("%s: %d %s", cases[n].line, error.err,
				 error.text);
		heph_ctl_request_fini(&request);
	}
}

/* So that a client of several requests knows which of them it was. */
static void an_error_keeps_the_id(void **state)
{
	struct heph_ctl_request request;
	struct heph_ctl_error error;

	assert_int_equal(parse(&request, &error,
			       "{\"cmd\": \"dance\", \"id\": \"x\"}"),
			 -ENOSYS);
	assert_string_equal(json_string_value(request.id), "x");
	heph_ctl_request_fini(&request);
}

static void a_text_is_made_utf8(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "", "" },
		{ "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x94\xa8", "\xf0\x9f\x94\xa8" },
	};
	json_t *text;

	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		text = heph_ctl_text(cases[n].from);
		assert_string_equal(json_string_value(text), cases[n].to);
		json_decref(text);
	}
}

static void help_names_all_commands(void **state)
{
	json_t *help = heph_ctl_help();

	assert_int_equal(json_array_size(help), HEPH_CTL_COMMANDS);
	for (size_t n = 0; n < HEPH_CTL_COMMANDS; n++)
		assert_non_null(json_string_value(
			json_object_get(json_array_get(help, n), "cmd")));
	json_decref(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_request_is_read),
		cmocka_unit_test(an_actor_is_told_in_four_ways),
		cmocka_unit_test(each_level_is_one_of_the_log),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(an_error_keeps_the_id),
		cmocka_unit_test(a_text_is_made_utf8),
		cmocka_unit_test(help_names_all_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
