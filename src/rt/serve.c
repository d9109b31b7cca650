/* SPDX-License-Identifier: MIT */
/*
 * heph_serve() spawns a server: an actor that owns the listener and is the
 * parent of the connections, so that it can wait for those and for nothing
 * else. The caller waits for the server, and passes a stop on to it.
 */
#include <heph/net.h>
#include <heph/own.h>
#include <heph/time.h>
#include <heph/typed.h>

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/life.h"
#include "core/stackrule.h"
#include "core/wait.h"
#include "core/watch.h"
#include "io/net.h"

#define PAUSE_MIN HEPH_MSEC
#define PAUSE_MAX HEPH_SEC

/* What a server starts with; it owns `spawn`. */
struct server_arg {
	heph_fd listener;
	const struct heph_actor *type;
	void *spawn;
	size_t fd_at;
};

HEPH_ACTOR(heph_server, void, struct server_arg);

/* ---- the server --------------------------------------------------------------------- */

/* Errors that go away when others give something back. */
static bool exhausted(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

/* Errors of one connection, which ended before it was accepted; accept(2). */
static bool passing(int err)
{
	return err == -ECONNABORTED || err == -EPROTO || err == -ENETDOWN ||
	       err == -ENOPROTOOPT || err == -EHOSTDOWN || err == -ENONET ||
	       err == -EHOSTUNREACH || err == -EOPNOTSUPP || err == -ENETUNREACH ||
	       err == -EPERM;
}

static int pause_for(heph_ctx ctx, heph_time *pause, int err)
{
	heph_log_warn("cannot accept, trying again", HEPH_KV_ERR("err", err),
		      HEPH_KV_INT("ms", *pause / HEPH_MSEC));
	err = heph_sleep(ctx, *pause);
	*pause = *pause * 2 < PAUSE_MAX ? *pause * 2 : PAUSE_MAX;
	return err;
}

/* Refuses the connection if its actor cannot be spawned. */
static int serve_one(heph_ctx ctx, const struct server_arg *arg, heph_fd fd)
{
	struct heph_options *options = arg->spawn;
	int err;

	memcpy((char *)arg->spawn + arg->fd_at, &fd, sizeof(fd));
	options->give = fd;
	err = heph_raw_spawn(ctx, arg->type, arg->spawn, NULL);
	if (err == 0)
		return 0;
	heph_close(fd);
	if (err == -ECANCELED)
		return err;
	heph_log_warn("connection refused", HEPH_KV_STR("actor", arg->type->name),
		      HEPH_KV_ERR("err", err));
	return err == -EINVAL ? err : 0;
}

static int accept_all(heph_ctx ctx, const struct server_arg *arg)
{
	heph_time pause = PAUSE_MIN;
	heph_fd fd;
	int err;

	for (;;) {
		err = heph_accept(ctx, arg->listener, &fd);
		if (err == 0) {
			pause = PAUSE_MIN;
			err = serve_one(ctx, arg, fd);
		} else if (exhausted(err)) {
			err = pause_for(ctx, &pause, err);
		} else if (passing(err)) {
			err = 0;
		}
		if (err < 0)
			return err;
	}
}

/* For half of the time that is left. */
static void let_finish(heph_ctx ctx)
{
	struct heph *heph = ctx.self->thread->heph;
	heph_time end = atomic_load(&heph->deadline);
	heph_time length = (end ? end - heph_now() : heph->config.grace) / 2;
	int err = 0;

	ctx = heph_shield(ctx, length);
	while (err == 0 && ctx.self->child)
		err = heph_wait_for(ctx, HEPH_WAIT_CHILD);
}

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	int err = heph_own(ctx, arg->spawn, heph_mem_free);

	if (err < 0) {
		heph_mem_free(arg->spawn);
		return err;
	}
	err = accept_all(ctx, arg);
	if (err != -ECANCELED)
		return err;
	heph_close(arg->listener);
	let_finish(ctx);
	return 0;
}
HEPH_ACTOR_MAIN(heph_server, server_main);

/* ---- who serves ----------------------------------------------------------------------- */

struct service {
	const struct heph_actor *type;
	const void *spawn;
	size_t size, fd_at;
};

/* The spawn struct of the connections, and the name that it points to. */
static void *copy_service(const struct service *service)
{
	const struct heph_options *given = service->spawn;
	size_t name_size = given->name ? strlen(given->name) + 1 : 0;
	struct heph_options *options =
		heph_mem_alloc_raw(service->size + name_size);

	if (!options)
		return NULL;
	memcpy(options, service->spawn, service->size);
	options->on = HEPH_HERE;
	if (given->name)
		options->name = memcpy((char *)options + service->size,
				       given->name, name_size);
	return options;
}

/* Spawns a server on a worker, or here if that is HEPH_HERE; it takes the
 * listener. */
static int spawn_server(heph_ctx ctx, const struct service *service, heph_fd listener,
			int on, struct heph_watch **ret_server)
{
	struct heph_server_spawn server = {
		.options = { .name = "server", .give = listener, .on = on },
		.arg = { .listener = listener,
			 .type = service->type,
			 .fd_at = service->fd_at },
	};
	const struct heph_options *options = service->spawn;
	int err = heph_wait_allowed(ctx);
	void *copy;

	if (err < 0)
		return err;
	if (options->tree) {
		heph_log_error("heph_serve: connections are in no tree");
		return -EINVAL;
	}
	heph_stackrule_check_arg(ctx.self, service->type, service->spawn);
	copy = copy_service(service);
	if (!copy)
		return -ENOMEM;
	server.arg.spawn = copy;
	err = heph_spawn_joined(ctx, &heph_server_actor, &server, ret_server);
	if (err < 0)
		heph_mem_free(copy);
	return err;
}

static void stop_servers(struct heph_watch *const *servers)
{
	for (; *servers; servers++)
		heph_raw_stop((*servers)->who);
}

/* Waits for the first of some servers; the list ends with NULL. A stop is
 * passed on to all of them, and then the first is waited for as long as it
 * takes, which it bounds. */
static int await_server(heph_ctx ctx, struct heph_watch *const *servers)
{
	struct heph_exit exit = { 0 };
	int why = heph_watch_join(ctx, *servers, &exit), err = why;

	if (why < 0) {
		stop_servers(servers);
		err = heph_watch_join(heph_shield(heph_self_ctx(ctx.self),
						  HEPH_NEVER),
				      *servers, &exit);
	}
	if (err == 0)
		err = exit.err;
	return err == 0 && why == -ETIME ? why : err;
}

int heph_raw_serve(heph_ctx ctx, heph_fd listener, const struct heph_actor *type,
		   const void *spawn, size_t size, size_t fd_at)
{
	const struct service service = { type, spawn, size, fd_at };
	struct heph_watch *server[2] = { NULL };
	int err = spawn_server(ctx, &service, listener, HEPH_HERE, server);

	return err < 0 ? err : await_server(ctx, server);
}

/* Spawns the servers of all workers, the last one with the listener itself. */
static int spawn_servers(heph_ctx ctx, const struct service *service,
			 heph_fd listener, struct heph_watch **servers)
{
	unsigned workers = heph_workers(ctx);
	heph_fd shared = { 0 };
	int err = 0;

	for (unsigned n = 0; err == 0 && n < workers; n++) {
		if (n + 1 < workers)
			err = heph_net_share(ctx, listener, &shared);
		else
			shared = listener;
		if (err == 0)
			err = spawn_server(ctx, service, shared,
					   HEPH_WORKER((int)n), &servers[n]);
		if (err < 0 && n + 1 < workers)
			heph_close(shared);
	}
	return err;
}

/* Waits for all; the end of the first one, for whatever reason, ends all. A
 * server ends on a stop, or by an error that does not pass, and that comes to
 * all of them alike. `servers` ends with NULL; those that have been awaited are
 * freed. */
static int await_servers(heph_ctx ctx, struct heph_watch *const *servers)
{
	int err, result = 0;

	for (unsigned n = 0; n < heph_workers(ctx) && servers[n]; n++) {
		err = await_server(ctx, &servers[n]);
		stop_servers(&servers[n + 1]);
		if (err < 0 && result == 0)
			result = err;
	}
	return result;
}

int heph_raw_serve_on_each(heph_ctx ctx, heph_fd listener,
			   const struct heph_actor *type, const void *spawn,
			   size_t size, size_t fd_at)
{
	const struct service service = { type, spawn, size, fd_at };
	struct heph_watch **servers;
	int err, result;

	if (heph_fd_number(ctx, listener) < 0)
		return -EBADF;
	if (!heph_net_shared(ctx, listener)) {
		heph_log_error("heph_serve_on_each: the listener is not one of "
			       "heph_listen_shared()");
		return -EINVAL;
	}
	err = heph_wait_allowed(ctx);
	if (err < 0)
		return err;
	servers = heph_mem_alloc((heph_workers(ctx) + 1) * sizeof(*servers));
	if (!servers)
		return -ENOMEM;
	err = spawn_servers(ctx, &service, listener, servers);
	if (err < 0)
		stop_servers(servers);
	result = await_servers(ctx, servers);
	heph_mem_free(servers);
	return err < 0 ? err : result;
}

/* ---- one on each worker ------------------------------------------------------------------ */

static int spawn_on_each(heph_ctx ctx, const struct heph_actor *type, void *spawn,
			 struct heph_watch **watches)
{
	struct heph_options *options = spawn;
	int err = 0;

	for (unsigned n = 0; err == 0 && n < heph_workers(ctx); n++) {
		options->on = HEPH_WORKER((int)n);
		err = heph_spawn_joined(ctx, type, spawn, &watches[n]);
	}
	return err;
}

/* Stops those that still run, and leaves them to their end. */
static void give_up(struct heph_watch *const *watches)
{
	for (; *watches; watches++) {
		heph_raw_stop((*watches)->who);
		heph_watch_leave(*watches);
	}
}

/* Waits for all; if that ends early, so do they. */
static int join_each(heph_ctx ctx, struct heph_watch *const *watches)
{
	struct heph_exit exit;
	int err, result = 0;

	for (; *watches; watches++) {
		err = heph_watch_join(ctx, *watches, &exit);
		if (err < 0) {
			give_up(watches);
			return err;
		}
		if (exit.err < 0 && result == 0)
			result = exit.err;
	}
	return result;
}

static int run_on_each(heph_ctx ctx, const struct heph_actor *type, void *copy,
		       struct heph_watch **watches)
{
	int err = spawn_on_each(ctx, type, copy, watches);

	if (err == 0)
		return join_each(ctx, watches);
	give_up(watches);
	return err;
}

int heph_raw_run_on_each(heph_ctx ctx, const struct heph_actor *type,
			 const void *spawn, size_t size)
{
	size_t list_size = (heph_workers(ctx) / 2 + 1) * 2 *
			   sizeof(struct heph_watch *); /* aligned to 16 */
	int err = heph_wait_allowed(ctx);
	char *both;

	if (err < 0)
		return err;
	both = heph_mem_alloc(list_size + size);
	if (!both)
		return -ENOMEM;
	memcpy(both + list_size, spawn, size);
	err = run_on_each(ctx, type, both + list_size, (void *)both);
	heph_mem_free(both);
	return err;
}
