/* SPDX-License-Identifier: MIT */
/* Whatever a client of the control socket says, it is a request or an error in
 * words, in UTF-8. */
#include "base/assert.h"
#include "rt/ctl_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	json_t *made = json_string(text);

	heph_assert(made != NULL);
	json_decref(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_ctl_request request;
	struct heph_ctl_error error;
	char *line = malloc(size + 1);
	json_t *text;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (heph_ctl_request_parse(&request, &error, line, size) < 0) {
		heph_assert(error.err < 0);
		check_text(error.text);
	} else {
		heph_assert(request.command < HEPH_CTL_COMMANDS);
	}
	heph_ctl_request_fini(&request);
	text = heph_ctl_text(line);
	heph_assert(text != NULL);
	json_decref(text);
	free(line);
	return 0;
}
