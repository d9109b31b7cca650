/* SPDX-License-Identifier: MIT */
/* Clients: the public side of their actor. */
#include <stdlib.h>

#include "http/client_hosts.h"
#include "http/client_mem.h"

enum { INBOX = 1024 };

static void drop_arg(struct heph_http_pool_arg *arg)
{
	heph_http_client_settings_unref(arg->settings);
	free(arg->pool);
}

int heph_http_raw_client_start(heph_ctx ctx, struct heph_http_client *ret_client,
			       const struct heph_http_client_options *options)
{
	struct heph_http_pool_arg arg = { 0 };
	heph_http_pool_ref pool;
	heph_time wait;
	int err = heph_http_client_settings_new(options, &arg.settings);

	if (err < 0)
		return err;
	wait = arg.settings->options.times.wait;
	arg.pool = client_mem_zero(sizeof(*arg.pool));
	err = arg.pool ? heph_spawn(ctx, heph_http_pool, &pool, arg,
				    .name = "http client", .inbox = INBOX) :
			 -ENOMEM;
	if (err < 0)
		drop_arg(&arg);
	else
		*ret_client = (struct heph_http_client){ pool.addr, wait };
	return err;
}

void heph_http_client_stop(struct heph_http_client client)
{
	heph_stop(heph_http_pool_of(client));
}

int heph_http_client_stats(heph_ctx ctx, struct heph_http_client client,
			   struct heph_http_client_stats *ret_stats)
{
	int err = heph_call(ctx, heph_http_pool_of(client), stats, ret_stats,
			    { .kind = HEPH_HTTP_POOL_STATS });

	return err == -EPIPE ? -ESRCH : err;
}
