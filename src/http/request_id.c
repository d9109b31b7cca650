/* SPDX-License-Identifier: MIT */
/* The middleware that gives each request an id, or keeps the one it came with. */
#include <heph/http/middleware.h>

#include "http/config.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/random.h>

enum { ID_MAX = 128, ID_OWN = 32 };

int heph_http_start_request_id(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct heph_http_request_id *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	if (!its->field)
		its->field = "X-Request-ID";
	*ret_config = its;
	return 0;
}
HEPH_HTTP_NO_STOP(request_id);

static bool is_id(struct heph_str id)
{
	for (size_t i = 0; i < id.size; i++)
		if (!isalnum((unsigned char)id.data[i]) &&
		    (!id.data[i] || !strchr("-_.:+/=~@", id.data[i])))
			return false;
	return id.size > 0 && id.size <= ID_MAX;
}

/* Each thread has a number nobody else has, and counts. */
static void make_id(char text[ID_OWN + 1])
{
	static _Thread_local uint64_t thread, count;

	while (!thread)
		if (getrandom(&thread, sizeof(thread), 0) != sizeof(thread))
			thread = 0;
	snprintf(text, ID_OWN + 1, "%016llx%016llx", (unsigned long long)thread,
		 (unsigned long long)++count);
}

static int give_id(const struct heph_http_request_id *config,
		   struct heph_http_request *req,
		   struct heph_http_response *res)
{
	struct heph_str id = heph_http_field(req, config->field);
	bool taken = !config->own && is_id(id);
	char *text = heph_http_alloc(req, taken ? id.size + 1 : ID_OWN + 1);

	if (!text)
		return -ENOMEM;
	if (taken) {
		memcpy(text, id.data, id.size);
		text[id.size] = '\0';
	} else {
		make_id(text);
	}
	req->id = heph_str(text);
	heph_http_set(res, config->field, text);
	return 0;
}

int heph_http_run_request_id(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	int err = give_id(config, req, res);

	return err < 0 ? err : heph_http_go_on(ctx, req, res, chain);
}
