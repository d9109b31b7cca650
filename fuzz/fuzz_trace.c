/* SPDX-License-Identifier: MIT */
/* Whatever a trace is like, what is made of it ends, and each event is in it. */
#include "base/assert.h"

#include "../tools/tracejson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes of strings, brackets outside of them. */
static void check_json(const char *text, size_t size)
{
	bool inside = false;
	int depth = 0;

	for (size_t n = 0; n < size; n++) {
		heph_assert((unsigned char)text[n] >= 0x20 || text[n] == '\n');
		if (inside && text[n] == '\\')
			n++;
		else if (text[n] == '"')
			inside = !inside;
		else if (!inside && strchr("[{", text[n]))
			depth++;
		else if (!inside && strchr("]}", text[n]))
			heph_assert(--depth >= 0);
	}
	heph_assert(!inside && depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* fmemopen(3) does not take const, and does not write either */
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") :
			  fopen("/dev/null", "r");
	struct trace_reader reader;
	struct tracejson_sum sum;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool writing;

	heph_assert(in && out);
	heph_assert(trace_reader_init(&reader, in, "input", NULL) == 0);
	heph_assert(tracejson_convert(&reader, out, &sum, &writing) == 0);
	fclose(out);
	check_json(text, len);
	heph_assert(sum.events * 42 <= size);
	free(text);
	trace_reader_fini(&reader);
	fclose(in);
	return 0;
}
