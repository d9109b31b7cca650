/* SPDX-License-Identifier: MIT */
/* The middleware that sets the fields which tell browsers to be careful. */
#include <heph/http/middleware.h>

#include "http/config.h"

static void set_default(const char **member, const char *value)
{
	if (!*member)
		*member = value;
}

int heph_http_start_security(const void *config, struct heph_http_router *router,
			     const void **ret_config, const char **ret_why)
{
	struct heph_http_security *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	set_default(&its->frame, "DENY");
	set_default(&its->referrer, "no-referrer");
	set_default(&its->content, "default-src 'self'");
	set_default(&its->opener, "same-origin");
	set_default(&its->transport, "max-age=31536000");
	*ret_config = its;
	return 0;
}
HEPH_HTTP_NO_STOP(security);

static void say(struct heph_http_response *res, const char *name,
		const char *value)
{
	if (*value)
		heph_http_set(res, name, value);
}

int heph_http_run_security(heph_ctx ctx, const void *config,
			   struct heph_http_request *req,
			   struct heph_http_response *res,
			   const struct heph_http_chain *chain)
{
	const struct heph_http_security *its = config;

	say(res, "X-Content-Type-Options", "nosniff");
	say(res, "X-Frame-Options", its->frame);
	say(res, "Referrer-Policy", its->referrer);
	say(res, "Content-Security-Policy", its->content);
	say(res, "Cross-Origin-Opener-Policy", its->opener);
	if (req->secure)
		say(res, "Strict-Transport-Security", its->transport);
	return heph_http_go_on(ctx, req, res, chain);
}
