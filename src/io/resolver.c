/* SPDX-License-Identifier: MIT */
/*
 * An operation waits in a queue until the thread takes it and makes a query of
 * it, with memory of its own: c-ares gives up all of its queries or none, so
 * who gives up an operation takes it out of its query, and the query goes on
 * with nobody to tell. When no query has anybody to tell, all are given up.
 *
 * The lock is of the queue, of the states of operations and of what points from
 * a query to its operation. The thread does not hold it while it calls c-ares.
 */
#include "io/resolver.h"

#if HEPH_ARES

#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/heph.h"
#include "io/lookup.h"
#include "io/offload.h"

enum {
	STACK_SIZE = 256 * 1024,
	IDLE_MS = 60 * 1000,
	ASKED_MAX = 100, /* at a time; a server has room for some hundred */
	IN_FLIGHT_MAX = 4096, /* with those that were given up */
	EVENTS_MAX = 16,
	RECEIVE_BUFFER = 1 << 20,
};

enum state { WAITING, ASKED, TAKEN };

struct heph_query {
	struct heph_op *op; /* NULL: it was given up */
	int family;
	const char *service; /* behind the host */
	char host[];
};

static struct {
	pthread_mutex_t lock;
	struct heph_op *first, **end; /* that wait */
	unsigned asked;               /* queries that have an operation */
	bool running;                 /* or has ended, and is not joined */
	bool ended, quit;
	pthread_t thread;
	int event; /* it is written to when the thread shall look */
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = &resolver.first };

/* The thread's own. */
static struct {
	ares_channel channel; /* NULL: there is none */
	int epoll;
	unsigned in_flight; /* queries */
	struct stat conf;   /* what the channel was made by */
} asker;

static pthread_mutex_t life_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned runtimes;

/* ---- under the lock --------------------------------------------------------------- */

static void push(struct heph_op *op)
{
	op->offload.next = NULL;
	op->offload.state = WAITING;
	*resolver.end = op;
	resolver.end = &op->offload.next;
}

static void take_out(struct heph_op *op)
{
	struct heph_op **link = &resolver.first;

	while (*link != op)
		link = &(*link)->offload.next;
	*link = op->offload.next;
	if (resolver.end == &op->offload.next)
		resolver.end = link;
}

static void signal_thread(void)
{
	uint64_t one = 1;
	ssize_t n = write(resolver.event, &one, sizeof(one));

	(void)n; /* it can only be that it is signalled already */
}

/* ---- answers ------------------------------------------------------------------------ */

/* On the thread of the operation. */
static void on_done(struct heph_event *event)
{
	struct heph_op *op =
		heph_container_of(event, struct heph_op, offload.event);

	heph_op_complete(op, op->result, -1, false);
}

static void answer(struct heph_op *op, int result)
{
	op->result = result;
	op->offload.event.fn = on_done;
	heph_offload_give_back(op);
}

static int error_of(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return -ENOENT;
	case ARES_ENODATA:
		return -ENODATA;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_EBADNAME:
	case ARES_ESERVICE:
	case ARES_EBADSTR:
		return -EINVAL;
	case ARES_ENOMEM:
		return -ENOMEM;
	case ARES_EFORMERR:
	case ARES_EBADRESP:
	case ARES_EBADQUERY:
		return -EPROTO;
	default: /* it fails, refuses, or is not there */
		return -EREMOTEIO;
	}
}

static bool is_address(const struct ares_addrinfo_node *node)
{
	return (node->ai_family == AF_INET || node->ai_family == AF_INET6) &&
	       node->ai_addrlen <= sizeof(struct sockaddr_storage);
}

/* Returns how many; -ENODATA. */
static int copy_found(struct heph_lookup *lookup,
		      const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node;
	struct heph_address *to = lookup->found;
	unsigned n = 0;

	for (node = info->nodes; node && n < lookup->max;
	     node = node->ai_next) {
		if (!is_address(node))
			continue;
		to[n] = (struct heph_address){ .size = node->ai_addrlen };
		memcpy(&to[n].storage, node->ai_addr, node->ai_addrlen);
		n++;
	}
	return n ? (int)n : -ENODATA;
}

/* The operation, for the thread alone; NULL: it was given up. */
static struct heph_op *claim(struct heph_query *query)
{
	struct heph_op *op;

	pthread_mutex_lock(&resolver.lock);
	op = query->op;
	if (op) {
		op->offload.state = TAKEN;
		resolver.asked--;
	}
	pthread_mutex_unlock(&resolver.lock);
	return op;
}

/* Called by c-ares, once for each query. */
static void on_answer(void *arg, int status, int timeouts,
		      struct ares_addrinfo *info)
{
	struct heph_query *query = arg;
	struct heph_op *op = claim(query);

	(void)timeouts;
	asker.in_flight--;
	heph_mem_free(query);
	if (op)
		answer(op, status == ARES_SUCCESS ?
				   copy_found(heph_lookup_of(op), info) :
				   error_of(status));
	ares_freeaddrinfo(info);
}

/* ---- the channel ---------------------------------------------------------------------- */

/* Called by c-ares. */
static void on_socket(void *unused, ares_socket_t number, int readable,
		      int writable)
{
	struct epoll_event event = { .data.fd = number };

	(void)unused;
	if (readable)
		event.events |= EPOLLIN;
	if (writable)
		event.events |= EPOLLOUT;
	if (!event.events)
		epoll_ctl(asker.epoll, EPOLL_CTL_DEL, number, NULL);
	else if (epoll_ctl(asker.epoll, EPOLL_CTL_MOD, number, &event) < 0)
		epoll_ctl(asker.epoll, EPOLL_CTL_ADD, number, &event);
}

static void look_at_conf(struct stat *ret_conf)
{
	if (stat("/etc/resolv.conf", ret_conf) < 0)
		memset(ret_conf, 0, sizeof(*ret_conf));
}

static bool conf_changed(void)
{
	struct stat now;

	look_at_conf(&now);
	return now.st_ino != asker.conf.st_ino ||
	       now.st_mtim.tv_sec != asker.conf.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != asker.conf.st_mtim.tv_nsec;
}

static void close_channel(void)
{
	if (asker.channel)
		ares_destroy(asker.channel);
	asker.channel = NULL;
}

static int choose_servers(void)
{
	const char *servers = secure_getenv("HEPH_DNS_SERVERS");

	if (!servers || !*servers)
		return ARES_SUCCESS;
	return ares_set_servers_ports_csv(asker.channel, servers);
}

/* A status of c-ares. */
static int open_channel(void)
{
	struct ares_options options = {
		.sock_state_cb = on_socket,
		.socket_receive_buffer_size = RECEIVE_BUFFER,
	};
	int status;

	look_at_conf(&asker.conf);
	status = ares_init_options(&asker.channel, &options,
				   ARES_OPT_SOCK_STATE_CB |
					   ARES_OPT_SOCK_RCVBUF);
	if (status != ARES_SUCCESS) {
		asker.channel = NULL;
		return status;
	}
	status = choose_servers();
	if (status == ARES_SUCCESS)
		return status;
	heph_log_error("HEPH_DNS_SERVERS is no list of addresses",
		       HEPH_KV_STR("why", ares_strerror(status)));
	close_channel();
	return status;
}

/* One that knows what resolv.conf(5) says now. */
static int renew_channel(void)
{
	if (asker.channel && !asker.in_flight && conf_changed())
		close_channel();
	return asker.channel ? ARES_SUCCESS : open_channel();
}

/* ---- asking ----------------------------------------------------------------------------- */

static struct heph_query *make_query(struct heph_op *op)
{
	const struct heph_lookup *lookup = heph_lookup_of(op);
	size_t host = strlen(lookup->host) + 1;
	size_t service = strlen(lookup->service) + 1;
	struct heph_query *query =
		heph_mem_alloc_raw(sizeof(*query) + host + service);

	if (!query)
		return NULL;
	query->op = op;
	query->family = lookup->family;
	memcpy(query->host, lookup->host, host);
	query->service = memcpy(query->host + host, lookup->service, service);
	return query;
}

/* The first that waits becomes a query; NULL: none does, or it was refused. */
static struct heph_query *next_query(void)
{
	struct heph_op *op;
	struct heph_query *query = NULL;

	pthread_mutex_lock(&resolver.lock);
	op = resolver.first;
	if (op) {
		take_out(op);
		query = make_query(op);
		heph_lookup_of(op)->query = query;
		op->offload.state = query ? ASKED : TAKEN;
		resolver.asked += query != NULL;
	}
	pthread_mutex_unlock(&resolver.lock);
	if (op && !query)
		answer(op, -ENOMEM);
	return query;
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

/* It may be answered before this returns. */
static void ask(struct heph_query *query)
{
	struct ares_addrinfo_hints hints = { .ai_family = query->family,
					     .ai_socktype = SOCK_STREAM };
	int status = renew_channel();

	asker.in_flight++;
	if (status != ARES_SUCCESS) {
		on_answer(query, status, 0, NULL);
		return;
	}
	if (is_number(query->service))
		hints.ai_flags |= ARES_AI_NUMERICSERV;
	if (secure_getenv("CARES_HOSTS")) /* instead of /etc/hosts */
		hints.ai_flags |= ARES_AI_ENVHOSTS;
	ares_getaddrinfo(asker.channel, query->host,
			 *query->service ? query->service : NULL, &hints,
			 on_answer, query);
}

/* ---- the thread --------------------------------------------------------------------------- */

/* Whether one waits, and it is its turn. */
static bool any_waits(void)
{
	bool any;

	pthread_mutex_lock(&resolver.lock);
	any = resolver.first && resolver.asked < ASKED_MAX;
	pthread_mutex_unlock(&resolver.lock);
	return any && asker.in_flight < IN_FLIGHT_MAX;
}

static void ask_waiting(void)
{
	struct heph_query *query;

	while (any_waits())
		if ((query = next_query()))
			ask(query);
}

/* Queries that nobody waits for are not asked again and again. */
static void give_up(void)
{
	bool all;

	pthread_mutex_lock(&resolver.lock);
	all = !resolver.asked;
	pthread_mutex_unlock(&resolver.lock);
	if (all && asker.in_flight)
		ares_cancel(asker.channel);
}

/* In milliseconds, not too early. */
static int patience(void)
{
	struct timeval buf, *next;

	if (!asker.in_flight)
		return IDLE_MS;
	next = ares_timeout(asker.channel, NULL, &buf);
	return next ? (int)(next->tv_sec * 1000 + next->tv_usec / 1000 + 1) :
		      IDLE_MS;
}

static void on_event(const struct epoll_event *event)
{
	int number = event->data.fd;
	bool both = event->events & (EPOLLERR | EPOLLHUP);
	uint64_t value;
	ssize_t n;

	if (number == resolver.event) {
		n = read(number, &value, sizeof(value));
		(void)n;
	} else if (asker.channel) {
		ares_process_fd(
			asker.channel,
			both || (event->events & EPOLLIN) ? number :
							    ARES_SOCKET_BAD,
			both || (event->events & EPOLLOUT) ? number :
							     ARES_SOCKET_BAD);
	}
}

/* Whether there was nothing to do, all the time. */
static bool sleep_and_process(void)
{
	struct epoll_event events[EVENTS_MAX];
	bool idle = !asker.in_flight;
	int n = epoll_wait(asker.epoll, events, EVENTS_MAX, patience());

	for (int i = 0; i < n; i++)
		on_event(&events[i]);
	if (asker.in_flight) /* some may be late */
		ares_process_fd(asker.channel, ARES_SOCKET_BAD,
				ARES_SOCKET_BAD);
	return idle && n == 0;
}

/* Whether the thread shall end; nobody wakes it after that. */
static bool over(bool idle)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.ended = resolver.quit ||
			 (idle && !resolver.first && !asker.in_flight);
	pthread_mutex_unlock(&resolver.lock);
	return resolver.ended;
}

static int open_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.fd = resolver.event };

	asker.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (asker.epoll < 0)
		return -errno;
	if (epoll_ctl(asker.epoll, EPOLL_CTL_ADD, resolver.event, &event) == 0)
		return 0;
	close(asker.epoll);
	return -errno;
}

static void *work(void *unused)
{
	bool idle = false;

	(void)unused;
	pthread_setname_np(pthread_self(), "heph-resolver");
	while (!over(idle)) {
		give_up();
		ask_waiting();
		idle = sleep_and_process();
	}
	close_channel();
	close(asker.epoll);
	return NULL;
}

/* ---- its life --------------------------------------------------------------------------------- */

static void init_library(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

static int start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int err;

	pthread_once(&once, init_library);
	resolver.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver.event < 0)
		return -errno;
	err = open_epoll();
	if (err < 0)
		goto fail_epoll;
	resolver.ended = resolver.quit = false;
	err = heph_helper_start(&resolver.thread, STACK_SIZE, work, NULL);
	if (err < 0)
		goto fail_thread;
	resolver.running = true;
	return 0;

fail_thread:
	close(asker.epoll);
fail_epoll:
	close(resolver.event);
	return err;
}

static void join(void)
{
	pthread_join(resolver.thread, NULL);
	close(resolver.event);
	resolver.running = false;
}

/* Under the lock, which a thread that has ended does not take any more. */
static int ensure_thread(void)
{
	if (resolver.running && resolver.ended)
		join();
	return resolver.running ? 0 : start();
}

void heph_resolver_enter(void)
{
	pthread_mutex_lock(&life_lock);
	runtimes++;
	pthread_mutex_unlock(&life_lock);
}

void heph_resolver_leave(void)
{
	bool last;

	pthread_mutex_lock(&life_lock);
	last = --runtimes == 0 && resolver.running;
	if (last) {
		pthread_mutex_lock(&resolver.lock);
		resolver.quit = true;
		signal_thread();
		pthread_mutex_unlock(&resolver.lock);
		join();
	}
	pthread_mutex_unlock(&life_lock);
}

/* ---- the interface ------------------------------------------------------------------------------ */

void heph_resolver_begin(struct heph_op *op)
{
	int err;

	pthread_mutex_lock(&resolver.lock);
	err = ensure_thread();
	if (err == 0) {
		push(op);
		signal_thread();
	}
	pthread_mutex_unlock(&resolver.lock);
	if (err < 0)
		heph_op_complete(op, err, -1, false);
}

/* Under the lock. Whether it is the caller's now. */
static bool take_back(struct heph_op *op)
{
	switch (op->offload.state) {
	case WAITING:
		take_out(op);
		return true;
	case ASKED:
		heph_lookup_of(op)->query->op = NULL;
		if (--resolver.asked == 0)
			signal_thread();
		return true;
	default:
		return false;
	}
}

void heph_resolver_cancel(struct heph_op *op)
{
	bool mine;

	pthread_mutex_lock(&resolver.lock);
	mine = take_back(op);
	pthread_mutex_unlock(&resolver.lock);
	if (mine)
		heph_op_complete(op, -ECANCELED, -1, false);
}

#endif
