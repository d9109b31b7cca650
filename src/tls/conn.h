/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one connection: OpenSSL's half, and what comes and goes
 *
 * What comes lies in the view of the descriptor (heph_read_view()) until OpenSSL has
 * taken it; what goes is collected in `out`, and written before the next wait for
 * what comes. While it waits for that it has neither.
 *
 * All of it is on the heap, and the owner of the descriptor alone uses it; or two
 * actors of one worker, after heph_stream_split(): see split.c. Each of them does
 * what it does with OpenSSL between two waits. As the one that reads adds to `out`
 * while the other one writes, what is being written lies apart, in `going`.
 */
#ifndef HEPH_TLS_CONN_H
#define HEPH_TLS_CONN_H

#include <heph/tls.h>

#include <openssl/ssl.h>

#include <stdatomic.h>

struct heph_tls_setup;

/* What one of two actors has. */
struct heph_tls_half {
	struct heph_tls_conn *conn;
	_Atomic bool gone; /* nobody has it any more */
};

struct heph_tls_conn {
	_Atomic int refs; /* 1, or the halves that are left */
	SSL *ssl;
	struct heph_tls *tls;
	struct heph_tls_setup *setup; /* that it began with */
	heph_fd in_fd, out_fd;        /* the same, if it is not split */
	char *host; /* of the server, for clients; in small letters */
	/* ciphertext */
	const char *in; /* in the view: what OpenSSL has not taken */
	size_t in_size;
	char *out; /* NULL: there is none */
	size_t out_size, out_room;
	char *going; /* goes before it; NULL: there is none */
	size_t going_size, gone;
	/* what heph_stream_read() has given */
	char *data;
	/* how far it is, for the size of records */
	heph_time wrote;  /* when */
	unsigned written; /* bytes since it was idle, up to some */
	/* the end */
	int err;   /* nothing goes any more: what all calls return; 0: none */
	char *why; /* in words, or NULL */
	bool viewed;    /* there is a view */
	bool eof;       /* of the descriptor */
	bool ended;     /* our half */
	bool no_memory; /* for `out` */
	/* two actors */
	bool split;
	int worker; /* of both */
	struct heph_tls_half reader, writer;
	size_t asked; /* bytes of `out` that reading has made */
};

/* Makes one; `host` is NULL for servers. Returns 0; -ENOMEM, -EINVAL. */
int heph_tls_conn_new(struct heph_tls_conn **ret_conn, struct heph_tls *tls,
		      heph_fd fd, const char *host);

/* Frees it, a struct heph_tls_conn, in the way that heph_own() wants; or the other
 * half goes on with it. Any thread. */
void heph_tls_conn_free(void *conn);

/* Makes room for so many bytes more of `out`. False: there is no memory. */
bool heph_tls_conn_reserve(struct heph_tls_conn *conn, size_t size);

/* What OpenSSL meant with `result`. Returns -EAGAIN (it wants to read more), 0 (the
 * peer has ended its half), or the error, which is that of all calls from now on. */
int heph_tls_conn_outcome(struct heph_tls_conn *conn, int result);

/* Nothing goes any more. Returns `err`, whose text is that of this thread. */
int heph_tls_conn_fail(struct heph_tls_conn *conn, int err);

/* The error of before, with its text for this thread; 0: none. */
int heph_tls_conn_error(struct heph_tls_conn *conn);

/* Waits. Writes what is in `out`, which is gone then. Returns 0; errors of
 * writing, after which what is left can be written later. */
int heph_tls_conn_flush(heph_ctx ctx, struct heph_tls_conn *conn);

/* Whether something is to be written. */
static inline bool heph_tls_conn_unwritten(const struct heph_tls_conn *conn)
{
	return conn->going || conn->out_size > 0;
}

/* Waits. The same, if it is not split, and then for something to come, or the end.
 * Returns 0. */
int heph_tls_conn_fill(heph_ctx ctx, struct heph_tls_conn *conn);

/* Gives the view back, if all of it was taken. */
void heph_tls_conn_rest(heph_ctx ctx, struct heph_tls_conn *conn);

/* ---- what streams do, whole or by halves; as stream.h says (stream.c) ---------------- */

int heph_tls_conn_read(heph_ctx ctx, struct heph_tls_conn *conn, char **ret_data);
void heph_tls_conn_unread(heph_ctx ctx, struct heph_tls_conn *conn);
int heph_tls_conn_write(heph_ctx ctx, struct heph_tls_conn *conn,
			const struct iovec *pieces, size_t n);
int heph_tls_conn_end(heph_ctx ctx, struct heph_tls_conn *conn);

/* Whether something has come that nobody has read. */
bool heph_tls_conn_unread_left(const struct heph_tls_conn *conn);

#endif
