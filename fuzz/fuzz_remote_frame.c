/* SPDX-License-Identifier: MIT */
/* What comes from a wire: a frame, the first ones of a connection, the parts of a
 * body. What is read can be written and is read again as the same. */
#include "remote/frame.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_hello(const struct heph_frame_view *view)
{
	struct heph_hello hello = { 0 }, again = { 0 };
	struct heph_frame_view other;
	struct heph_frame frame;

	if (heph_hello_read(view, &hello) < 0)
		return;
	must(memchr(hello.name, 0, sizeof(hello.name)) != NULL);
	must(memchr(hello.where, 0, sizeof(hello.where)) != NULL);
	must(heph_hello_write(&hello, &frame) == 0);
	must(heph_frame_view(frame.data, frame.size, &other) == 0);
	must(heph_hello_read(&other, &again) == 0);
	must(memcmp(&hello, &again, sizeof(hello)) == 0);
	heph_frame_free(&frame);
}

static void try_ready(const struct heph_frame_view *view)
{
	struct heph_ready ready = { 0 }, again = { 0 };
	struct heph_frame_view other;
	struct heph_frame frame;

	if (heph_ready_read(view, &ready) < 0)
		return;
	must(heph_ready_write(&ready, &frame) == 0);
	must(heph_frame_view(frame.data, frame.size, &other) == 0);
	must(heph_ready_read(&other, &again) == 0);
	must(memcmp(&ready, &again, sizeof(ready)) == 0);
	heph_frame_free(&frame);
}

/* Cuts as the bytes say; what is cut out is looked at. */
static void try_cuts(const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	const unsigned char *at = cut.at;
	volatile unsigned char sum = 0;
	const void *bytes = "";
	const char *text = "";
	uint64_t value;
	size_t n = 0;

	for (int err = 0; err == 0 && cut.at < cut.end;) {
		unsigned how = *cut.at;

		bytes = text = "";
		n = 0;
		if (how % 3 == 0)
			err = heph_cut_u64(&cut, &value);
		else if (how % 3 == 1)
			err = heph_cut_bytes(&cut, n = how, &bytes);
		else
			err = heph_cut_text(&cut, &text, &n);
		must(cut.at >= at && cut.at <= cut.end);
		at = cut.at;
		for (size_t i = 0; err == 0 && i < n; i++)
			sum += how % 3 == 1 ? ((const unsigned char *)bytes)[i] :
					      (unsigned char)text[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_frame_view view;

	if (heph_frame_view(data, size, &view) < 0)
		return 0;
	must(view.size + HEPH_FRAME_HEAD == size);
	try_hello(&view);
	try_ready(&view);
	try_cuts(&view);
	return 0;
}
