/* SPDX-License-Identifier: MIT */
/* The ring of a stream: in order, round the end, full, and what is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/trace.h"

static struct heph heph;
static struct heph_thread thread;
static uint64_t pos;

static int begin(void **state)
{
	heph_clock_calibrate();
	memset(&heph, 0, sizeof(heph));
	memset(&thread, 0, sizeof(thread));
	thread.heph = &heph;
	heph.tracing = 1;
	pos = 0;
	return 0;
}

static int end(void **state)
{
	heph_trace_streams_free(&heph);
	return 0;
}

static bool put(struct heph_trace_stream *stream, size_t more,
		unsigned char fill)
{
	struct heph_trace_record *record = heph_trace_room(stream, more);

	if (!record)
		return false;
	record->kind = HEPH_TRACE_SPAN;
	record->value[0] = fill;
	memset(record->follows, fill, more);
	heph_trace_publish(stream, record);
	return true;
}

/* The next one is that one. */
static void takes(struct heph_trace_stream *stream, uint32_t counter,
		  size_t more, unsigned char fill)
{
	const struct heph_trace_record *record = heph_trace_take(stream, &pos);

	assert_non_null(record);
	assert_int_equal(record->counter, counter);
	assert_int_equal(record->more, more);
	assert_int_equal(record->value[0], fill);
	for (size_t n = 0; n < more; n++)
		assert_int_equal(record->follows[n], fill);
}

static void gives_what_was_put_in(void **state)
{
	struct heph_trace_stream *stream = heph_trace_stream(&thread);
	const struct heph_trace_record *first;

	assert_non_null(stream);
	assert_ptr_equal(heph_trace_stream(&thread), stream);
	first = heph_trace_take(stream, &pos); /* who it is */
	assert_int_equal(first->kind, HEPH_TRACE_THREAD);
	assert_int_equal(first->counter, 0);
	assert_null(heph_trace_take(stream, &pos));
	/* Several times round, with all sizes up to a tenth of it. */
	for (uint32_t n = 1; n < 3000; n++) {
		assert_true(put(stream, n * 7919 % 50000, (unsigned char)n));
		takes(stream, n, n * 7919 % 50000, (unsigned char)n);
		assert_null(heph_trace_take(stream, &pos));
	}
	assert_int_equal(heph_trace_lost(stream), 0);
}

static void counts_what_finds_it_full(void **state)
{
	struct heph_trace_stream *stream = heph_trace_stream(&thread);
	uint32_t n = 1;

	heph_trace_take(stream, &pos);
	while (put(stream, 1000, (unsigned char)n))
		n++;
	assert_true(n > HEPH_TRACE_RING / 1100);
	assert_int_equal(atomic_load(&heph.trace_full), 1);
	assert_false(put(stream, 1000, 0));
	assert_int_equal(heph_trace_lost(stream), 2);
	for (uint32_t i = 1; i < n; i++)
		takes(stream, i, 1000, (unsigned char)i);
	assert_null(heph_trace_take(stream, &pos));
	assert_true(put(stream, 1000, 1));
	takes(stream, n + 2, 1000, 1); /* the gap shows */
}

static void refuses_the_largest(void **state)
{
	struct heph_trace_stream *stream = heph_trace_stream(&thread);
	size_t most = HEPH_TRACE_LARGEST - sizeof(struct heph_trace_record);

	assert_false(put(stream, most + 1, 0));
	assert_true(put(stream, most, 7));
	assert_int_equal(heph_trace_lost(stream), 1);
	heph_trace_take(stream, &pos);
	takes(stream, 2, most, 7);
}

static void joins_each_trace_anew(void **state)
{
	struct heph_trace_stream *stream = heph_trace_stream(&thread);
	const struct heph_trace_record *record;

	assert_true(put(stream, 0, 1));
	heph_trace_streams_forget(&heph);
	heph.tracing = 2;
	pos = atomic_load(&stream->tail);
	assert_true(put(stream, 0, 1)); /* it has not seen it */
	assert_int_equal(heph_trace_take(stream, &pos)->trace, 1);
	assert_ptr_equal(heph_trace_stream(&thread), stream);
	record = heph_trace_take(stream, &pos);
	assert_int_equal(record->trace, 2);
	assert_int_equal(record->counter, 0);
	assert_int_equal(record->kind, HEPH_TRACE_THREAD);
	heph.tracing = 0;
	assert_null(heph_trace_stream(&thread));
}

static void has_no_stream_without_memory(void **state)
{
	for (int n = 1; n <= 2; n++) {
		heph_mem_fail_after(n);
		assert_null(heph_trace_stream(&thread));
	}
	heph_mem_fail_after(-1);
	assert_non_null(heph_trace_stream(&thread));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_what_was_put_in, begin,
						end),
		cmocka_unit_test_setup_teardown(counts_what_finds_it_full,
						begin, end),
		cmocka_unit_test_setup_teardown(refuses_the_largest, begin,
						end),
		cmocka_unit_test_setup_teardown(joins_each_trace_anew, begin,
						end),
		cmocka_unit_test_setup_teardown(has_no_stream_without_memory,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
