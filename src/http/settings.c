/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.http"
#include "http/settings.h"

#include <heph/http/router.h>
#include <heph/http/value.h>
#include <heph/log.h>
#include <heph/time.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "http/mem.h"
#include "http/put.h"

#define DEFAULT(options_, name_, value_)                                       \
	((options_)->name_ = (options_)->name_ ? (options_)->name_ : (value_))

static void fill_in(struct heph_http_options *options)
{
	DEFAULT(options, limits.head, 16 << 10);
	DEFAULT(options, limits.target, 8 << 10);
	DEFAULT(options, limits.fields, 100);
	DEFAULT(options, body, 1 << 20);
	DEFAULT(options, drain, 64 << 10);
	DEFAULT(options, head_time, 10 * HEPH_SEC);
	DEFAULT(options, idle_time, 60 * HEPH_SEC);
	DEFAULT(options, body_time, 10 * HEPH_SEC);
	DEFAULT(options, body_rate, 1000);
	DEFAULT(options, handler_time, 30 * HEPH_SEC);
	DEFAULT(options, write_time, 30 * HEPH_SEC);
	DEFAULT(options, tls_time, 10 * HEPH_SEC);
}

/* What an option is wrong by; NULL: all are fine. */
static const char *wrong_in(const struct heph_http_options *options)
{
	const heph_time times[] = { options->head_time,	   options->idle_time,
				    options->body_time,	   options->handler_time,
				    options->write_time,   options->tls_time };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (times[i] < 0)
			return "a length of time is less than 0";
	if (options->limits.head > 16 << 20 || options->limits.head < 64)
		return "limits.head is 64 bytes to 16 MiB";
	if (options->limits.fields > 10000)
		return "limits.fields is 10,000 at most";
	if (options->name && (strlen(options->name) > 1000 ||
			      !heph_http_is_value(heph_str(options->name))))
		return "name cannot be the value of a field, of 1,000 bytes at "
		       "most";
	if (options->app && !options->app_type)
		return "app is to be made by HEPH_HTTP_APP()";
	if (options->around && !options->handler)
		return "around is for a handler; routers have their own";
	return NULL;
}

static char *put(char *to, const void *data, size_t size)
{
	memcpy(to, data, size);
	return to + size;
}

enum { ALIGN = _Alignof(max_align_t) };

/* Behind the homes: what the options point to. */
static void copy_texts(struct heph_http_settings *settings)
{
	struct heph_http_options *options = &settings->options;
	char *at = (char *)&settings->homes[settings->n_homes], *begin;

	if (options->app) {
		at += -(uintptr_t)at % ALIGN;
		begin = at;
		at = put(at, options->app, options->app_size);
		options->app = begin;
		begin = at;
		at = put(at, options->app_type, strlen(options->app_type) + 1);
		options->app_type = begin;
	}
	if (!options->name)
		return;
	begin = at;
	at = put(at, "Server: ", 8);
	at = put(at, options->name, strlen(options->name));
	at = put(at, "\r\n", 2);
	settings->server = heph_str_of(begin, (size_t)(at - begin));
	options->name = NULL;
}

static size_t size_of_texts(const struct heph_http_options *options)
{
	size_t size = 0;

	if (options->app)
		size += ALIGN + options->app_size +
			strlen(options->app_type) + 1;
	if (options->name)
		size += strlen(options->name) + sizeof("Server: \r\n");
	return size;
}

static int refuse(const char *wrong)
{
	heph_log_error("options that cannot be", HEPH_KV_STR("wrong", wrong));
	return -EINVAL;
}

int heph_http_options_copy(struct heph_http_options *to,
			   const struct heph_http_options *given)
{
	if (!given)
		memset(to, 0, sizeof(*to));
	else if (!heph_take_options__(to, sizeof(*to), given))
		return refuse("size is not that of the struct, or of a later "
			      "version with options that are unknown here");
	return 0;
}

/* A handler with something around it is a router. */
static int wrap_handler(struct heph_http_settings *settings)
{
	struct heph_http_options *options = &settings->options;
	int err;

	if (!options->around)
		return 0;
	err = heph_http_router_all(options->handler, options->around,
				   &settings->router);
	options->handler = NULL;
	options->around = NULL;
	options->router = settings->router;
	return err;
}

int heph_http_settings_new(const struct heph_http_options *given,
			   unsigned n_homes,
			   struct heph_http_settings **ret_settings)
{
	struct heph_http_options options;
	struct heph_http_settings *settings;
	const char *wrong;
	int err;

	if (heph_http_options_copy(&options, given) < 0)
		return -EINVAL;
	fill_in(&options);
	wrong = wrong_in(&options);
	if (wrong)
		return refuse(wrong);
	settings = heph_http_mem_zero(sizeof(*settings) +
				      n_homes * sizeof(*settings->homes) +
				      size_of_texts(&options));
	if (!settings)
		return -ENOMEM;
	settings->options = options;
	settings->n_homes = n_homes;
	copy_texts(settings);
	err = wrap_handler(settings);
	if (err < 0) {
		heph_http_settings_free(settings);
		return err;
	}
	*ret_settings = settings;
	return 0;
}

void heph_http_settings_free(struct heph_http_settings *settings)
{
	for (unsigned n = 0; n < settings->n_homes; n++)
		heph_http_home_clear(&settings->homes[n]);
	heph_http_router_free(settings->router);
	heph_http_mem_free(settings);
}
