/* SPDX-License-Identifier: MIT */
/*
 * heph_serve() spawns a server: an actor that owns the listener and is the
 * parent of the connections, so that it can wait for those and for nothing
 * else. The caller waits for the server, and passes a stop on to it.
 */
#include <heph/net.h>
#include <heph/own.h>
#include <heph/socket.h>
#include <heph/time.h>
#include <heph/typed.h>

#include <sched.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/life.h"
#include "core/stackrule.h"
#include "core/wait.h"
#include "core/watch.h"
#include "io/net.h"
#include "rt/service.h"

#define PAUSE_MIN HEPH_MSEC
#define PAUSE_MAX HEPH_SEC

/* What a server starts with; it owns `spawn`. */
struct server_arg {
	heph_fd listener;
	const struct heph_actor *type;
	void *spawn;
	size_t fd_at;
	struct heph_serve_options options;
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

/* While it runs. */
struct server {
	const struct server_arg *arg;
	heph_time pause;    /* after the next error */
	heph_time next;	    /* the rate allows one then */
	uint32_t begun;     /* connections that have an actor */
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

#define COUNT(server_, what_)                                                  \
	((server_)->arg->options.stats ?                                       \
		 count(&(server_)->arg->options.stats->what_) :                \
		 (void)0)

static int pause_for(heph_ctx ctx, struct server *server, int err)
{
	heph_time pause = server->pause;

	heph_log_warn("cannot accept, trying again", HEPH_KV_ERR("err", err),
		      HEPH_KV_INT("ms", pause / HEPH_MSEC));
	server->pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	return heph_sleep(ctx, pause);
}

/* Refuses the connection if its actor cannot be spawned. */
static int serve_one(heph_ctx ctx, struct server *server, heph_fd fd,
		     const struct heph_address *peer)
{
	const struct server_arg *arg = server->arg;
	struct heph_options *options = arg->spawn;
	int err;

	memcpy((char *)arg->spawn + arg->fd_at, &fd, sizeof(fd));
	if (arg->options.peer)
		memcpy((char *)arg->spawn + arg->options.peer, peer,
		       sizeof(*peer));
	options->give = fd;
	err = heph_raw_spawn(ctx, arg->type, arg->spawn, NULL);
	if (err == 0) {
		server->begun++;
		return 0;
	}
	if (err != -ECANCELED)
		COUNT(server, refused); /* before the client hears of it */
	heph_close(fd);
	if (err == -ECANCELED)
		return err;
	heph_log_warn("connection refused", HEPH_KV_STR("actor", arg->type->name),
		      HEPH_KV_ERR("err", err));
	return err == -EINVAL ? err : 0;
}

/* Until there may be one more. */
static int await_room(heph_ctx ctx, struct server *server)
{
	const struct heph_ext *ext = ctx.self->ext;
	unsigned limit = server->arg->options.limit;
	int err = 0;

	if (!limit || server->begun - ext->children_ended < limit)
		return 0;
	COUNT(server, full);
	while (err == 0 && server->begun - ext->children_ended >= limit)
		err = heph_wait_for(ctx, HEPH_WAIT_CHILD);
	return err;
}

/* What was not used is kept for a second. */
static int await_turn(heph_ctx ctx, struct server *server)
{
	unsigned rate = server->arg->options.rate;
	heph_time now;

	if (!rate)
		return 0;
	now = heph_now();
	if (server->next < now - HEPH_SEC)
		server->next = now - HEPH_SEC;
	server->next += HEPH_SEC / rate;
	return server->next <= now ? 0 :
				     heph_sleep(ctx, server->next - now);
}

/* One at a time where it must not be one too many. */
static int accept_next(heph_ctx ctx, struct server *server, heph_fd *ret_fd,
		       struct heph_address *ret_peer)
{
	const struct heph_serve_options *options = &server->arg->options;
	heph_fd listener = server->arg->listener;
	int err;

	if (!options->limit && !options->rate && !options->peer)
		return heph_accept(ctx, listener, ret_fd);
	err = await_room(ctx, server);
	if (err == 0)
		err = await_turn(ctx, server);
	return err < 0 ? err :
			 heph_accept_from(ctx, listener, ret_fd, ret_peer);
}

static int accept_one(heph_ctx ctx, struct server *server)
{
	struct heph_address peer;
	heph_fd fd;
	int err = accept_next(ctx, server, &fd, &peer);

	if (err == 0) {
		COUNT(server, accepted);
		server->pause = PAUSE_MIN;
		return serve_one(ctx, server, fd, &peer);
	}
	if (!exhausted(err) && !passing(err))
		return err;
	COUNT(server, failed);
	return exhausted(err) ? pause_for(ctx, server, err) : 0;
}

static int accept_all(heph_ctx ctx, const struct server_arg *arg)
{
	struct server server = { .arg = arg,
				 .pause = PAUSE_MIN,
				 .begun = ctx.self->ext->children_ended };
	int err;

	do {
		err = accept_one(ctx, &server);
	} while (err == 0);
	return err;
}

/* Connections that arrive at our core are to be ours. */
static void prefer_core(heph_ctx ctx, heph_fd listener)
{
	int err;

	if (!ctx.self->thread->heph->config.pin ||
	    !heph_net_shared(ctx, listener))
		return;
	err = heph_socket_set(ctx, listener, HEPH_SOCKET_INCOMING_CPU,
			      sched_getcpu());
	if (err < 0)
		heph_log_warn("cannot tie a listener to its core",
			      HEPH_KV_ERR("err", err));
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
	prefer_core(ctx, arg->listener);
	err = accept_all(ctx, arg);
	if (err != -ECANCELED)
		return err;
	heph_close(arg->listener);
	let_finish(ctx);
	return 0;
}
HEPH_ACTOR_MAIN(heph_server, server_main);

struct heph_serve_stats heph_serve_stats(const struct heph_serve_stats *stats)
{
	return (struct heph_serve_stats){
		.accepted = __atomic_load_n(&stats->accepted, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&stats->refused, __ATOMIC_RELAXED),
		.failed = __atomic_load_n(&stats->failed, __ATOMIC_RELAXED),
		.full = __atomic_load_n(&stats->full, __ATOMIC_RELAXED),
	};
}

/* ---- who serves ----------------------------------------------------------------------- */

struct service {
	const struct heph_actor *type;
	const void *spawn;
	size_t size, fd_at;
	struct heph_serve_options options;
};

void *heph_service_copy(const void *spawn, size_t size)
{
	const struct heph_options *given = spawn;
	size_t name_size = given->name ? strlen(given->name) + 1 : 0;
	struct heph_options *options = heph_mem_alloc_raw(size + name_size);

	if (!options)
		return NULL;
	memcpy(options, spawn, size);
	options->on = HEPH_HERE;
	options->phase = 0; /* that is the server's */
	if (given->name)
		options->name = memcpy((char *)options + size, given->name,
				       name_size);
	return options;
}

/* Spawns a server on a worker, or here if that is HEPH_HERE; it takes the
 * listener. */
static int spawn_server(heph_ctx ctx, const struct service *service, heph_fd listener,
			int on, struct heph_watch **ret_server)
{
	const struct heph_options *options = service->spawn;
	struct heph_server_spawn server = {
		.options = { .name = "server",
			     .give = listener,
			     .on = on,
			     .phase = options->phase },
		.arg = { .listener = listener,
			 .type = service->type,
			 .fd_at = service->fd_at,
			 .options = service->options },
	};
	int err = heph_wait_allowed(ctx);
	void *copy;

	if (err < 0)
		return err;
	if (options->tree) {
		heph_log_error("heph_serve: connections are in no tree");
		return -EINVAL;
	}
	heph_stackrule_check_arg(ctx.self, service->type, service->spawn);
	heph_stackrule_check(ctx.self, &service->options,
			     sizeof(service->options), "option", "heph_serve");
	copy = heph_service_copy(service->spawn, service->size);
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

int heph_service_await(heph_ctx ctx, struct heph_watch *const *servers)
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

static struct service service_of(const struct heph_actor *type,
				 const void *spawn, size_t size, size_t fd_at,
				 const struct heph_serve_options *options)
{
	struct service service = {
		.type = type, .spawn = spawn, .size = size, .fd_at = fd_at
	};

	if (options)
		service.options = *options;
	return service;
}

int heph_raw_serve(heph_ctx ctx, heph_fd listener, const struct heph_actor *type,
		   const void *spawn, size_t size, size_t fd_at,
		   const struct heph_serve_options *options)
{
	const struct service service =
		service_of(type, spawn, size, fd_at, options);
	struct heph_watch *server[2] = { NULL };
	int err = spawn_server(ctx, &service, listener, HEPH_HERE, server);

	return err < 0 ? err : heph_service_await(ctx, server);
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
		err = heph_service_await(ctx, &servers[n]);
		stop_servers(&servers[n + 1]);
		if (err < 0 && result == 0)
			result = err;
	}
	return result;
}

int heph_raw_serve_on_each(heph_ctx ctx, heph_fd listener,
			   const struct heph_actor *type, const void *spawn,
			   size_t size, size_t fd_at,
			   const struct heph_serve_options *options)
{
	const struct service service =
		service_of(type, spawn, size, fd_at, options);
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
