/* SPDX-License-Identifier: MIT */
/* RFC 7617. */
#include <heph/http/auth.h>
#include <heph/http/middleware.h>

#include "http/config.h"

int heph_http_start_basic_auth(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct heph_http_basic_auth *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	if (!its->realm)
		its->realm = "restricted";
	*ret_config = its;
	*ret_why = "basic auth: the realm has a \" or a \\ in it";
	if (strpbrk(its->realm, "\"\\"))
		return -EINVAL;
	*ret_why = "basic auth: it needs either logins or a check";
	return !its->logins == !its->check ? -EINVAL : 0;
}
HEPH_HTTP_NO_STOP(basic_auth);

/* ---- who asks ----------------------------------------------------------------------- */

/* Reads "Basic dXNlcjpwYXNz", into memory of the request. Returns 1; 0: it is
 * none. */
static int read_login(struct heph_http_request *req,
		      struct heph_http_login *ret_login)
{
	struct heph_str field = heph_http_field(req, "Authorization");
	struct heph_str user, password;
	char *text;

	if (!field.data)
		return 0;
	text = heph_http_alloc(req, field.size + 1);
	if (!text)
		return -ENOMEM;
	if (heph_http_basic_read(field, text, field.size, &user, &password) <= 0)
		return 0;
	/* Where the ":" was, and behind the end. */
	text[user.size] = text[user.size + 1 + password.size] = '\0';
	*ret_login = (struct heph_http_login){ user.data, password.data };
	return 1;
}

static unsigned is_same(const char *given, const char *secret)
{
	return heph_http_same_secret(heph_str(given), heph_str(secret));
}

static int is_in(const struct heph_http_login *logins,
		 const struct heph_http_login *given)
{
	unsigned found = 0;

	for (; logins->user; logins++)
		found |= is_same(given->user, logins->user) &
			 is_same(given->password, logins->password);
	return (int)found;
}

/* Waits, perhaps. */
static int let_in(heph_ctx ctx, const struct heph_http_basic_auth *config,
		  struct heph_http_request *req)
{
	struct heph_http_login login;
	int err = read_login(req, &login);

	if (err == 1)
		err = config->check ?
			      config->check(ctx, req, login.user,
					    login.password) :
			      is_in(config->logins, &login);
	if (err == 1)
		req->user = heph_str(login.user);
	return err;
}

int heph_http_run_basic_auth(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	const struct heph_http_basic_auth *its = config;
	int err = let_in(ctx, its, req);

	if (err < 0)
		return err;
	if (err)
		return heph_http_go_on(ctx, req, res, chain);
	heph_http_addf(res, "WWW-Authenticate",
		       "Basic realm=\"%s\", charset=\"UTF-8\"", its->realm);
	return heph_http_error(ctx, res, 401);
}
