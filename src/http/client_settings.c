/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.http"
#include "http/client_settings.h"

#include <heph/config.h>
#include <heph/http/value.h>
#include <heph/log.h>

#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"

#if HEPH_TLS
#include <heph/tls.h>
#endif

#define OR(value_, otherwise_) ((value_) ? (value_) : (otherwise_))

static const struct heph_http_times defaults = {
	.wait = 30 * HEPH_SEC,
	.connect = 10 * HEPH_SEC,
	.tls = 10 * HEPH_SEC,
	.send = 30 * HEPH_SEC,
	.head = 60 * HEPH_SEC,
	.body = 30 * HEPH_SEC,
};

struct heph_http_times
heph_http_times_or(struct heph_http_times times,
		   const struct heph_http_times *otherwise)
{
	if (!otherwise)
		otherwise = &defaults;
	times.wait = OR(times.wait, otherwise->wait);
	times.connect = OR(times.connect, otherwise->connect);
	times.tls = OR(times.tls, otherwise->tls);
	times.send = OR(times.send, otherwise->send);
	times.head = OR(times.head, otherwise->head);
	times.body = OR(times.body, otherwise->body);
	return times;
}

static void fill_numbers(struct heph_http_client_options *options)
{
	options->per_host = OR(options->per_host, 8);
	options->connections = OR(options->connections, 256);
	options->waiting = OR(options->waiting, 1024);
	options->idle_time = OR(options->idle_time, 30 * HEPH_SEC);
	options->max_age = OR(options->max_age, 300 * HEPH_SEC);
	options->times = heph_http_times_or(options->times, NULL);
}

/* ---- texts --------------------------------------------------------------------- */

static int copy_text(const char *text, char **ret_copy)
{
	*ret_copy = client_mem_text(text);
	return *ret_copy ? 0 : -ENOMEM;
}

static int refuse(const char *option, const char *value)
{
	heph_log_error("an option of an HTTP client cannot be",
		       HEPH_KV_STR("option", option),
		       HEPH_KV_STR("value", value));
	return -EINVAL;
}

static int fill_agent(struct heph_http_client_settings *settings,
		      const char *agent)
{
	if (!agent)
		agent = "heph/" HEPH_VERSION;
	if (!heph_http_is_value(heph_str(agent)))
		return refuse("user_agent", "has a control character");
	return *agent ? copy_text(agent, &settings->user_agent) : 0;
}

/* The first of these variables that is not empty. */
static const char *variable(const char *name, const char *other)
{
	const char *value = getenv(name);

	if (!value || !*value)
		value = other ? getenv(other) : NULL;
	return value && *value ? value : NULL;
}

static int add_proxy(const char *url, const char *option,
		     struct heph_http_proxy **ret_proxy)
{
	int err = url && *url ? heph_http_proxy_new(url, ret_proxy) : 0;

	return err == -EINVAL || err == -EPROTONOSUPPORT ||
			       err == -ENAMETOOLONG ?
		       refuse(option, "is no proxy") :
		       err;
}

/* HTTP_PROXY in capitals is not looked at: a web server's CGI sets it to what a
 * client's "Proxy" field says. */
static int fill_proxies(struct heph_http_client_settings *settings,
			const struct heph_http_client_options *options)
{
	const char *plain = options->proxy, *secure = options->proxy;
	const char *none = options->no_proxy;
	int err;

	if (options->environment && !plain) {
		plain = variable("http_proxy", NULL);
		secure = variable("https_proxy", "HTTPS_PROXY");
	}
	if (options->environment && !none)
		none = variable("no_proxy", "NO_PROXY");
	err = add_proxy(plain, "proxy", &settings->proxy);
	if (err == 0)
		err = add_proxy(secure, "proxy", &settings->secure_proxy);
	if (err == 0 && none)
		err = copy_text(none, &settings->no_proxy);
	return err;
}

/* ---- TLS ----------------------------------------------------------------------- */

#if HEPH_TLS
int heph_http_client_settings_tls(struct heph_http_client_settings *settings,
				  struct heph_tls **ret_tls)
{
	int err = 0;

	if (!settings->tls)
		err = heph_tls_client_new(&settings->tls, .alpn = "http/1.1");
	*ret_tls = settings->tls;
	return err;
}

struct heph_tls *heph_http_tls_ref(struct heph_tls *tls)
{
	return tls ? heph_tls_ref(tls) : NULL;
}

void heph_http_tls_free(struct heph_tls *tls)
{
	heph_tls_free(tls);
}
#else
int heph_http_client_settings_tls(struct heph_http_client_settings *settings,
				  struct heph_tls **ret_tls)
{
	(void)settings, (void)ret_tls;
	return -EPROTONOSUPPORT;
}

struct heph_tls *heph_http_tls_ref(struct heph_tls *tls)
{
	(void)tls;
	return NULL;
}

void heph_http_tls_free(struct heph_tls *tls)
{
	(void)tls;
}
#endif

/* ---- life ---------------------------------------------------------------------- */

static int fill(struct heph_http_client_settings *settings,
		const struct heph_http_client_options *given)
{
	struct heph_http_client_options *options = &settings->options;
	int err;

	if (!heph_take_options__(options, sizeof(*options), given))
		return refuse("size", "is a later version's");
	settings->tls = heph_http_tls_ref(options->tls);
	fill_numbers(options);
	err = fill_agent(settings, options->user_agent);
	return err < 0 ? err : fill_proxies(settings, options);
}

int heph_http_client_settings_new(const struct heph_http_client_options *options,
				  struct heph_http_client_settings **ret_settings)
{
	struct heph_http_client_settings *settings;
	int err;

	settings = client_mem_zero(sizeof(*settings));
	if (!settings)
		return -ENOMEM;
	atomic_init(&settings->refs, 1);
	err = fill(settings, options);
	if (err < 0)
		heph_http_client_settings_unref(settings);
	else
		*ret_settings = settings;
	return err;
}

void heph_http_client_settings_unref(struct heph_http_client_settings *settings)
{
	if (!settings || atomic_fetch_sub_explicit(&settings->refs, 1,
						   memory_order_acq_rel) != 1)
		return;
	heph_http_tls_free(settings->tls);
	free(settings->user_agent);
	free(settings->no_proxy);
	heph_http_proxy_free(settings->proxy);
	heph_http_proxy_free(settings->secure_proxy);
	free(settings);
}
