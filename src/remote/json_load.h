/* SPDX-License-Identifier: MIT */
/*
 * json_load.h - JSON text from others, to what jansson makes of it
 *
 * Jansson calls itself for each level of a text, up to 2048 of them, and an actor has
 * 64 KiB of stack; so all text that comes from somewhere else goes through this.
 */
#ifndef HEPH_REMOTE_JSON_LOAD_H
#define HEPH_REMOTE_JSON_LOAD_H

#include <jansson.h>

/* As json_loadb(), but NULL for a text with more than `depth` levels too: arrays and
 * objects within each other. `depth` 1 to 128. `error` may be NULL. */
json_t *heph_json_load(const void *data, size_t size, int depth, size_t flags,
		       json_error_t *error);

#endif
