/* SPDX-License-Identifier: MIT */
#include "remote/json_load.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Jansson stops at the first byte that is not JSON: up to there this counts right. */
static bool too_deep(const char *text, size_t size, int max)
{
	int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '[' || text[i] == '{'))
			depth++;
		else if (!quoted && (text[i] == ']' || text[i] == '}'))
			depth--;
		if (depth > max)
			return true;
	}
	return false;
}

json_t *heph_json_load(const void *data, size_t size, int depth, size_t flags,
		       json_error_t *error)
{
	if (!too_deep(data, size, depth))
		return json_loadb(data, size, flags, error);
	if (error) {
		memset(error, 0, sizeof(*error));
		snprintf(error->text, sizeof(error->text), "too deep");
		/* Where jansson has its code: see json_error_code(). */
		error->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_stack_overflow;
	}
	return NULL;
}
