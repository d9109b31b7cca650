/* SPDX-License-Identifier: MIT */
/* config.h - the configuration of a middleware, taken over by the router */
#ifndef HEPH_HTTP_CONFIG_H
#define HEPH_HTTP_CONFIG_H

#include "http/router.h"

#include <errno.h>

/*
 * Takes over a configuration, a struct that begins with its size, to the begin of
 * `room` bytes that live as long as the router and are zero behind it. NULL:
 * `*ret_err` is -ENOMEM, or -EINVAL with a text: it was compiled for a later
 * version of the library, and uses what is new there.
 */
static inline void *heph_http_config_take(struct heph_http_router *router,
					  const void *config, size_t size,
					  size_t room, int *ret_err,
					  const char **ret_why)
{
	void *copy = heph_http_router_keep(router, room);

	*ret_err = -ENOMEM;
	if (!copy)
		return NULL;
	*ret_err = -EINVAL;
	*ret_why = "middleware was compiled for a later version";
	return heph_take_options__(copy, size, config) ? copy : NULL;
}

/* Of middleware that has nothing to give back. */
#define HEPH_HTTP_NO_STOP(name_)                                               \
	void heph_http_stop_##name_(const void *config)                        \
	{                                                                      \
		(void)config;                                                  \
	}                                                                      \
	_Static_assert(1, "")

#endif
