/* SPDX-License-Identifier: MIT */
/* The requests of the control socket about one actor: show it, stop it. */
#if HEPH_CTL

#include "rt/ctl_answer.h"

#include <heph/actor.h>

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rt/ctl_field.h"
#include "rt/runtime.h"

enum {
	CHILDREN_SHOWN = 100,
	NAMESAKES_SHOWN = 5, /* of those that a name could mean */
};

struct search {
	const struct heph_ctl_request *request;
	struct heph_actor_info found;
	unsigned n;
	json_t *stuck;
	char ids[160]; /* of those found, some of them */
};

static bool search_one(void *arg, const struct heph_actor_info *info)
{
	struct search *search = arg;
	const struct heph_ctl_request *request = search->request;
	size_t at = strlen(search->ids);

	heph_ctl_note_stuck(search->stuck, info);
	if (request->actor ? info->ref.addr.id != request->actor :
			     strcmp(info->name, request->actor_name) != 0)
		return true;
	search->found = *info;
	if (search->n++ < NAMESAKES_SHOWN)
		snprintf(search->ids + at, sizeof(search->ids) - at,
			 "%s%" PRIu64, at ? ", " : "", info->ref.addr.id);
	return !request->actor;
}

static int not_found(struct heph_ctl_error *error, const struct search *search)
{
	const char *blind = json_array_size(search->stuck) ?
				    "; a worker that is stuck does not tell" :
				    "";

	if (search->request->actor)
		return heph_ctl_fail(error, -ESRCH,
				     "there is no actor %" PRIu64 "%s",
				     search->request->actor, blind);
	return heph_ctl_fail(error, -ESRCH, "there is no actor '%.60s'%s",
			     search->request->actor_name, blind);
}

/* The actor that a request names. */
static int find(struct heph_ctl_client *client,
		const struct heph_ctl_request *request,
		struct heph_actor_info *ret_info, struct heph_ctl_error *error)
{
	struct search search = { .request = request, .stuck = json_array() };
	int err = heph_ctl_visit(client, NULL, search_one, &search, error);

	if (err == 0 && search.n == 0)
		err = not_found(error, &search);
	else if (err == 0 && search.n > 1)
		err = heph_ctl_fail(error, -ENOTUNIQ,
				    "%u actors are called '%.40s': %s%s",
				    search.n, request->actor_name, search.ids,
				    search.n > NAMESAKES_SHOWN ? ", ..." : "");
	*ret_info = search.found;
	json_decref(search.stuck);
	return err;
}

struct family {
	uint64_t parent;
	json_t *children;
};

static json_t *child_of(const struct heph_actor_info *info)
{
	return json_pack("{s:I, s:o, s:o, s:s, s:o}", "id",
			 (json_int_t)info->ref.addr.id, "name",
			 heph_ctl_text(info->name), "type",
			 heph_ctl_text(info->type), "state",
			 heph_state_name(info->state), "text",
			 heph_ctl_text(info->text));
}

static bool find_family(void *arg, const struct heph_actor_info *info)
{
	struct family *family = arg;

	if (info->parent.addr.id == family->parent)
		json_array_append_new(family->children, child_of(info));
	return json_array_size(family->children) < CHILDREN_SHOWN;
}

int heph_ctl_show(struct heph_ctl_client *client,
		  const struct heph_ctl_request *request,
		  struct heph_ctl_error *error)
{
	struct family family = { .children = json_array() };
	struct heph_actor_info info;
	int err = find(client, request, &info, error);

	family.parent = info.ref.addr.id;
	if (err == 0 && info.children)
		err = heph_ctl_visit(client, NULL, find_family, &family, error);
	if (err == 0)
		heph_ctl_done(client, json_pack("{s:o, s:O}", "actor",
						heph_ctl_field_all(&info),
						"family", family.children));
	json_decref(family.children);
	return err;
}

/* Before there is nobody left to be stopped: then the program ends, and the socket. */
static int answer_first(struct heph_ctl_client *client, json_t *result)
{
	int err = heph_ctl_done(client, result);

	heph_ctl_client_flush(client);
	return err;
}

int heph_ctl_stop_actor(struct heph_ctl_client *client,
			const struct heph_ctl_request *request,
			struct heph_ctl_error *error)
{
	struct heph *heph = &client->runtime->heph;
	struct heph_actor_info info;
	int err;

	if (request->all) {
		heph_log_info("asked to stop by the control socket");
		err = answer_first(client, json_pack("{s:b}", "all", true));
		heph_stop_runtime(heph, heph_clock_now() + heph->config.grace);
		heph->notify(heph);
		return err;
	}
	err = find(client, request, &info, error);
	if (err < 0)
		return err;
	err = answer_first(client, json_pack("{s:I, s:o}", "id",
					     (json_int_t)info.ref.addr.id,
					     "name", heph_ctl_text(info.name)));
	heph_stop(info.ref);
	return err;
}

#endif
