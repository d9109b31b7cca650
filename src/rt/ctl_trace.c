/* SPDX-License-Identifier: MIT */
/* The request of the control socket that turns a trace on and off. */
#if HEPH_CTL

#include "rt/ctl_answer.h"

#include <string.h>

#include "rt/runtime.h"

#if __has_include(<heph/trace.h>)
#include <heph/trace.h>

static int turn_on(struct heph *heph, const struct heph_ctl_request *request,
		   struct heph_ctl_error *error)
{
	int err;

	if (!request->file)
		return heph_ctl_fail(error, -EINVAL,
				     "'trace' needs 'file' to turn it on");
	err = heph_trace_start(heph, request->file);
	if (err == -EALREADY)
		return heph_ctl_fail(error, err, "it is on already");
	return err < 0 ? heph_ctl_fail(error, err, "'%.150s': %s",
				       request->file, strerrordesc_np(-err)) :
			 0;
}

static int turn_off(struct heph *heph, struct heph_ctl_error *error)
{
	int err = heph_trace_stop(heph);

	if (err == -EALREADY)
		return heph_ctl_fail(error, err, "it is not on");
	return err < 0 ?
		       heph_ctl_fail(error, err, "the file is not complete: %s",
				     strerrordesc_np(-err)) :
		       0;
}

static json_t *status(struct heph *heph)
{
	struct heph_trace_info info = heph_trace_info(heph);

	return json_pack("{s:b, s:I, s:I, s:I, s:i}", "on", info.on, "written",
			 (json_int_t)info.written, "lost",
			 (json_int_t)info.lost, "bytes", (json_int_t)info.bytes,
			 "err", info.err);
}

int heph_ctl_trace(struct heph_ctl_client *client,
		   const struct heph_ctl_request *request,
		   struct heph_ctl_error *error)
{
	struct heph *heph = &client->runtime->heph;
	int err = 0;

	if (request->action && strcmp(request->action, "on") == 0)
		err = turn_on(heph, request, error);
	else if (request->action && strcmp(request->action, "off") == 0)
		err = turn_off(heph, error);
	return err < 0 ? err : heph_ctl_done(client, status(heph));
}

#else

int heph_ctl_trace(struct heph_ctl_client *client,
		   const struct heph_ctl_request *request,
		   struct heph_ctl_error *error)
{
	return heph_ctl_fail(error, -EOPNOTSUPP,
			     "this library was built without traces");
}

#endif
#endif
