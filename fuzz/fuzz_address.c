/* SPDX-License-Identifier: MIT */
/* What can be read can be written, and reads the same again. */
#include "base/assert.h"
#include "io/address.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128], printed[HEPH_ADDRESS_MAX], again[HEPH_ADDRESS_MAX];
	struct heph_address address;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (heph_address_parse(&address, text) < 0)
		return 0;
	heph_assert(heph_address_print(&address, printed) == 0);
	heph_assert(heph_address_parse(&address, printed) == 0);
	heph_assert(heph_address_print(&address, again) == 0);
	heph_assert(strcmp(printed, again) == 0);
	return 0;
}
