/* SPDX-License-Identifier: MIT */
/* The Fetch standard, section "HTTP extensions": what servers answer. */
#include <heph/http/middleware.h>

#include "http/config.h"

struct cors {
	struct heph_http_cors config;
	char *methods, *headers, *expose; /* with commas; NULL: not said */
	bool any_origin, any_header;
};

/* "a b" becomes "a, b". NULL: there is no memory. */
static char *with_commas(struct heph_http_router *router, const char *words)
{
	char *text = heph_http_router_keep(router, 2 * strlen(words) + 1);
	size_t n = 0;

	if (!text)
		return NULL;
	for (; *words; words++) {
		if (*words != ' ') {
			text[n++] = *words;
		} else if (n && words[1] && words[1] != ' ') {
			text[n++] = ',';
			text[n++] = ' ';
		}
	}
	return text;
}

static int make_lists(struct heph_http_router *router, struct cors *cors)
{
	const struct heph_http_cors *config = &cors->config;

	cors->methods = with_commas(
		router, config->methods ? config->methods : "GET HEAD POST");
	if (config->headers)
		cors->headers = with_commas(router, config->headers);
	if (config->expose)
		cors->expose = with_commas(router, config->expose);
	return !cors->methods || !cors->headers != !config->headers ||
			       !cors->expose != !config->expose ?
		       -ENOMEM :
		       0;
}

static const char *wrong_with(const struct heph_http_cors *config)
{
	if (!config->origins || !*config->origins)
		return "CORS: there are no origins";
	if (config->credentials && !strcmp(config->origins, "*"))
		return "CORS: credentials for all origins";
	if (config->max_age < 0)
		return "CORS: max_age is negative";
	return NULL;
}

int heph_http_start_cors(const void *config, struct heph_http_router *router,
			 const void **ret_config, const char **ret_why)
{
	struct cors *cors;
	int err;

	cors = heph_http_config_take(router, config,
				     sizeof(struct heph_http_cors),
				     sizeof(*cors), &err, ret_why);
	if (!cors)
		return err;
	*ret_why = wrong_with(&cors->config);
	if (*ret_why)
		return -EINVAL;
	cors->any_origin = !strcmp(cors->config.origins, "*");
	cors->any_header =
		cors->config.headers && !strcmp(cors->config.headers, "*");
	*ret_config = cors;
	return make_lists(router, cors);
}
HEPH_HTTP_NO_STOP(cors);

static bool is_among(const char *words, struct heph_str word)
{
	while (*words) {
		size_t size = strcspn(words, " ");

		if (size == word.size && !memcmp(words, word.data, size))
			return size > 0;
		words += size;
		words += strspn(words, " ");
	}
	return false;
}

/* Whether that origin may; then says so. */
static bool say_origin(const struct cors *cors, struct heph_str origin,
		       struct heph_http_response *res)
{
	if (!cors->any_origin)
		heph_http_add(res, "Vary", "Origin");
	if (!origin.data ||
	    (!cors->any_origin && !is_among(cors->config.origins, origin)))
		return false;
	if (cors->any_origin)
		heph_http_set(res, "Access-Control-Allow-Origin", "*");
	else
		heph_http_addf(res, "Access-Control-Allow-Origin", "%.*s",
			       HEPH_STR(origin));
	if (cors->config.credentials)
		heph_http_set(res, "Access-Control-Allow-Credentials", "true");
	return true;
}

static void say_headers(const struct cors *cors, struct heph_http_request *req,
			struct heph_http_response *res)
{
	struct heph_str wanted =
		heph_http_field(req, "Access-Control-Request-Headers");

	if (cors->any_header)
		heph_http_add(res, "Vary", "Access-Control-Request-Headers");
	if (cors->any_header && wanted.size)
		heph_http_addf(res, "Access-Control-Allow-Headers", "%.*s",
			       HEPH_STR(wanted));
	else if (cors->headers && !cors->any_header)
		heph_http_set(res, "Access-Control-Allow-Headers",
			      cors->headers);
}

static void say_preflight(const struct cors *cors, struct heph_http_request *req,
			  struct heph_http_response *res)
{
	heph_http_set(res, "Access-Control-Allow-Methods", cors->methods);
	say_headers(cors, req, res);
	if (cors->config.max_age)
		heph_http_addf(res, "Access-Control-Max-Age", "%lld",
			       (long long)(cors->config.max_age / HEPH_SEC));
}

static bool is_preflight(struct heph_http_request *req)
{
	return req->method == HEPH_HTTP_OPTIONS &&
	       heph_http_field(req, "Origin").data &&
	       heph_http_field(req, "Access-Control-Request-Method").data;
}

int heph_http_run_cors(heph_ctx ctx, const void *config,
		       struct heph_http_request *req,
		       struct heph_http_response *res,
		       const struct heph_http_chain *chain)
{
	const struct cors *cors = config;
	bool may = say_origin(cors, heph_http_field(req, "Origin"), res);

	if (is_preflight(req)) {
		if (may)
			say_preflight(cors, req, res);
		heph_http_status(res, 204);
		return heph_http_send(ctx, res, NULL, 0);
	}
	if (may && cors->expose)
		heph_http_set(res, "Access-Control-Expose-Headers",
			      cors->expose);
	return heph_http_go_on(ctx, req, res, chain);
}
