/* SPDX-License-Identifier: MIT */
/*
 * Many actors are told line by line while they are looked at, so no memory is
 * needed for all of them: a client that reads slowly holds up its own thread,
 * and no worker.
 */
#if HEPH_CTL

#include "rt/ctl_answer.h"

#include <fnmatch.h>
#include <string.h>

#include "rt/ctl_field.h"

enum { LIST_LINE = 256 }; /* actors in a line */

struct listing {
	struct heph_ctl_client *client;
	const struct heph_ctl_request *request;
	json_t *actors, *stuck;
	const uint8_t *fields;
	unsigned n_fields;
	uint64_t n;
	bool more;
};

static const char *key_of(const struct listing *listing)
{
	return listing->request->rows ? "rows" : "actors";
}

static json_t *row_of(const struct listing *listing,
		      const struct heph_actor_info *info)
{
	json_t *row = json_array();

	for (unsigned n = 0; row && n < listing->n_fields; n++)
		json_array_append_new(
			row, heph_ctl_field_value(listing->fields[n], info));
	return row;
}

static json_t *object_of(const struct listing *listing,
			 const struct heph_actor_info *info)
{
	json_t *object = json_object();

	for (unsigned n = 0; object && n < listing->n_fields; n++)
		json_object_set_new_nocheck(
			object, heph_ctl_field_name(listing->fields[n]),
			heph_ctl_field_value(listing->fields[n], info));
	return object;
}

static bool send_actors(struct listing *listing)
{
	json_t *line = json_pack("{s:o}", key_of(listing), listing->actors);

	listing->actors = json_array();
	return heph_ctl_client_send(listing->client, line) && listing->actors;
}

/* What is no pattern is left to the worker, which does not tell the others. */
static bool is_pattern(const char *text)
{
	return text && strpbrk(text, "*?[\\");
}

static bool matches(const char *pattern, const char *text)
{
	return !is_pattern(pattern) || fnmatch(pattern, text, 0) == 0;
}

static bool list_one(void *arg, const struct heph_actor_info *info)
{
	struct listing *listing = arg;
	const struct heph_ctl_request *request = listing->request;

	heph_ctl_note_stuck(listing->stuck, info);
	if (!matches(request->name, info->name) ||
	    !matches(request->type, info->type))
		return true;
	if (request->limit && listing->n == request->limit) {
		listing->more = true;
		return false;
	}
	listing->n++;
	json_array_append_new(listing->actors,
			      request->rows ? row_of(listing, info) :
					      object_of(listing, info));
	return json_array_size(listing->actors) < LIST_LINE ||
	       send_actors(listing);
}

static void send_columns(struct listing *listing)
{
	json_t *names = json_array();

	for (unsigned n = 0; n < listing->n_fields; n++)
		json_array_append_new(names, json_string(heph_ctl_field_name(
						     listing->fields[n])));
	heph_ctl_client_send(listing->client,
			     json_pack("{s:o}", "columns", names));
}

static struct heph_inspect_filter
filter_of(const struct heph_ctl_request *request)
{
	return (struct heph_inspect_filter){
		.name = is_pattern(request->name) ? NULL : request->name,
		.type = is_pattern(request->type) ? NULL : request->type,
		.states = request->states,
		.waits = request->waits,
		.one_worker = request->given & (1u << HEPH_CTL_WORKER),
		.worker = request->worker,
	};
}

static int list(struct listing *listing, struct heph_ctl_error *error)
{
	struct heph_inspect_filter filter = filter_of(listing->request);
	int err;

	listing->actors = json_array();
	listing->stuck = json_array();
	if (!listing->actors || !listing->stuck) {
		err = heph_ctl_no_memory(error);
	} else {
		if (listing->request->rows)
			send_columns(listing);
		err = heph_ctl_visit(listing->client, &filter, list_one,
				     listing, error);
	}
	if (err == 0 && json_array_size(listing->actors))
		send_actors(listing);
	if (err == 0)
		heph_ctl_done(listing->client,
			      json_pack("{s:I, s:b, s:O}", "count",
					(json_int_t)listing->n, "more",
					listing->more, "stuck",
					listing->stuck));
	json_decref(listing->actors);
	json_decref(listing->stuck);
	return err;
}

int heph_ctl_list(struct heph_ctl_client *client,
		  const struct heph_ctl_request *request,
		  struct heph_ctl_error *error)
{
	struct listing listing = { .client = client, .request = request };
	uint8_t all[HEPH_CTL_FIELDS_MAX];

	listing.fields = request->fields;
	listing.n_fields = request->n_fields;
	if (!listing.n_fields) {
		for (uint8_t n = 0; heph_ctl_field_name(n); n++)
			all[listing.n_fields++] = n;
		listing.fields = all;
	}
	return list(&listing, error);
}

int heph_ctl_tree(struct heph_ctl_client *client,
		  const struct heph_ctl_request *request,
		  struct heph_ctl_error *error)
{
	static const char *const names[] = { "id",      "parent", "name",
					     "type",    "state",  "worker",
					     "wait",    "inbox",  "children",
					     "restarts" };
	enum { NAMES = sizeof(names) / sizeof(*names) };
	struct listing listing = { .client = client, .request = request };
	uint8_t fields[NAMES];

	for (int n = 0; n < NAMES; n++)
		fields[n] = (uint8_t)heph_ctl_field_find(names[n]);
	listing.fields = fields;
	listing.n_fields = NAMES;
	return list(&listing, error);
}

#endif
