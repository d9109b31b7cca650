/* SPDX-License-Identifier: MIT */
/* Frames: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "remote/fifo.h"
#include "remote/frame.h"
#include "remote/mem.h"

static void a_header_is_read_again(void **state)
{
	struct heph_frame frame;
	struct heph_frame_view view;

	(void)state;
	assert_int_equal(heph_frame_new(&frame, HEPH_FRAME_SEND, HEPH_FRAME_JSON,
					0xfedcba98, 3),
			 0);
	memcpy(heph_frame_body(&frame), "abc", 3);
	heph_frame_set_seq(&frame, UINT64_MAX - 1);
	heph_frame_set_ack(&frame, 0x0123456789abcdef);
	assert_int_equal(frame.size, HEPH_FRAME_HEAD + 3);
	/* Little-endian, wherever this runs. */
	assert_int_equal(frame.data[16], 0xef);
	assert_int_equal(frame.data[4], 0x98);
	assert_int_equal(heph_frame_view(frame.data, frame.size, &view), 0);
	assert_int_equal(view.type, HEPH_FRAME_SEND);
	assert_int_equal(view.flags, HEPH_FRAME_JSON);
	assert_int_equal(view.number, 0xfedcba98);
	assert_true(view.seq == UINT64_MAX - 1);
	assert_true(view.ack == 0x0123456789abcdef);
	assert_int_equal(view.size, 3);
	assert_memory_equal(view.body, "abc", 3);
	heph_frame_free(&frame);
	heph_frame_free(&frame);
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void what_is_no_frame_is_refused(void **state)
{
	unsigned char data[HEPH_FRAME_HEAD] = { HEPH_FRAME_SEND };
	struct heph_frame_view view;

	(void)state;
	assert_int_equal(heph_frame_view(data, sizeof(data), &view), 0);
	for (size_t size = 0; size < sizeof(data); size++)
		assert_int_equal(heph_frame_view(data, size, &view), -EPROTO);
	for (unsigned i = 0; i < 256; i++) {
		bool is_type = i >= 1 && i < HEPH_FRAME_TYPES;

		data[0] = (unsigned char)i;
		assert_int_equal(heph_frame_view(data, sizeof(data), &view),
				 is_type ? 0 : -EPROTO);
	}
	data[0] = HEPH_FRAME_SEND;
	for (size_t at = 1; at < 4; at++) {
		data[at] = 0x80;
		assert_int_equal(heph_frame_view(data, sizeof(data), &view),
				 -EPROTO);
		data[at] = 0;
	}
}

static void a_body_is_cut(void **state)
{
	unsigned char body[24];
	unsigned char *end = heph_put_bytes(heph_put_u64(body, 77), "ab\0cd", 5);
	struct heph_cut cut = { body, end };
	const void *bytes;
	const char *text;
	uint64_t value;
	size_t size;

	(void)state;
	assert_int_equal(heph_cut_u64(&cut, &value), 0);
	assert_int_equal(value, 77);
	assert_int_equal(heph_cut_u64(&cut, &value), -EPROTO);
	assert_int_equal(heph_cut_bytes(&cut, 6, &bytes), -EPROTO);
	assert_int_equal(heph_cut_text(&cut, &text, &size), 0);
	assert_int_equal(size, 2);
	assert_string_equal(text, "ab");
	assert_int_equal(heph_cut_text(&cut, &text, &size), 0);
	assert_int_equal(size, 2);
	assert_memory_equal(text, "cd", 2);
	assert_int_equal(heph_cut_text(&cut, &text, &size), -EPROTO);
	assert_int_equal(heph_cut_bytes(&cut, 0, &bytes), 0);
}

/* ---- the first frames ------------------------------------------------------------ */

static const struct heph_hello hello = {
	.id = 1,
	.expected = 2,
	.received = 3,
	.wire = 4,
	.lost = true,
	.window = 5,
	.frame_max = 1000,
	.name = "shop",
	.where = "10.0.0.1:7000",
};

static struct heph_frame written(const struct heph_hello *from)
{
	struct heph_frame frame;

	assert_int_equal(heph_hello_write(from, &frame), 0);
	return frame;
}

static int read_again(const void *data, size_t size, struct heph_hello *ret)
{
	struct heph_frame_view view;

	assert_int_equal(heph_frame_view(data, size, &view), 0);
	return heph_hello_read(&view, ret);
}

static void a_hello_is_read_again(void **state)
{
	struct heph_frame frame = written(&hello);
	struct heph_hello again;

	(void)state;
	memset(&again, 0, sizeof(again));
	assert_int_equal(read_again(frame.data, frame.size, &again), 0);
	assert_memory_equal(&again, &hello, sizeof(hello));
	heph_frame_free(&frame);
}

/* Each place that is cut or altered is read as something else, or refused; the end
 * of what is allocated is where a sanitizer looks. */
static void a_hello_that_is_cut_is_refused(void **state)
{
	struct heph_frame frame = written(&hello);

	(void)state;
	for (size_t size = HEPH_FRAME_HEAD; size < frame.size; size++) {
		unsigned char *cut = malloc(size);
		struct heph_hello again;

		memcpy(cut, frame.data, size);
		assert_int_equal(read_again(cut, size, &again), -EPROTO);
		free(cut);
	}
	heph_frame_free(&frame);
}

static void expect(size_t at, unsigned char value, int wanted)
{
	struct heph_frame frame = written(&hello);
	struct heph_hello again;

	heph_frame_body(&frame)[at] = value;
	assert_int_equal(read_again(frame.data, frame.size, &again), wanted);
	heph_frame_free(&frame);
}

static void hellos_of_others_are_refused(void **state)
{
	struct heph_hello other = hello;
	struct heph_frame frame;
	struct heph_hello again;

	(void)state;
	expect(0, 'X', -EPROTO);		 /* magic */
	expect(4, 2, -EPROTONOSUPPORT);	 /* version */
	expect(6, 1, -EPROTONOSUPPORT);	 /* formats */
	expect(52, 'x', -EPROTO);		 /* the end of the name */
	other.id = 0;
	frame = written(&other);
	assert_int_equal(read_again(frame.data, frame.size, &again), -EPROTO);
	heph_frame_free(&frame);
	other = hello;
	other.name[0] = 0;
	frame = written(&other);
	assert_int_equal(read_again(frame.data, frame.size, &again), -EPROTO);
	heph_frame_free(&frame);
}

static void a_ready_is_read_again(void **state)
{
	struct heph_ready ready = { 1, UINT64_MAX, 3, true }, again;
	struct heph_frame frame;
	struct heph_frame_view view;

	(void)state;
	assert_int_equal(heph_ready_write(&ready, &frame), 0);
	assert_int_equal(heph_frame_view(frame.data, frame.size, &view), 0);
	memset(&again, 0, sizeof(again));
	assert_int_equal(heph_ready_read(&view, &again), 0);
	assert_int_equal(again.expected, ready.expected);
	assert_true(again.received == ready.received);
	assert_int_equal(again.last, ready.last);
	assert_true(again.lost);
	view.size--;
	assert_int_equal(heph_ready_read(&view, &again), -EPROTO);
	heph_frame_free(&frame);
}

static void without_memory_there_is_no_frame(void **state)
{
	struct heph_ready ready = { 1, 2, 3, false };
	struct heph_frame frame;
	struct heph_fifo fifo = { NULL, 0, 0, 0 };

	(void)state;
	heph_remote_mem_fail_after(1);
	assert_int_equal(heph_frame_new(&frame, HEPH_FRAME_ACK, 0, 0, 0),
			 -ENOMEM);
	assert_int_equal(heph_hello_write(&hello, &frame), -ENOMEM);
	assert_int_equal(heph_ready_write(&ready, &frame), -ENOMEM);
	assert_int_equal(heph_fifo_reserve(&fifo, 1), -ENOMEM);
	heph_remote_mem_fail_after(-1);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- queues ------------------------------------------------------------------------ */

static void put_numbered(struct heph_fifo *fifo, uint32_t number)
{
	struct heph_frame frame;

	assert_int_equal(heph_frame_new(&frame, HEPH_FRAME_SEND, 0, number, 0),
			 0);
	assert_int_equal(heph_fifo_reserve(fifo, fifo->n + 1), 0);
	heph_fifo_put(fifo, frame);
}

static void take_numbered(struct heph_fifo *fifo, uint32_t number)
{
	struct heph_frame frame = heph_fifo_take(fifo);
	struct heph_frame_view view;

	assert_int_equal(heph_frame_view(frame.data, frame.size, &view), 0);
	assert_int_equal(view.number, number);
	heph_frame_free(&frame);
}

static void a_queue_grows_and_keeps_the_order(void **state)
{
	struct heph_fifo fifo = { NULL, 0, 0, 0 };
	uint32_t in = 0, out = 0;

	(void)state;
	while (in < 1000) {
		put_numbered(&fifo, in++);
		put_numbered(&fifo, in++);
		take_numbered(&fifo, out++);
		assert_int_equal(fifo.n, in - out);
	}
	while (out < 900)
		take_numbered(&fifo, out++);
	heph_fifo_release(&fifo); /* with what is in it */
	assert_int_equal(heph_remote_mem_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_again),
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(a_body_is_cut),
		cmocka_unit_test(a_hello_is_read_again),
		cmocka_unit_test(a_hello_that_is_cut_is_refused),
		cmocka_unit_test(hellos_of_others_are_refused),
		cmocka_unit_test(a_ready_is_read_again),
		cmocka_unit_test(without_memory_there_is_no_frame),
		cmocka_unit_test(a_queue_grows_and_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
