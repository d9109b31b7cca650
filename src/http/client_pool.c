/* SPDX-License-Identifier: MIT */
/* What the pool does with what it is told; what it has is in client_hosts.h. */
#include "http/client_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/client_hosts.h"
#include "http/client_mem.h"

#define SWEEP HEPH_SEC

/* ---- which connections are alike -------------------------------------------------- */

static void choose_proxy(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	const struct heph_http_client_settings *settings = pool->settings;

	if (lease->own_proxy || lease->address ||
	    heph_http_proxy_not_for(settings->no_proxy, lease->host))
		return;
	lease->proxy = lease->secure ? settings->secure_proxy : settings->proxy;
	lease->borrowed = true;
}

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/* Connections to a proxy serve all hosts, unless they are tunnels: those are of who
 * has asked for them. For free(); NULL: no memory. */
static char *make_key(const struct heph_http_lease *lease)
{
	const struct heph_http_proxy *proxy = lease->proxy;
	const char *where = proxy ? proxy->connect : "";
	const char *who = proxy ? or_none(proxy->authorization) : "";
	const char *address = or_none(lease->address);
	size_t room = strlen(lease->connect) + strlen(address) +
		      strlen(where) + strlen(who) + 64;
	char *key = client_mem(room);

	if (key && proxy && !lease->secure)
		snprintf(key, room, "proxy %s", where);
	else if (key)
		snprintf(key, room, "%s %s %s %s %s %p",
			 lease->secure ? "https" : "http", lease->connect,
			 address, where, who, (void *)lease->tls);
	return key;
}

/* ---- granting ----------------------------------------------------------------------- */

static int answer(struct heph_http_lease *lease, int err)
{
	HEPH_REPLY(struct heph_http_pool_answer) reply = { lease->reply };

	return heph_answer(reply, { .err = err });
}

static bool too_old(struct heph_http_pool *pool, const struct heph_http_parked *parked,
		    heph_time now)
{
	const struct heph_http_client_options *options =
		&pool->settings->options;

	return now - parked->parked >= options->idle_time ||
	       now - parked->opened >= options->max_age;
}

/* An idle connection that can be used, taken out of the lists. */
static struct heph_http_lease *find_idle(struct heph_http_pool *pool,
					 struct heph_http_host *host)
{
	struct heph_http_lease *idle;

	while ((idle = TAILQ_FIRST(&host->idle))) {
		if (!too_old(pool, &idle->parked, heph_now())) {
			heph_http_lease_leave(pool, idle);
			return idle;
		}
		heph_http_lease_close_idle(pool, idle, &pool->stats.expired);
	}
	return NULL;
}

/* Makes room for one more connection to that host. */
static bool find_room(struct heph_http_pool *pool, struct heph_http_host *host)
{
	const struct heph_http_client_options *options =
		&pool->settings->options;
	struct heph_http_lease *idle;

	if (host->open >= options->per_host) {
		idle = TAILQ_LAST(&host->idle, heph_http_leases);
		if (!idle)
			return false;
		heph_http_lease_close_idle(pool, idle, &pool->stats.evicted);
	}
	if (pool->open >= options->connections) {
		idle = TAILQ_FIRST(&pool->idle);
		if (!idle)
			return false;
		heph_http_lease_close_idle(pool, idle, &pool->stats.evicted);
	}
	return true;
}

/* Whether there is a connection for it, or leave to open one. */
static bool find_place(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	struct heph_http_host *host = lease->at;
	struct heph_http_lease *idle =
		lease->fresh ? NULL : find_idle(pool, host);

	if (idle) { /* its place is this one's now */
		lease->parked = idle->parked;
		idle->parked.there = false;
		heph_http_lease_unref(idle);
		pool->stats.reused++;
		return true;
	}
	if (!find_room(pool, host))
		return false;
	host->open++;
	pool->open++;
	pool->stats.opened++;
	return true;
}

/* A lease that nobody waits for any more is given back by the one who asked. */
static bool serve_first(struct heph_http_pool *pool, struct heph_http_host *host)
{
	struct heph_http_lease *lease = TAILQ_FIRST(&host->waiting);

	if (!find_place(pool, lease))
		return false;
	/* It is some other host's turn. */
	TAILQ_REMOVE(&pool->waiting, host, waiting_link);
	TAILQ_INSERT_TAIL(&pool->waiting, host, waiting_link);
	heph_http_lease_leave(pool, lease);
	heph_http_lease_grant(pool, lease);
	answer(lease, 0);
	return true;
}

static void serve_waiting(struct heph_http_pool *pool)
{
	struct heph_http_host *host = TAILQ_FIRST(&pool->waiting);

	while (host)
		host = serve_first(pool, host) ?
			       TAILQ_FIRST(&pool->waiting) :
			       TAILQ_NEXT(host, waiting_link);
}

/* ---- messages ---------------------------------------------------------------------- */

static int prepare(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	struct heph_tls *tls;
	char *key;
	int err;

	lease->settings = heph_http_client_settings_ref(pool->settings);
	if (lease->secure && !lease->tls) {
		err = heph_http_client_settings_tls(pool->settings, &tls);
		if (err < 0)
			return err;
		lease->tls = heph_http_tls_ref(tls);
	}
	if (pool->settings->options.cookies && !lease->no_cookies) {
		err = heph_http_jar_tell(&pool->jar, lease->host, lease->path,
					 lease->secure, time(NULL),
					 &lease->cookies);
		if (err < 0)
			return err;
	}
	choose_proxy(pool, lease);
	key = make_key(lease);
	lease->at = key ? heph_http_host_of(pool, key) : NULL;
	free(key);
	return lease->at ? 0 : -ENOMEM;
}

/* The pool has its reference from now on, unless there is an error. */
static int admit(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	struct heph_http_host *host;
	int err = prepare(pool, lease);
	bool found;

	if (err < 0)
		return err;
	host = lease->at;
	host->pins++;
	found = TAILQ_EMPTY(&host->waiting) && find_place(pool, lease);
	host->pins--;
	if (found) {
		heph_http_lease_grant(pool, lease);
		return 0;
	}
	if (pool->stats.waiting_now < pool->settings->options.waiting) {
		heph_http_lease_wait(pool, lease);
		return 1;
	}
	pool->stats.refused++;
	lease->at = NULL;
	heph_http_host_drop(pool, host);
	return -EAGAIN;
}

static void on_ask(struct heph_http_pool *pool, struct heph_http_pool_msg *msg)
{
	struct heph_http_lease *lease = msg->lease;
	int err;

	pool->stats.requests++;
	lease->reply = msg->answer.raw;
	err = admit(pool, lease);
	if (err == 1)
		return;
	answer(lease, err);
	if (err < 0)
		heph_http_lease_unref(lease);
}

static void count_dead(struct heph_http_pool *pool)
{
	pool->stats.dead++;
	pool->stats.reused--;
	pool->stats.opened++;
}

static void give_granted(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	if (lease->was_dead)
		count_dead(pool);
	lease->was_dead = false;
	heph_http_lease_leave(pool, lease);
	free(lease->cookies);
	lease->cookies = NULL;
	if (lease->parked.there)
		lease->parked.parked = heph_now();
	if (lease->parked.there &&
	    !too_old(pool, &lease->parked, lease->parked.parked))
		heph_http_lease_park(pool, lease);
	else
		heph_http_lease_end(pool, lease);
}

static void on_give(struct heph_http_pool *pool, struct heph_http_lease *lease)
{
	struct heph_http_host *host = lease->at;

	switch (lease->state) {
	case HEPH_HTTP_LEASE_WAITING:
		heph_http_lease_leave(pool, lease);
		heph_http_host_drop(pool, host);
		heph_http_lease_unref(lease);
		break;
	case HEPH_HTTP_LEASE_GRANTED:
		give_granted(pool, lease);
		break;
	default: /* it was refused */
		break;
	}
	heph_http_lease_unref(lease); /* that of the message */
	serve_waiting(pool);
}

static void on_cookies(struct heph_http_pool *pool, struct heph_http_learned *learned)
{
	const char *at = learned->texts;

	for (unsigned n = 0; n < learned->n; n++, at += strlen(at) + 1)
		heph_http_jar_learn(&pool->jar, learned->host, learned->path,
				    learned->secure, heph_str(at), time(NULL));
	free(learned);
}

static void on_msg(struct heph_http_pool *pool, struct heph_http_pool_msg *msg)
{
	switch (msg->kind) {
	case HEPH_HTTP_POOL_ASK:
		on_ask(pool, msg);
		break;
	case HEPH_HTTP_POOL_GIVE:
		on_give(pool, msg->lease);
		break;
	case HEPH_HTTP_POOL_COOKIES:
		on_cookies(pool, msg->learned);
		break;
	case HEPH_HTTP_POOL_STATS:
		pool->stats.cookies_now = pool->jar.n;
		heph_answer(msg->stats, pool->stats);
		break;
	}
}

/* ---- idle connections -------------------------------------------------------------- */

/* An idle connection has nothing to say but its end. */
static bool is_dead(heph_ctx ctx, struct heph_http_parked *parked)
{
	heph_fd fd;
	char byte;
	int n;

	if (heph_fd_take(ctx, parked->stream.fd, &fd) < 0)
		return false; /* no memory: the next time */
	n = heph_socket_recv(ctx, fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (heph_fd_give(ctx, fd, &parked->stream.fd) < 0) {
		heph_close(fd);
		return true;
	}
	return n != -EAGAIN;
}

/* Who has asked could not give it back, and the pool alone has it. */
static bool is_lost(struct heph_http_lease *lease)
{
	return atomic_load_explicit(&lease->refs, memory_order_acquire) == 1;
}

static void reclaim_of(struct heph_http_pool *pool, struct heph_http_host *host)
{
	struct heph_http_lease *lease = TAILQ_FIRST(&host->granted), *next;

	host->pins++;
	for (; lease; lease = next) {
		next = TAILQ_NEXT(lease, link);
		if (is_lost(lease))
			give_granted(pool, lease);
	}
	host->pins--;
	heph_http_host_drop(pool, host);
}

static void reclaim(struct heph_http_pool *pool)
{
	struct heph_http_host *host, *next;

	for (unsigned n = 0; n < HEPH_HTTP_HOSTS; n++)
		for (host = TAILQ_FIRST(&pool->hosts[n]); host; host = next) {
			next = TAILQ_NEXT(host, link);
			reclaim_of(pool, host);
		}
}

static void sweep(struct heph_http_pool *pool)
{
	struct heph_http_lease *lease = TAILQ_FIRST(&pool->idle), *next;
	heph_time now = heph_now();

	for (; lease; lease = next) {
		next = TAILQ_NEXT(lease, all);
		if (too_old(pool, &lease->parked, now))
			heph_http_lease_close_idle(pool, lease,
						   &pool->stats.expired);
		else if (is_dead(pool->ctx, &lease->parked))
			heph_http_lease_close_idle(pool, lease,
						   &pool->stats.dead);
	}
	reclaim(pool);
	serve_waiting(pool);
}

/* ---- life -------------------------------------------------------------------------- */

/* Those that are granted go on; what they will give back is closed then. */
static void end_leases(struct heph_http_pool *pool, struct heph_http_leases *leases)
{
	struct heph_http_lease *lease;

	while ((lease = TAILQ_FIRST(leases))) {
		TAILQ_REMOVE(leases, lease, link);
		if (lease->state == HEPH_HTTP_LEASE_IDLE)
			heph_http_parked_close(&lease->parked);
		heph_http_lease_unref(lease);
	}
}

static void end_host(struct heph_http_pool *pool, struct heph_http_host *host)
{
	TAILQ_REMOVE(&pool->hosts[host->bucket], host, link);
	end_leases(pool, &host->waiting);
	end_leases(pool, &host->granted);
	end_leases(pool, &host->idle);
	free(host);
}

/* The actor ends; the memory itself is the argument's. */
static void end_pool(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_http_pool *pool =
		(void *)((char *)ending -
			 offsetof(struct heph_http_pool, ending));
	struct heph_http_host *host;

	pool->ctx = ctx;
	for (unsigned n = 0; n < HEPH_HTTP_HOSTS; n++)
		while ((host = TAILQ_FIRST(&pool->hosts[n])))
			end_host(pool, host);
	heph_http_jar_fini(&pool->jar);
}

static int begin_pool(heph_ctx ctx, const struct heph_http_pool_arg *arg)
{
	struct heph_http_pool *pool = arg->pool;

	pool->ctx = ctx;
	pool->settings = arg->settings;
	heph_http_jar_init(&pool->jar);
	TAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->waiting);
	for (unsigned n = 0; n < HEPH_HTTP_HOSTS; n++)
		TAILQ_INIT(&pool->hosts[n]);
	return heph_ending_set(ctx, &pool->ending, end_pool);
}

static int pool_main(heph_ctx ctx, heph_http_pool_inbox in,
		     struct heph_http_pool_arg *arg)
{
	struct heph_http_pool_msg msg;
	heph_time when = HEPH_NEVER;
	struct heph_http_pool *pool = arg->pool;
	int which = begin_pool(ctx, arg);

	while (which >= 0) {
		which = heph_wait(ctx, heph_on_msg(in, &msg),
				  heph_on_time(when));
		if (which == 0)
			on_msg(pool, &msg);
		if (which == 1)
			sweep(pool);
		if (TAILQ_EMPTY(&pool->idle) && pool->stats.used_now == 0)
			when = HEPH_NEVER;
		else if (which == 1 || when == HEPH_NEVER)
			when = heph_now() + SWEEP;
	}
	return which;
}

static void pool_drop(struct heph_http_pool_msg *msg)
{
	heph_http_lease_unref(msg->lease);
	free(msg->learned);
}

static void pool_drop_arg(struct heph_http_pool_arg *arg)
{
	heph_http_client_settings_unref(arg->settings);
	free(arg->pool);
}
HEPH_ACTOR_MAIN(heph_http_pool, pool_main, .drop = pool_drop,
		.drop_arg = pool_drop_arg);
