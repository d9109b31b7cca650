/* SPDX-License-Identifier: MIT */
/* Streams whose halves are used by two actors: heph_stream_split(). */
#include "tls.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 31 + (at >> 11));
}

static char *make_bytes(size_t from, size_t n)
{
	char *bytes = malloc(n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)byte_at(from + i);
	return bytes;
}

/* Reads until the end, which is after so many bytes. */
static void read_bytes(heph_ctx ctx, struct heph_stream *stream, size_t size)
{
	size_t at = 0;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0)
		for (int i = 0; i < n; i++, at++)
			must((unsigned char)data[i] == byte_at(at));
	must_be(n, 0);
	must_be(at, size);
}

/* ---- who writes: an actor for the other half ------------------------------------------------ */

struct writer {
	struct heph_stream_handle handle;
	size_t size, step; /* what it writes, and how much at a time */
	bool ends;         /* says so at the end; else it just closes */
	bool forgets;      /* to close it */
	int result;        /* of what failed */
	_Atomic bool *go;  /* waits until then, if it is one */
};

static int write_bytes(heph_ctx ctx, void *arg)
{
	struct writer *writer = arg;
	struct heph_stream stream;

	must_be(heph_stream_take(ctx, &writer->handle, &stream), 0);
	while (writer->go && !*writer->go)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	writer->result = 0;
	for (size_t at = 0; writer->result == 0 && at < writer->size;
	     at += writer->step) {
		size_t left = writer->size - at;
		size_t n = left < writer->step ? left : writer->step;
		char *bytes = make_bytes(at, n);
		struct iovec piece = { bytes, n };

		writer->result = heph_stream_write(ctx, &stream, &piece, 1);
		free(bytes);
	}
	if (writer->result == 0 && writer->ends)
		writer->result = heph_stream_end(ctx, &stream);
	if (!writer->forgets)
		heph_stream_close(ctx, &stream);
	return 0;
}

static struct writer *new_writer(size_t size, size_t step)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	*writer = (struct writer){ .size = size, .step = step, .ends = true };
	return writer;
}

/* ---- much, both ways at once ------------------------------------------------------------------ */

/* Buffers smaller than a packet of loopback would be slow, as TCP then waits. */
enum { MUCH = 10 << 20, STEP = 200 * 1000, SMALL = 128 * 1024 };

static void make_small(heph_ctx ctx, heph_fd fd)
{
	must_be(heph_socket_set(ctx, fd, HEPH_SOCKET_SEND_BUFFER, SMALL), 0);
	must_be(heph_socket_set(ctx, fd, HEPH_SOCKET_RECEIVE_BUFFER, SMALL), 0);
}

/* As many bytes out as in; `arg` is how many. */
static int swap(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	size_t size = *(size_t *)arg;
	struct writer *writer = new_writer(size, STEP);
	task_ref task;

	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	task = start_task(ctx, write_bytes, writer);
	read_bytes(ctx, stream, size);
	end_task(ctx, task);
	must_be(writer->result, 0);
	free(writer);
	return 0;
}

static struct both *new_pair(end_fn server, end_fn client, void *arg)
{
	struct both *both = new_both(new_server(), new_client());

	both->server.fn = server;
	both->client.fn = client;
	both->server.arg = both->client.arg = arg;
	return both;
}

static void run_pair(heph_ctx ctx, end_fn server, end_fn client, void *arg)
{
	struct both *both = new_pair(server, client, arg);

	run_both(ctx, both);
	must_work(both);
	heph_tls_free(both->server.tls);
	heph_tls_free(both->client.tls);
	free(both);
}

static int swap_small(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	make_small(ctx, stream->fd);
	return swap(ctx, stream, arg);
}

static int much(heph_ctx ctx, void *arg)
{
	static size_t size = MUCH;

	run_pair(ctx, swap_small, swap_small, &size);
	return 0;
}

static int less(heph_ctx ctx, void *arg)
{
	static size_t size = MUCH / 10;

	run_pair(ctx, swap, swap, &size);
	return 0;
}

static void carry_megabytes_both_ways_at_once(void **state)
{
	run_task_on(1, much, NULL);
	run_simulated(less, 4);
}

/* One actor cannot: it waits for room, and so does its peer, until one of them has
 * had enough. */
static int write_all_first(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *bytes = make_bytes(0, MUCH);
	struct iovec piece = { bytes, MUCH };
	int err;

	make_small(ctx, stream->fd);
	err = heph_stream_write(heph_within(ctx, 100 * HEPH_MSEC), stream, &piece,
				1);
	must(err == -ETIME || err == -ECONNRESET || err == -EPIPE);
	free(bytes);
	return 0;
}

static int stuck(heph_ctx ctx, void *arg)
{
	run_pair(ctx, write_all_first, write_all_first, NULL);
	return 0;
}

static void do_what_one_actor_cannot(void **state)
{
	run_task(stuck);
}

/* ---- the same without protection ---------------------------------------------------------------- */

struct plain {
	struct heph_fd_handle fd;
	size_t size;
};

static int swap_plain(heph_ctx ctx, void *arg)
{
	struct plain *plain = arg;
	struct heph_stream stream = { .type = NULL };

	must_be(heph_fd_take(ctx, plain->fd, &stream.fd), 0);
	must_be(swap(ctx, &stream, &plain->size), 0);
	heph_stream_close(ctx, &stream);
	return 0;
}

static void run_plain(heph_ctx ctx, size_t size)
{
	struct plain *sides = calloc(2, sizeof(*sides));
	struct end *end = calloc(1, sizeof(*end));
	heph_fd fd = give_other(ctx, end);
	task_ref tasks[2];

	must_be(heph_fd_give(ctx, fd, &sides[0].fd), 0);
	sides[1].fd = end->fd;
	sides[0].size = sides[1].size = size;
	for (int i = 0; i < 2; i++)
		tasks[i] = start_task(ctx, swap_plain, &sides[i]);
	for (int i = 0; i < 2; i++)
		end_task(ctx, tasks[i]);
	free(sides);
	free(end);
}

static int plain(heph_ctx ctx, void *arg)
{
	run_plain(ctx, MUCH);
	return 0;
}

static int less_plain(heph_ctx ctx, void *arg)
{
	run_plain(ctx, MUCH / 10);
	return 0;
}

static void may_be_plain(void **state)
{
	run_task(plain);
	run_simulated(less_plain, 5);
}

/* ---- who closes first ------------------------------------------------------------------------------ */

enum { SOME = 300 * 1000 };

/* Splits, and lets an actor write nothing and close. */
static int leave_writing(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct writer *writer = new_writer(0, 1);
	task_ref task;

	writer->ends = false;
	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	task = start_task(ctx, write_bytes, writer);
	end_task(ctx, task);
	read_bytes(ctx, stream, SOME);
	free(writer);
	return 0;
}

static int only_write(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *bytes = make_bytes(0, SOME);
	struct iovec piece = { bytes, SOME };
	int err = heph_stream_write(ctx, stream, &piece, 1);
	char *data;

	free(bytes);
	if (err == 0)
		err = heph_stream_end(ctx, stream);
	must(heph_stream_read(ctx, stream, &data) <= 0); /* until it closes */
	return err;
}

/* Splits, closes its half, and lets an actor write. Nothing is left unread, which
 * would reset the connection. */
static int leave_reading(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct writer *writer = new_writer(SOME, 7000);
	task_ref task;
	char *data;

	must_be(heph_stream_read(ctx, stream, &data), 1);
	writer->go = arg;
	atomic_store(writer->go, false);
	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	task = start_task(ctx, write_bytes, writer);
	let_run(ctx);
	heph_stream_close(ctx, stream);
	atomic_store(writer->go, true);
	end_task(ctx, task);
	must_be(writer->result, 0);
	free(writer);
	return 0;
}

static int only_read(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	must_be(write_text(ctx, stream, "x"), 0);
	read_bytes(ctx, stream, SOME);
	return 0;
}

static int closing(heph_ctx ctx, void *arg)
{
	static _Atomic bool go;

	run_pair(ctx, leave_writing, only_write, NULL);
	run_pair(ctx, only_write, leave_writing, NULL);
	run_pair(ctx, only_read, leave_reading, &go);
	run_pair(ctx, leave_reading, only_read, &go);
	return 0;
}

static void may_be_closed_one_by_one(void **state)
{
	run_task(closing);
	run_simulated(closing, 6);
}

/* ---- peers that go ------------------------------------------------------------------------------------ */

/* The peer goes with something unread: both halves are told. */
static int must_be_reset(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct writer *writer = new_writer(MUCH, STEP);
	task_ref task;
	char *data;
	int err;

	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	task = start_task(ctx, write_bytes, writer);
	do
		err = heph_stream_read(ctx, stream, &data);
	while (err > 0);
	must_be(err, -ECONNRESET);
	end_task(ctx, task);
	must(writer->result == -ECONNRESET || writer->result == -EPIPE);
	free(writer);
	return 0;
}

static int reset(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char *data;

	must(heph_stream_read(ctx, stream, &data) > 0);
	must_be(setsockopt(heph_fd_number(ctx, stream->fd), SOL_SOCKET, SO_LINGER,
			   &now, sizeof(now)),
		0);
	return 0;
}

static int resets(heph_ctx ctx, void *arg)
{
	run_pair(ctx, must_be_reset, reset, NULL);
	run_pair(ctx, reset, must_be_reset, NULL);
	return 0;
}

static void are_both_told_of_a_reset(void **state)
{
	run_task(resets);
}

/* ---- what they do not do ---------------------------------------------------------------------------------- */

static int misuse(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct iovec piece = { (void *)(uintptr_t)"x", 1 };
	struct heph_stream_handle handle = { .type = NULL }, more;
	struct heph_stream writer;
	struct heph_tls_info info;
	char *data;
	int err;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	must_be(heph_stream_split(ctx, stream, &more), -EINVAL);
	must_be(heph_stream_write(ctx, stream, &piece, 1), -EINVAL);
	must(strstr(heph_tls_error_text(), "other half"));
	must_be(heph_stream_end(ctx, stream), -EINVAL);
	must_be(heph_stream_take(ctx, &handle, &writer), 0); /* here, too */
	must_be(heph_stream_split(ctx, &writer, &more), -EINVAL);
	must_be(heph_stream_read(ctx, &writer, &data), -EINVAL);
	heph_stream_unread(ctx, &writer);
	must(!heph_stream_direct(stream) && !heph_stream_direct(&writer));
	must_be(heph_tls_info(stream, &info), 0);
	must_be(info.version, HEPH_TLS_1_3);
	must_be(heph_tls_info(&writer, &info), 0);
	must_be(info.version, HEPH_TLS_1_3);
	/* and on they go, from hand to hand */
	must_be(heph_stream_give(ctx, &writer, &handle), 0);
	must_be(heph_stream_take(ctx, &handle, &writer), 0);
	must_be(heph_stream_write(ctx, &writer, &piece, 1), 0);
	must_be(heph_stream_write(ctx, &writer, NULL, 0), 0);
	must_be(heph_stream_read(ctx, stream, &data), 1);
	heph_stream_unread(ctx, stream);
	err = heph_stream_give(ctx, stream, &handle);
	must(err == 0 || err == -EBUSY); /* more has come */
	if (err == 0)
		must_be(heph_stream_take(ctx, &handle, stream), 0);
	must_be(heph_stream_end(ctx, &writer), 0);
	must_be(heph_stream_write(ctx, &writer, &piece, 1), -EPIPE);
	must_be(heph_stream_read(ctx, stream, &data), 0);
	heph_stream_close(ctx, &writer);
	return 0;
}

static int back(heph_ctx ctx, void *arg)
{
	run_pair(ctx, misuse, misuse, NULL);
	return 0;
}

static void do_no_more_than_their_half(void **state)
{
	run_task(back);
}

/* Nobody takes the handle; the reader goes on. */
static int forget_writer(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct heph_stream_handle handle;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	heph_stream_discard(&handle);
	read_bytes(ctx, stream, SOME);
	return 0;
}

/* An actor ends without closing its half; nobody takes the other one. */
static int forget_both(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct writer *writer = new_writer(SOME, SOME);
	struct heph_stream_handle reader;
	task_ref task;
	char *data;

	must_be(heph_stream_read(ctx, stream, &data), 1);
	writer->forgets = true;
	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	task = start_task(ctx, write_bytes, writer);
	end_task(ctx, task);
	must_be(writer->result, 0);
	free(writer);
	must_be(heph_stream_give(ctx, stream, &reader), 0);
	heph_stream_discard(&reader);
	return 0;
}

static int forgotten(heph_ctx ctx, void *arg)
{
	run_pair(ctx, forget_writer, only_write, NULL);
	run_pair(ctx, only_read, forget_both, NULL);
	return 0;
}

static void may_be_forgotten(void **state)
{
	run_task(forgotten);
}

/* ---- in the right place ---------------------------------------------------------------------------------- */

static int take_elsewhere(heph_ctx ctx, void *arg)
{
	struct writer *writer = arg;
	struct heph_stream stream;

	writer->result = heph_stream_take(ctx, &writer->handle, &stream);
	return 0;
}

static int split_across(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct writer *writer = new_writer(0, 1);
	task_ref task;

	must_be(heph_stream_split(ctx, stream, &writer->handle), 0);
	must_be(heph_spawn(ctx, task, &task, { take_elsewhere, writer },
			   .on = HEPH_WORKER(!heph_worker(ctx))),
		0);
	end_task(ctx, task);
	must_be(writer->result, -EXDEV);
	/* and it can still be taken where it belongs */
	task = start_task(ctx, write_bytes, writer);
	end_task(ctx, task);
	must_be(writer->result, 0);
	free(writer);
	return 0;
}

static int read_nothing(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	read_bytes(ctx, stream, 0);
	return 0;
}

static int across(heph_ctx ctx, void *arg)
{
	run_pair(ctx, read_nothing, split_across, NULL);
	return 0;
}

static void stay_on_one_worker(void **state)
{
	run_task_on(2, across, NULL);
}

/* ---- a peer of OpenSSL's, in a thread ---------------------------------------------------------------------- */

struct peer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	_Atomic int key_updates; /* that have come */
	_Atomic int step, told;  /* what it has done; what it may do */
	_Atomic bool done;
	pthread_t thread;
	void (*fn)(struct peer *peer);
};

static void on_message(int sent, int version, int type, const void *data,
		       size_t size, SSL *ssl, void *arg)
{
	struct peer *peer = arg;

	if (!sent && type == SSL3_RT_HANDSHAKE && size > 0 &&
	    *(const unsigned char *)data == SSL3_MT_KEY_UPDATE)
		peer->key_updates++;
}

static int make_ticket_long(SSL *ssl, void *arg)
{
	static const char more[2000];

	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), more,
					       sizeof(more));
}

static SSL_TICKET_RETURN take_ticket(SSL *ssl, SSL_SESSION *session,
				     const unsigned char *name, size_t size,
				     SSL_TICKET_STATUS status, void *arg)
{
	return SSL_TICKET_RETURN_IGNORE;
}

static void *run_peer(void *arg)
{
	struct peer *peer = arg;

	must_be(SSL_accept(peer->ssl), 1);
	peer->fn(peer);
	SSL_free(peer->ssl);
	SSL_CTX_free(peer->ctx);
	close(peer->fd);
	peer->done = true;
	return NULL;
}

/* A server of OpenSSL's; our end of the connection is in `ret_fd`. */
static struct peer *start_peer(heph_ctx ctx, void (*fn)(struct peer *peer),
			       heph_fd *ret_fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int fds[2];

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*ret_fd = adopt(ctx, fds[0]);
	peer->fd = fds[1];
	peer->fn = fn;
	peer->ctx = SSL_CTX_new(TLS_server_method());
	must_be(SSL_CTX_use_certificate(peer->ctx, kit()->server.cert), 1);
	must_be(SSL_CTX_use_PrivateKey(peer->ctx, kit()->server.key), 1);
	SSL_CTX_set_num_tickets(peer->ctx, 0);
	must_be(SSL_CTX_set_session_ticket_cb(peer->ctx, make_ticket_long,
					      take_ticket, NULL),
		1);
	peer->ssl = SSL_new(peer->ctx);
	SSL_set_fd(peer->ssl, peer->fd);
	SSL_set_msg_callback(peer->ssl, on_message);
	SSL_set_msg_callback_arg(peer->ssl, peer);
	must_be(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
	return peer;
}

/* Our end is closed when the worker has nothing else to do. */
static void end_peer(heph_ctx ctx, struct peer *peer)
{
	while (!peer->done)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	pthread_join(peer->thread, NULL);
	free(peer);
}

static void step_and_wait(struct peer *peer, int step)
{
	atomic_store(&peer->step, step);
	while (atomic_load(&peer->told) < step)
		sched_yield();
}

static void await_step(heph_ctx ctx, struct peer *peer, int step)
{
	while (atomic_load(&peer->step) < step)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
}

/* What was sent to us has been taken by who reads. */
static void await_taken(heph_ctx ctx, const struct heph_stream *stream)
{
	int left = 1;

	while (left > 0) {
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
		must_be(ioctl(heph_fd_number(ctx, stream->fd), FIONREAD, &left),
			0);
	}
}

/* Runs `fn` with our end, connected to a peer. */
struct meeting {
	void (*peer)(struct peer *peer);
	void (*us)(heph_ctx ctx, struct heph_stream *stream, struct peer *peer);
};

static int meet(heph_ctx ctx, const struct meeting *meeting)
{
	struct heph_tls *tls = new_client();
	heph_ctx limited = heph_within(ctx, 20 * HEPH_SEC);
	struct heph_stream stream;
	struct peer *peer;
	heph_fd fd;

	peer = start_peer(ctx, meeting->peer, &fd);
	must_be(heph_tls_connect(limited, tls, fd, "localhost", &stream), 0);
	meeting->us(limited, &stream, peer);
	heph_stream_close(ctx, &stream);
	end_peer(limited, peer);
	heph_tls_free(tls);
	return 0;
}

/* ---- new keys ------------------------------------------------------------------------------------------------ */

enum { ROUNDS = 60, ROUND = 32 * 1024 };

static void read_round(struct peer *peer, size_t from)
{
	static unsigned char buf[ROUND];
	size_t done = 0;

	while (done < ROUND) {
		int n = SSL_read(peer->ssl, buf + done, (int)(ROUND - done));

		must(n > 0);
		done += (size_t)n;
	}
	for (size_t i = 0; i < ROUND; i++)
		must(buf[i] == byte_at(from + i));
}

/* Writes and reads in turns, and wants new keys of both each time. */
static void change_keys(struct peer *peer)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		char *bytes = make_bytes(i * ROUND, ROUND);

		must_be(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		must_be(SSL_write(peer->ssl, bytes, ROUND), ROUND);
		free(bytes);
		read_round(peer, i * ROUND);
	}
	must_be(SSL_read(peer->ssl, &(char){ 0 }, 1), 0);
	must(peer->key_updates > 1 && peer->key_updates <= ROUNDS);
	SSL_shutdown(peer->ssl);
	/* Who has closed would not take our answers to its new keys. */
	while (recv(peer->fd, &(char){ 0 }, 1, 0) > 0)
		;
}

static void swap_rounds(heph_ctx ctx, struct heph_stream *stream,
			struct peer *peer)
{
	size_t size = (size_t)ROUNDS * ROUND;

	must_be(swap(ctx, stream, &size), 0);
}

static int keys(heph_ctx ctx, void *arg)
{
	return meet(ctx, &(struct meeting){ change_keys, swap_rounds });
}

static void take_new_keys_while_they_are_used(void **state)
{
	run_task(keys);
}

/* Wants new keys again and again; nobody writes the answers. */
static void want_keys(struct peer *peer)
{
	for (int i = 0; i < 5000; i++) {
		if (SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
		    SSL_write(peer->ssl, "x", 1) != 1)
			break;
	}
	ERR_clear_error();
}

static void be_asked_too_much(heph_ctx ctx, struct heph_stream *stream,
			      struct peer *peer)
{
	struct iovec piece = { (void *)(uintptr_t)"x", 1 };
	struct heph_stream_handle handle;
	struct heph_stream writer;
	char *data;
	int n;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	must_be(heph_stream_take(ctx, &handle, &writer), 0);
	do
		n = heph_stream_read(ctx, stream, &data);
	while (n > 0);
	must_be(n, -EPROTO);
	must(strstr(heph_tls_error_text(), "answered"));
	must_be(heph_stream_write(ctx, &writer, &piece, 1), -EPROTO);
	must_be(heph_stream_end(ctx, &writer), -EPROTO);
	heph_stream_close(ctx, &writer);
}

static int asked(heph_ctx ctx, void *arg)
{
	return meet(ctx, &(struct meeting){ want_keys, be_asked_too_much });
}

static void are_not_asked_for_ever(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	run_task(asked);
}

/* The answer goes before what is written next. */
static void want_a_key(struct peer *peer)
{
	must_be(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	must_be(SSL_write(peer->ssl, "x", 1), 1);
	must_be(SSL_read(peer->ssl, &(char){ 0 }, 1), 1);
	must_be(peer->key_updates, 1);
	must_be(SSL_write(peer->ssl, "y", 1), 1);
	must_be(SSL_read(peer->ssl, &(char){ 0 }, 1), 0);
}

static void answer_later(heph_ctx ctx, struct heph_stream *stream,
			 struct peer *peer)
{
	struct heph_stream_handle handle;
	struct heph_stream writer;
	char *data;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	must_be(heph_stream_take(ctx, &handle, &writer), 0);
	must_be(heph_stream_read(ctx, stream, &data), 1);
	must_be(peer->key_updates, 0);
	must_be(heph_stream_write(ctx, &writer, NULL, 0), 0); /* of nothing */
	must_be(write_text(ctx, &writer, "x"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 1);
	must_be(*data, 'y');
	must_be(heph_stream_end(ctx, &writer), 0);
	heph_stream_close(ctx, &writer);
}

static int later(heph_ctx ctx, void *arg)
{
	return meet(ctx, &(struct meeting){ want_a_key, answer_later });
}

static void answer_with_the_next_write(void **state)
{
	run_task(later);
}

/* ---- nonsense ---------------------------------------------------------------------------------------------------- */

/* Sends what is no record, and is told so. */
static void talk_nonsense(struct peer *peer)
{
	static const char nonsense[] = "\x17\x03\x03\x00\x20"
				       "this has never been encrypted...";

	must_be(write(peer->fd, nonsense, 5 + 32), 5 + 32);
	must(SSL_read(peer->ssl, &(char){ 0 }, 1) <= 0);
	must_be(ERR_GET_REASON(ERR_peek_error()),
		SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
	ERR_clear_error();
}

static void tell_of_nonsense(heph_ctx ctx, struct heph_stream *stream,
			     struct peer *peer)
{
	struct heph_stream_handle handle;
	struct heph_stream writer;
	char *data;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	must_be(heph_stream_take(ctx, &handle, &writer), 0);
	must_be(heph_stream_read(ctx, stream, &data), -EPROTO);
	must_be(heph_stream_write(ctx, &writer, NULL, 0), -EPROTO);
	must_be(heph_stream_read(ctx, stream, &data), -EPROTO);
	heph_stream_close(ctx, &writer);
}

static int nonsense(heph_ctx ctx, void *arg)
{
	return meet(ctx, &(struct meeting){ talk_nonsense, tell_of_nonsense });
}

static void tell_the_peer_what_is_wrong(void **state)
{
	run_task(nonsense);
}

/* ---- a ticket in pieces ---------------------------------------------------------------------------------------------- */

/* A message of TLS in several records, of which the last ones come later; meanwhile
 * OpenSSL does not encrypt. */
static void send_ticket_in_pieces(struct peer *peer)
{
	BIO *socket = SSL_get_rbio(peer->ssl), *memory = BIO_new(BIO_s_mem());
	char *data;
	long size;

	must(socket && memory);
	BIO_up_ref(socket);
	SSL_set_max_send_fragment(peer->ssl, 512);
	SSL_set0_wbio(peer->ssl, memory);
	must_be(SSL_new_session_ticket(peer->ssl), 1);
	must_be(SSL_do_handshake(peer->ssl), 1);
	size = BIO_get_mem_data(memory, &data);
	must(size > 1500);
	must_be(write(peer->fd, data, 700), 700); /* a record, and some */
	step_and_wait(peer, 1);
	must_be(write(peer->fd, data + 700, (size_t)size - 700), size - 700);
	SSL_set0_wbio(peer->ssl, socket);
	do
		must_be(SSL_read(peer->ssl, &(char){ 0 }, 1), 1);
	while (SSL_peek(peer->ssl, &(char){ 0 }, 1) == 1);
	must_be(SSL_read(peer->ssl, &(char){ 0 }, 1), 0);
	SSL_shutdown(peer->ssl);
}

/* Until its first part is there writing goes on. */
static void write_meanwhile(heph_ctx ctx, struct heph_stream *writer,
			    struct peer *peer)
{
	struct iovec piece = { (void *)(uintptr_t)"x", 1 };

	heph_time until = heph_now() + patience();
	int err;

	while ((err = heph_stream_write(heph_within(ctx, 20 * HEPH_MSEC), writer,
					&piece, 1)) == 0)
		must(heph_now() < until && heph_sleep(ctx, HEPH_MSEC) == 0);
	must_be(err, -ETIME);
	atomic_store(&peer->told, 1);
	must_be(heph_stream_write(ctx, writer, &piece, 1), 0);
	must_be(heph_stream_end(ctx, writer), 0);
}

static int read_to_end(heph_ctx ctx, void *arg)
{
	struct heph_stream_handle *handle = arg;
	struct heph_stream stream;

	must_be(heph_stream_take(ctx, handle, &stream), 0);
	read_bytes(ctx, &stream, 0);
	heph_stream_close(ctx, &stream);
	return 0;
}

static void write_by_half(heph_ctx ctx, struct heph_stream *stream,
			  struct peer *peer)
{
	struct heph_stream_handle *handle = calloc(1, sizeof(*handle)), reader;
	struct heph_stream writer;
	task_ref task;

	must_be(heph_stream_split(ctx, stream, handle), 0);
	must_be(heph_stream_take(ctx, handle, &writer), 0);
	must_be(heph_stream_give(ctx, stream, &reader), 0);
	*handle = reader;
	task = start_task(ctx, read_to_end, handle);
	await_step(ctx, peer, 1);
	await_taken(ctx, &writer);
	write_meanwhile(ctx, &writer, peer);
	end_task(ctx, task);
	heph_stream_close(ctx, &writer);
	free(handle);
}

static void write_whole(heph_ctx ctx, struct heph_stream *stream,
			struct peer *peer)
{
	char *data;

	await_step(ctx, peer, 1);
	must_be(heph_stream_read(heph_within(ctx, 20 * HEPH_MSEC), stream, &data),
		-ETIME);
	write_meanwhile(ctx, stream, peer);
	must_be(heph_stream_read(ctx, stream, &data), 0);
}

static int pieces(heph_ctx ctx, void *arg)
{
	must_be(meet(ctx, &(struct meeting){ send_ticket_in_pieces,
					     write_whole }),
		0);
	return meet(ctx, &(struct meeting){ send_ticket_in_pieces,
					    write_by_half });
}

static void wait_for_the_rest_of_a_message(void **state)
{
	run_task(pieces);
}

/* Half of a ticket, and then the end: nothing can be written any more. */
static void end_in_a_ticket(struct peer *peer)
{
	BIO *socket = SSL_get_rbio(peer->ssl), *memory = BIO_new(BIO_s_mem());
	char *data;

	BIO_up_ref(socket);
	SSL_set_max_send_fragment(peer->ssl, 512);
	SSL_set0_wbio(peer->ssl, memory);
	must_be(SSL_new_session_ticket(peer->ssl), 1);
	must_be(SSL_do_handshake(peer->ssl), 1);
	must(BIO_get_mem_data(memory, &data) > 1500);
	must_be(write(peer->fd, data, 700), 700);
	SSL_set0_wbio(peer->ssl, socket);
	step_and_wait(peer, 1);
}

static void write_in_vain(heph_ctx ctx, struct heph_stream *stream,
			  struct peer *peer)
{
	struct iovec piece = { (void *)(uintptr_t)"x", 1 };
	struct heph_stream_handle handle;
	struct heph_stream writer;
	char *data;
	int err;

	must_be(heph_stream_split(ctx, stream, &handle), 0);
	must_be(heph_stream_take(ctx, &handle, &writer), 0);
	await_step(ctx, peer, 1);
	must_be(heph_stream_read(heph_within(ctx, 20 * HEPH_MSEC), stream, &data),
		-ETIME);
	heph_stream_close(ctx, stream);
	err = heph_stream_write(ctx, &writer, &piece, 1);
	must_be(err, -EPIPE);
	must(strstr(heph_tls_error_text(), "nobody reads"));
	atomic_store(&peer->told, 1);
	heph_stream_close(ctx, &writer);
}

static void write_to_nobody(heph_ctx ctx, struct heph_stream *stream,
			    struct peer *peer)
{
	struct iovec piece = { (void *)(uintptr_t)"x", 1 };
	char *data;

	await_step(ctx, peer, 1);
	must_be(heph_stream_read(heph_within(ctx, 20 * HEPH_MSEC), stream, &data),
		-ETIME);
	atomic_store(&peer->told, 1);
	must_be(heph_stream_write(ctx, stream, &piece, 1), -ECONNRESET);
}

static int vain(heph_ctx ctx, void *arg)
{
	must_be(meet(ctx, &(struct meeting){ end_in_a_ticket, write_in_vain }),
		0);
	return meet(ctx, &(struct meeting){ end_in_a_ticket, write_to_nobody });
}

static void do_not_wait_for_a_rest_that_nobody_reads(void **state)
{
	run_task(vain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carry_megabytes_both_ways_at_once),
		cmocka_unit_test(do_what_one_actor_cannot),
		cmocka_unit_test(may_be_plain),
		cmocka_unit_test(may_be_closed_one_by_one),
		cmocka_unit_test(are_both_told_of_a_reset),
		cmocka_unit_test(do_no_more_than_their_half),
		cmocka_unit_test(may_be_forgotten),
		cmocka_unit_test(stay_on_one_worker),
		cmocka_unit_test(take_new_keys_while_they_are_used),
		cmocka_unit_test(are_not_asked_for_ever),
		cmocka_unit_test(answer_with_the_next_write),
		cmocka_unit_test(tell_the_peer_what_is_wrong),
		cmocka_unit_test(wait_for_the_rest_of_a_message),
		cmocka_unit_test(do_not_wait_for_a_rest_that_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, free_kit);
}
