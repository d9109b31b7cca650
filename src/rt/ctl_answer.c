/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "rt/ctl_answer.h"

#include <heph/config.h>
#include <heph/metrics.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "rt/ctl_field.h"
#include "rt/runtime.h"

/* ---- what answers are made of ---------------------------------------------------- */

int heph_ctl_no_memory(struct heph_ctl_error *error)
{
	return heph_ctl_fail(error, -ENOMEM, "no memory");
}

int heph_ctl_done(struct heph_ctl_client *client, json_t *line)
{
	if (line)
		json_object_set_new(line, "done", json_true());
	heph_ctl_client_send(client, line);
	return 0;
}

int heph_ctl_visit(struct heph_ctl_client *client,
		   const struct heph_inspect_filter *filter,
		   heph_inspect_fn *fn, void *arg, struct heph_ctl_error *error)
{
	int err = heph_inspect_from_outside(&client->runtime->heph, filter, fn,
					    arg);

	return err < 0 ?
		       heph_ctl_fail(error, err, "cannot look at the actors") :
		       0;
}

void heph_ctl_note_stuck(json_t *stuck, const struct heph_actor_info *info)
{
	if (info->state == HEPH_STATE_STUCK)
		json_array_append_new(
			stuck, json_pack("{s:I, s:o, s:i}", "id",
					 (json_int_t)info->ref.addr.id, "name",
					 heph_ctl_text(info->name), "worker",
					 info->worker));
}

/* ---- the simple ones ----------------------------------------------------------------------------- */

static int answer_help(struct heph_ctl_client *client,
		       const struct heph_ctl_request *request,
		       struct heph_ctl_error *error)
{
	json_t *fields = json_array();

	for (int n = 0; heph_ctl_field_name(n); n++)
		json_array_append_new(fields,
				      json_string(heph_ctl_field_name(n)));
	return heph_ctl_done(client,
			     json_pack("{s:o, s:o}", "commands",
				       heph_ctl_help(), "fields", fields));
}

static int answer_version(struct heph_ctl_client *client,
			  const struct heph_ctl_request *request,
			  struct heph_ctl_error *error)
{
	const struct heph *heph = &client->runtime->heph;

	return heph_ctl_done(client, json_pack("{s:s, s:i, s:i, s:o, s:s, s:i}",
					       "heph", HEPH_VERSION, "protocol",
					       1, "pid", getpid(), "name",
					       heph_ctl_text(heph->config.name),
					       "driver", heph->driver->name,
					       "workers", heph->workers));
}

static int answer_log(struct heph_ctl_client *client,
		      const struct heph_ctl_request *request,
		      struct heph_ctl_error *error)
{
	static const char *const names[] = { "off", "error", "warn", "info",
					     "debug" };
	int level;

	if (request->given & (1u << HEPH_CTL_LEVEL))
		heph_log_set_level((enum heph_log_level)request->level);
	level = heph_log_level_of(NULL);
	return heph_ctl_done(client,
			     json_pack("{s:s, s:I}", "level",
				       names[level - HEPH_LOG_OFF], "lost",
				       (json_int_t)heph_log_lost()));
}

static int answer_metrics(struct heph_ctl_client *client,
			  const struct heph_ctl_request *request,
			  struct heph_ctl_error *error)
{
	char *text;
	size_t size;
	int err = heph_metrics_text(&client->runtime->heph, &text, &size);

	if (err < 0)
		return heph_ctl_fail(error, err, "cannot make the text");
	err = heph_ctl_done(client, json_pack("{s:s%}", "text", text, size));
	free(text);
	return err;
}

static heph_ctl_answer_fn *const answers[HEPH_CTL_COMMANDS] = {
	[HEPH_CTL_HELP] = answer_help,
	[HEPH_CTL_VERSION] = answer_version,
	[HEPH_CTL_LIST] = heph_ctl_list,
	[HEPH_CTL_SHOW] = heph_ctl_show,
	[HEPH_CTL_TREE] = heph_ctl_tree,
	[HEPH_CTL_STATS] = heph_ctl_stats,
	[HEPH_CTL_METRICS] = answer_metrics,
	[HEPH_CTL_CYCLES] = heph_ctl_cycles,
	[HEPH_CTL_TRACE] = heph_ctl_trace,
	[HEPH_CTL_LOG] = answer_log,
	[HEPH_CTL_STOP] = heph_ctl_stop_actor,
};

int heph_ctl_answer(struct heph_ctl_client *client,
		    const struct heph_ctl_request *request,
		    struct heph_ctl_error *error)
{
	return answers[request->command](client, request, error);
}

#endif
