/* SPDX-License-Identifier: MIT */
/* What HEPH_URING_FEATURES says, and what rings make of it. */
#include "loop.h"

#include "io/features.h"

#include "../base/child.h"

#define KEY "HEPH_URING_FEATURES"

static uint32_t allowed(const char *value)
{
	struct heph_features features;

	if (value)
		setenv(KEY, value, 1);
	else
		unsetenv(KEY);
	assert_int_equal(heph_features_init(&features), 0);
	assert_int_equal(features.used, 0);
	unsetenv(KEY);
	return features.allowed & ((1U << HEPH_FEATURES) - 1);
}

static void words_allow_and_forbid(void **state)
{
	const uint32_t all = (1U << HEPH_FEATURES) - 1;
	const uint32_t ring = 1U << HEPH_FEATURE_MSG_RING;
	const uint32_t buffers = 1U << HEPH_FEATURE_BUFFER_RING;

	assert_int_equal(allowed(NULL), all);
	assert_int_equal(allowed(""), all);
	assert_int_equal(allowed(",,"), all);
	assert_int_equal(allowed("msg_ring"), all);
	assert_int_equal(allowed("-msg_ring"), all & ~ring);
	assert_int_equal(allowed("-msg_ring,-buffer_ring"),
			 all & ~ring & ~buffers);
	assert_int_equal(allowed("none"), 0);
	assert_int_equal(allowed("none,buffer_ring,"), buffers);
	assert_int_equal(allowed("buffer_ring,none"), 0);
}

static void log_refused(void)
{
	static const char *const words[] = { "msg-ring",   "-",
					     "--msg_ring", "all",
					     "MSG_RING",   "none,x" };
	struct heph_features features;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		setenv(KEY, words[i], 1);
		assert_int_equal(heph_features_init(&features), -EINVAL);
	}
}

static void an_unknown_word_is_named(void **state)
{
	static struct child child;

	child_run(&child, log_refused);
	assert_int_equal(child.status, 0);
	assert_non_null(strstr(child.output, KEY));
	assert_non_null(strstr(child.output, "word=msg-ring"));
	assert_non_null(strstr(child.output, "word=x"));
	assert_non_null(strstr(child.output, "defer_taskrun"));
}

static void names_are_told(void **state)
{
	struct heph_features features = { 0 };
	char text[256], little[8];

	assert_string_equal(heph_features_text(&features, text, sizeof(text)),
			    "");
	heph_features_use(&features, HEPH_FEATURE_BUFFER_RING);
	heph_features_use(&features, HEPH_FEATURE_MSG_RING);
	assert_string_equal(heph_features_text(&features, text, sizeof(text)),
			    "buffer_ring msg_ring");
	assert_string_equal(heph_features_text(&features, little,
					       sizeof(little)),
			    "buffer_");
}

/* ---- rings without them ------------------------------------------------------------ */

static uint32_t wanted;

static int echo(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	char there[100] = "there", back[100];
	int other;
	heph_fd fd = pair(ctx, &other), end = adopt(ctx, other);

	must_be(heph_uring_of(loop->worker)->features.used & ~wanted, 0);
	for (int i = 0; i < 100; i++) {
		must_be(heph_write(ctx, fd, there, sizeof(there)), 100);
		must_be(heph_read(ctx, end, back, sizeof(back)), 100);
		must_be(strcmp(there, back), 0);
	}
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), end, back, 100), -ETIME);
	heph_close(fd);
	must_be(heph_read(ctx, end, back, 100), 0);
	heph_close(end);
	return 0;
}

static void each_can_be_missing(void **state)
{
	char value[64];

	for (int n = 0; n < HEPH_FEATURES; n++) {
		snprintf(value, sizeof(value), "-%s",
			 heph_feature_infos[n].name);
		setenv(KEY, value, 1);
		wanted = ~(UINT32_C(1) << n);
		loop_with(64, echo);
		snprintf(value, sizeof(value), "none,%s",
			 heph_feature_infos[n].name);
		setenv(KEY, value, 1);
		wanted = UINT32_C(1) << n;
		loop_with(64, echo);
	}
	setenv(KEY, "none", 1);
	wanted = 0;
	loop_with(64, echo);
	unsetenv(KEY);
}

static int nothing(heph_ctx ctx, void *arg)
{
	return 0;
}

static void opcodes_are_asked_for(void **state)
{
	struct heph_features features = { 0 };
	struct io_uring ring;

	assert_int_equal(io_uring_queue_init(8, &ring, 0), 0);
	assert_int_equal(heph_features_probe(&features, &ring), 0);
	assert_true(heph_features_opcode(&features, IORING_OP_NOP));
	assert_true(heph_features_opcode(&features, IORING_OP_READ));
	assert_false(heph_features_opcode(&features, -1));
	assert_false(heph_features_opcode(&features, 255));
	assert_false(heph_features_opcode(&features, 256));
	io_uring_queue_exit(&ring);
	loop_with(64, nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_allow_and_forbid),
		cmocka_unit_test(an_unknown_word_is_named),
		cmocka_unit_test(names_are_told),
		cmocka_unit_test(each_can_be_missing),
		cmocka_unit_test(opcodes_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
