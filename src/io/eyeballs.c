/* SPDX-License-Identifier: MIT */
/*
 * Who runs the race is the actor itself: it has several operations in flight,
 * looks what has become of them whenever one has ended, and waits again. The
 * operations lie in the pool; the record of the race is on the actor's stack,
 * because nobody else looks at it.
 *
 * An attempt is a socket and the operation that connects it. Where the actor
 * makes the system calls itself (op.h), it is asked again when the socket is
 * ready, of which a worker is told by a poll, a plain thread by poll(2).
 */
#include "io/eyeballs.h"

#include <heph/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#include "core/wait.h"
#include "io/driver.h"
#include "io/lookup.h"
#include "io/socket.h"

#define ATTEMPT_DELAY (250 * HEPH_MSEC)
#define RESOLUTION_DELAY (50 * HEPH_MSEC)
#define SLICE (100 * HEPH_MSEC) /* of a plain thread */

enum {
	V6,
	V4,
	FAMILIES,
	ADDRESSES_MAX = 16, /* of a family */
	ATTEMPTS_MAX = 8,   /* at a time */
};

struct attempt {
	struct heph_fd fd; /* the actor's, before it waits */
	int number;
	struct heph_op *op;   /* that connects it */
	struct heph_op *poll; /* in flight, of a worker that does it itself */
};

/* The addresses of a family. */
struct family {
	struct heph_op *lookup; /* NULL: there is none, or it was known */
	const struct heph_address *addresses;
	struct heph_address known;
	unsigned n, next;
	int err;
};

struct race {
	heph_ctx ctx;
	bool by_itself;
	struct family families[FAMILIES];
	struct attempt attempts[ATTEMPTS_MAX];
	unsigned n;            /* of them */
	bool begun;            /* there was an attempt */
	int last;              /* the family of the latest one */
	heph_time next;        /* when there may be another one */
	struct heph_fd winner; /* { 0 }: none so far */
	int number;            /* of it */
	int err;               /* of attempts that failed */
};

/* ---- addresses --------------------------------------------------------------- */

static const int family_numbers[] = { [V6] = AF_INET6, [V4] = AF_INET };

static int begin_lookup(struct race *race, int which, const char *host,
			const char *service)
{
	struct family *family = &race->families[which];
	int n = heph_lookup_known(host, service, family_numbers[which],
				  &family->known, 1);

	if (n != -EAGAIN) {
		family->addresses = &family->known;
		family->n = n < 0 ? 0 : (unsigned)n;
		family->err = n < 0 ? n : 0;
		return 0;
	}
	n = heph_lookup_new(race->ctx, host, service, family_numbers[which],
			    ADDRESSES_MAX, &family->lookup);
	if (n < 0)
		return n;
	family->err = -EAGAIN;
	heph_op_start(family->lookup);
	return 0;
}

/* Whether it has been asked for, and there is no answer. */
static bool is_asked(const struct family *family)
{
	return family->err == -EAGAIN;
}

static bool has_more(const struct family *family)
{
	return family->next < family->n;
}

/* If it has come now: without IPv6, IPv4 waits a little. */
static void look_at_lookup(struct race *race, struct family *family)
{
	struct heph_op *op = family->lookup;

	if (!is_asked(family) || !op->done)
		return;
	family->err = op->result < 0 ? op->result : 0;
	family->n = op->result < 0 ? 0 : (unsigned)op->result;
	family->addresses = heph_lookup_of(op)->found;
	if (!race->begun && family->n)
		race->next = heph_now() + RESOLUTION_DELAY;
}

static void look_at_lookups(struct race *race)
{
	for (int i = 0; i < FAMILIES; i++)
		look_at_lookup(race, &race->families[i]);
	if (!race->begun && !is_asked(&race->families[V6]))
		race->next = 0;
}

/* The next one in turn; NULL: there is none at the moment. */
static const struct heph_address *next_address(struct race *race)
{
	struct family *family = &race->families[!race->last];

	if (!has_more(family))
		family = &race->families[race->last];
	if (!has_more(family))
		return NULL;
	race->last = (int)(family - race->families);
	return &family->addresses[family->next++];
}

static bool any_address(const struct race *race)
{
	return has_more(&race->families[V6]) || has_more(&race->families[V4]);
}

/* ---- attempts ------------------------------------------------------------------- */

/* Says that an address cannot be reached from here, which is no news if another
 * one could be. */
static bool unreachable(int err)
{
	return err == -ENETUNREACH || err == -EAFNOSUPPORT ||
	       err == -EADDRNOTAVAIL || err == -EHOSTUNREACH;
}

/* The next one need not wait. */
static void note_failure(struct race *race, int err)
{
	if (!race->err || !unreachable(err))
		race->err = err;
	race->next = 0;
}

static struct heph_op *make_connect(struct race *race, int number,
				    const struct heph_address *address)
{
	struct heph_op *op =
		heph_op_make(race->ctx.self, HEPH_OP_CONNECT, NULL);

	if (!op)
		return NULL;
	op->buf = heph_op_room(op, address->size);
	if (!op->buf) {
		heph_op_free(op);
		return NULL;
	}
	memcpy(op->buf, &address->storage, address->size);
	op->number = number;
	op->size = address->size;
	return op;
}

static int open_socket(struct race *race, struct attempt *attempt, int family)
{
	struct heph_self *self = race->ctx.self;
	int type = race->by_itself ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_STREAM;
	int err;

	attempt->number = heph_socket_make(self, family, type, 0);
	err = heph_file_admit(self, attempt->number, HEPH_FILE_SOCKET,
			      &attempt->fd);
	if (err < 0)
		return err;
	err = heph_socket_set_int(self, attempt->number, IPPROTO_TCP,
				  TCP_NODELAY, 1);
	if (err < 0)
		heph_close(attempt->fd);
	return err;
}

static int begin_poll(struct race *race, struct attempt *attempt)
{
	if (!race->ctx.self->kind)
		return 0;
	attempt->poll = heph_op_make(race->ctx.self, HEPH_OP_POLL, NULL);
	if (!attempt->poll)
		return -ENOMEM;
	attempt->poll->number = attempt->number;
	attempt->poll->events = POLLOUT;
	heph_op_start(attempt->poll);
	return 0;
}

/* 0: it is connected; -EAGAIN; an error. */
static int ask_itself(struct race *race, struct attempt *attempt)
{
	int result, err;

	do {
		result = heph_op_type(attempt->op)->attempt(attempt->op);
	} while (result == -EINTR);
	if (result != -EAGAIN)
		return result;
	err = begin_poll(race, attempt);
	return err < 0 ? err : -EAGAIN;
}

/* The same, of one that has begun. */
static int ask_again(struct race *race, struct attempt *attempt)
{
	if (!race->by_itself)
		return attempt->op->done ? attempt->op->result : -EAGAIN;
	if (attempt->poll && !attempt->poll->done)
		return -EAGAIN;
	if (attempt->poll)
		heph_op_free(attempt->poll);
	attempt->poll = NULL;
	return ask_itself(race, attempt);
}

/* It is over; nothing of it is in flight. Takes the last one to its place. */
static void end_attempt(struct race *race, struct attempt *attempt, int result)
{
	if (result == 0 && heph_fd_none(race->winner)) {
		race->winner = attempt->fd;
		race->number = attempt->number;
	} else {
		if (result < 0 && result != -ECANCELED)
			note_failure(race, result);
		heph_close(attempt->fd);
	}
	heph_op_free(attempt->op);
	*attempt = race->attempts[--race->n];
}

static void look_at_attempts(struct race *race)
{
	int result;

	for (unsigned i = race->n; i-- > 0;) {
		result = ask_again(race, &race->attempts[i]);
		if (result != -EAGAIN)
			end_attempt(race, &race->attempts[i], result);
	}
}

static int begin_attempt(struct race *race, const struct heph_address *address)
{
	struct attempt *attempt = &race->attempts[race->n];
	int result;

	*attempt = (struct attempt){ 0 };
	result = open_socket(race, attempt, address->storage.ss_family);
	if (result < 0)
		return result;
	attempt->op = make_connect(race, attempt->number, address);
	if (!attempt->op) {
		heph_close(attempt->fd);
		return -ENOMEM;
	}
	race->n++;
	race->next = heph_now() + ATTEMPT_DELAY;
	if (!race->by_itself) {
		heph_op_start(attempt->op);
		return 0;
	}
	result = ask_itself(race, attempt);
	if (result != -EAGAIN)
		end_attempt(race, attempt, result);
	return 0;
}

/* Begins those whose time has come. */
static void begin_attempts(struct race *race)
{
	const struct heph_address *address;
	int err;

	while (heph_fd_none(race->winner) && race->n < ATTEMPTS_MAX &&
	       (!race->next || heph_now() >= race->next) &&
	       (address = next_address(race))) {
		race->begun = true;
		err = begin_attempt(race, address);
		if (err < 0)
			note_failure(race, err);
	}
}

/* ---- waiting ----------------------------------------------------------------------- */

static bool is_over(const struct race *race)
{
	return !heph_fd_none(race->winner) || (!race->n && !any_address(race) &&
					       !is_asked(&race->families[V6]) &&
					       !is_asked(&race->families[V4]));
}

/* When something is to be done that no operation tells of. */
static heph_time next_turn(const struct race *race)
{
	return any_address(race) && race->n < ATTEMPTS_MAX ? race->next :
							     HEPH_NEVER;
}

/* A plain thread: for a socket, or a slice. */
static void poll_sockets(struct race *race, heph_time length)
{
	struct pollfd fds[ATTEMPTS_MAX];
	struct timespec timeout = { .tv_nsec = length };

	if (length <= 0)
		return;
	for (unsigned i = 0; i < race->n; i++)
		fds[i] = (struct pollfd){ .fd = race->attempts[i].number,
					  .events = POLLOUT };
	ppoll(fds, race->n, &timeout, NULL);
}

static int wait_thread(struct race *race, heph_time until)
{
	struct heph_thread *thread = race->ctx.self->thread;
	heph_time now = heph_now(), deadline = heph_deadline(race->ctx);
	heph_time left = until - now;

	if (deadline <= now)
		return -ETIME;
	if (left > deadline - now)
		left = deadline - now;
	poll_sockets(race, left < SLICE ? left : SLICE);
	heph_thread_open_door(thread);
	return atomic_load(&thread->heph->abandon) ? -ECANCELED : 0;
}

/* Some operations have ended as soon as they have begun. */
static bool any_ended(const struct race *race)
{
	const struct heph_op *op;

	for (int i = 0; i < FAMILIES; i++)
		if (is_asked(&race->families[i]) &&
		    race->families[i].lookup->done)
			return true;
	for (unsigned i = 0; i < race->n; i++) {
		op = race->by_itself ? race->attempts[i].poll :
				       race->attempts[i].op;
		if (op && op->done)
			return true;
	}
	return false;
}

/* 0; -ETIME, -ECANCELED. */
static int wait_turn(struct race *race)
{
	heph_time until = next_turn(race);
	int err;

	if (any_ended(race))
		return 0;
	if (!race->ctx.self->kind && race->n)
		return wait_thread(race, until);
	err = heph_wait_for(heph_until(race->ctx, until), HEPH_WAIT_OP);
	return err == -ETIME && until < heph_deadline(race->ctx) ? 0 : err;
}

/* ---- the end ------------------------------------------------------------------------- */

static void cancel(struct heph_op *op)
{
	if (op && !op->done)
		heph_op_cancel(op);
}

/* The operation may have been done before it was given up. */
static int end_of(struct race *race, struct attempt *attempt)
{
	if (!race->by_itself) {
		heph_op_await(attempt->op);
		return attempt->op->result;
	}
	if (attempt->poll) {
		heph_op_await(attempt->poll);
		heph_op_free(attempt->poll);
	}
	return -ECANCELED;
}

/* All are given up before the first is waited for. */
static void end_attempts(struct race *race)
{
	struct attempt *last;

	for (unsigned i = 0; i < race->n; i++) {
		cancel(race->by_itself ? race->attempts[i].poll :
					 race->attempts[i].op);
	}
	while (race->n) {
		last = &race->attempts[race->n - 1];
		end_attempt(race, last, end_of(race, last));
	}
}

static void end_lookups(struct race *race)
{
	struct heph_op *op;

	for (int i = 0; i < FAMILIES; i++) {
		op = race->families[i].lookup;
		if (!op)
			continue;
		cancel(op);
		heph_op_await(op);
		heph_op_free(op);
	}
}

/* Why there is no address, if there is none: the answer for one family may say
 * less than that for the other. */
static int lookup_error(const struct race *race)
{
	int a = race->families[V6].err, b = race->families[V4].err;

	if (a == -ENOENT || (a == -ENODATA && b != -ENOENT))
		return b;
	return a;
}

static int result_of(struct race *race, int err, struct heph_fd *ret_fd)
{
	if (heph_fd_none(race->winner) && err < 0)
		return err;
	if (heph_fd_none(race->winner))
		return race->err ? race->err : lookup_error(race);
	err = race->by_itself ?
		      heph_socket_set_status(race->ctx.self, race->number, 0) :
		      0;
	if (err < 0)
		heph_close(race->winner);
	else
		*ret_fd = race->winner;
	return err;
}

/* ---- all of it --------------------------------------------------------------------------- */

static int run(struct race *race)
{
	int err = 0;

	for (;;) {
		look_at_lookups(race);
		look_at_attempts(race);
		if (err == 0)
			begin_attempts(race);
		if (err < 0 || is_over(race))
			return err;
		err = wait_turn(race);
	}
}

static int connect_host(heph_ctx ctx, const char *host, const char *service,
			struct heph_fd *ret_fd)
{
	bool readiness = heph_io_of(ctx.self->thread->heph)->by_readiness;
	struct race race = { .ctx = ctx,
			     .by_itself = !ctx.self->kind || readiness,
			     .last = V4 };
	int err = begin_lookup(&race, V6, host, service);

	if (err == 0)
		err = begin_lookup(&race, V4, host, service);
	if (err == 0)
		err = run(&race);
	end_attempts(&race);
	end_lookups(&race);
	return result_of(&race, err, ret_fd);
}

/* "example.org:80" */
int heph_eyeballs_connect(heph_ctx ctx, const char *text,
			  struct heph_fd *ret_fd)
{
	const char *colon = strrchr(text, ':');
	char host[HEPH_HOST_MAX + 1];
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (n == 0 || n > HEPH_HOST_MAX || !colon[1] ||
	    strcspn(text, ":[]") < n)
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	return connect_host(ctx, host, colon + 1, ret_fd);
}
