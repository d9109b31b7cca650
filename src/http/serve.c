/* SPDX-License-Identifier: MIT */
/*
 * A server: a heph_serve() whose connections are actors of the type heph_http_conn.
 *
 * An actor of its own, heph_http_server, waits for that, so that the caller hears of a
 * stop at once. He then says so in the settings, stops the server, and has an
 * actor on each worker stop the connections there that are idle; the others end
 * after the request that they are at.
 */
#define HEPH_LOG_TARGET "heph.http"

#include <heph/actor.h>
#include <heph/http/router.h>
#include <heph/log.h>
#include <heph/own.h>
#include <heph/runtime.h>
#include <heph/time.h>
#include <heph/typed.h>

#include <stdlib.h>

#include "http/conn.h"
#include "http/done.h"

/* ---- a connection ----------------------------------------------------------------- */

struct heph_http_conn_arg {
	heph_fd fd;
	struct heph_http_settings *settings;
};

HEPH_ACTOR(heph_http_conn, void, struct heph_http_conn_arg);

/* What a request has that came together with the stop. */
#define LATE (2 * HEPH_SEC)

static int call(heph_ctx ctx, struct heph_http_conn *conn)
{
	const struct heph_http_options *options = &conn->settings->options;
	struct heph_http_exchange *now = conn->now;
	heph_time by;

	if (__builtin_add_overflow(now->begun, options->handler_time, &by))
		by = HEPH_NEVER;
	if (heph_stopping(ctx)) /* it was thought to be idle */
		ctx = heph_shield(ctx, LATE);
	ctx = heph_until(ctx, by);
	conn->handler_deadline = heph_deadline(ctx);
	return options->handler ?
		       options->handler(ctx, &now->req, &now->res) :
		       heph_http_route(ctx, options->router, &now->req,
				       &now->res);
}

/* Has the request answered that was taken. */
static void __attribute__((noinline)) answer(heph_ctx ctx,
					     struct heph_http_conn *conn)
{
	int err = call(ctx, conn);

	conn->handler_deadline = 0;
	if (heph_http_done_err(conn->now, err) < 0)
		heph_http_conn_settle(ctx, conn, err);
}

/* What is on the stack here is kept while a connection is idle. */
static int heph_http_conn_main(heph_ctx ctx, heph_http_conn_inbox in,
			  struct heph_http_conn_arg *arg)
{
	struct heph_http_settings *settings = arg->settings;
	struct heph_http_conn *conn;
	int n = heph_http_conn_make(ctx, arg->fd, settings,
				    &settings->homes[heph_worker(ctx)], &conn);

	if (n < 0)
		return 0; /* the client sees it; memory is somebody else's */
	conn->self = heph_self(in).addr;
	for (;;) {
		n = heph_http_conn_ready(ctx, conn);
		if (n == 1 && conn->in_size == 0)
			n = heph_http_conn_await(ctx, conn);
		if (n == 1)
			n = heph_http_conn_take(ctx, conn);
		if (n != 1)
			break;
		answer(ctx, conn);
	}
	heph_http_conn_free(ctx, conn);
	return 0;
}
HEPH_ACTOR_MAIN(heph_http_conn, heph_http_conn_main);

/* ---- those that are idle -------------------------------------------------------------- */

struct heph_http_closer_arg {
	struct heph_http_settings *settings;
};

HEPH_ACTOR(heph_http_closer, void, struct heph_http_closer_arg);

static int heph_http_closer_main(heph_ctx ctx, struct heph_http_closer_arg *arg)
{
	const struct heph_http_conn *conn =
		arg->settings->homes[heph_worker(ctx)].conns;

	for (; conn; conn = conn->next)
		if (conn->idle)
			heph_raw_stop(conn->self);
	return 0;
}
HEPH_ACTOR_MAIN(heph_http_closer, heph_http_closer_main);

/* ---- the server ------------------------------------------------------------------------- */

struct heph_http_server_arg {
	heph_fd listener;
	struct heph_http_settings *settings;
};

HEPH_ACTOR(heph_http_server, void, struct heph_http_server_arg);

static int heph_http_server_main(heph_ctx ctx, struct heph_http_server_arg *arg)
{
	const struct heph_http_options *options = &arg->settings->options;
	struct heph_serve_stats *stats =
		options->stats ? &options->stats->serve : NULL;

	if (options->each_worker)
		return heph_serve_on_each(ctx, arg->listener, heph_http_conn, fd,
					  { .settings = arg->settings },
					  .limit = options->connections,
					  .stats = stats);
	return heph_serve(ctx, arg->listener, heph_http_conn, fd,
			  { .settings = arg->settings },
			  .limit = options->connections, .stats = stats);
}
HEPH_ACTOR_MAIN(heph_http_server, heph_http_server_main);

/* The caller was stopped, or its time is over. `ret_ended`: nobody is left who knows
 * the settings; who is forced himself does not wait for that. */
static int end(heph_ctx ctx, struct heph_http_settings *settings,
	       heph_http_server_ref server, bool *ret_ended)
{
	heph_ctx patient = { ctx.self, HEPH_NEVER };
	struct heph_exit exit = { 0 };
	int closed, err;

	patient = heph_shield(patient, HEPH_NEVER);
	atomic_store(&settings->ending, true);
	heph_stop(server);
	/* Without it they end when the server stops them. */
	closed = heph_run_on_each(patient, heph_http_closer, { settings });
	err = heph_join(patient, server, &exit);
	*ret_ended = closed == 0 && err == 0;
	if (exit.err == -ESRCH) /* it had ended before this */
		exit.err = 0;
	return err < 0 ? err : exit.err;
}

static void free_settings(void *settings)
{
	heph_http_settings_free(settings);
}

static int run(heph_ctx ctx, heph_fd listener,
	       struct heph_http_settings *settings, bool *ret_ended)
{
	struct heph_exit exit = { 0 };
	heph_http_server_ref server;
	int err = heph_spawn(ctx, heph_http_server, &server,
			     { listener, settings }, .give = listener);

	*ret_ended = true;
	if (err < 0)
		return err;
	err = heph_join(ctx, server, &exit);
	if (err == 0)
		return exit.err;
	exit.err = end(ctx, settings, server, ret_ended);
	return exit.err < 0 ? exit.err : err == -ECANCELED ? 0 : err;
}

int heph_http_raw_serve_on(heph_ctx ctx, heph_fd listener,
			   const struct heph_http_options *options)
{
	struct heph_http_settings *settings;
	bool ended;
	int err;

	if (!options->handler == !options->router) {
		heph_log_error("options that cannot be",
			       HEPH_KV_STR("wrong", options->handler ?
					   ".handler and .router" :
					   "neither .handler nor .router"));
		return -EINVAL;
	}
	err = heph_http_settings_new(options, heph_workers(ctx), &settings);
	if (err < 0)
		return err;
	err = heph_own(ctx, settings, free_settings);
	if (err < 0) {
		free_settings(settings);
		return err;
	}
	err = run(ctx, listener, settings, &ended);
	/* Otherwise it goes with the caller, after those that it has started. */
	if (ended && heph_disown(ctx, settings))
		free_settings(settings);
	return err;
}

int heph_http_raw_serve(heph_ctx ctx, const char *address,
			const struct heph_http_options *options)
{
	struct heph_http_options each;
	heph_fd listener;
	int err = heph_http_options_copy(&each, options);

	if (err < 0)
		return err;
	err = heph_listen_shared(ctx, address, &listener);
	if (err < 0)
		return err;
	each.size = sizeof(each);
	each.each_worker = true;
	err = heph_http_raw_serve_on(ctx, listener, &each);
	if (err < 0)
		heph_close(listener);
	return err;
}
