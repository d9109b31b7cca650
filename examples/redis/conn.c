/* SPDX-License-Identifier: MIT */
/*
 * A connection reads what is there, makes a round of the commands in it, lends
 * the stores their batches, waits until all are back, and writes all replies
 * at once. Then it reads again: a client that does not read its replies is not
 * read from.
 *
 * While nothing is said, a connection keeps no buffers.
 */
#include "conn.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "command.h"
#include "resp.h"
#include "round.h"

enum {
	READ = 16 << 10,   /* bytes to read at once, at least */
	WRITE = 256 << 10, /* bytes to write at once */
	KEEP = 64 << 10,   /* bytes of a buffer that stay for the next round */
};
#define REST (HEPH_SEC)    /* silence, after which memory is given back */
#define GOODBYE (HEPH_SEC) /* to close */

struct conn {
	heph_fd fd;
	conn_inbox inbox;
	struct resp_parser parser;
	struct round round;
	struct buf in;  /* what was read and is not executed */
	struct buf out; /* replies, when they come from several places */
	int64_t sum;    /* of ROUND_PART so far */
	unsigned lent;  /* batches */
	bool closing;   /* after the replies */
};

/* ---- lending batches ----------------------------------------------------- */

static int lend(heph_ctx ctx, struct conn *conn, unsigned shard)
{
	struct batch *batch = conn->round.batches[shard];
	store_client_ref self = { .addr = heph_self(conn->inbox).addr };
	int err;

	batch->commands = conn->round.commands;
	err = store_lend(ctx, conn->round.shards, batch, self);
	if (err == -ECANCELED)
		err = store_lend(store_shielded(ctx), conn->round.shards, batch,
				 self);
	if (err < 0)
		return err;
	conn->round.commands = 0;
	conn->round.batches[shard] = NULL;
	conn->lent++;
	return 0;
}

/* Waits until all batches are back. */
static int collect(heph_ctx ctx, struct conn *conn)
{
	struct store_reply reply;
	int err;

	while (conn->lent > 0) {
		err = heph_recv(ctx, conn->inbox, &reply);
		if (err == -ECANCELED)
			err = heph_recv(store_shielded(ctx), conn->inbox,
					&reply);
		if (err < 0)
			return err;
		conn->round.batches[reply.batch->shard] = reply.batch;
		conn->lent--;
	}
	return round_ok(&conn->round) ? 0 : -ENOMEM;
}

static int lend_all(heph_ctx ctx, struct conn *conn)
{
	struct round *round = &conn->round;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < round->shards->n; i++)
		if (round->batches[i] && round->batches[i]->requests.size > 0)
			err = lend(ctx, conn, i);
	return err;
}

/* Has the store go on with a batch whose replies were too many for one time. */
static int lend_again(heph_ctx ctx, struct conn *conn, unsigned shard)
{
	int err;

	batch_continue(conn->round.batches[shard]);
	err = lend(ctx, conn, shard);
	return err < 0 ? err : collect(ctx, conn);
}

/* ---- writing replies ----------------------------------------------------- */

static int write_all(heph_ctx ctx, struct conn *conn, struct buf *buf)
{
	if (buf->failed)
		return -ENOMEM;
	if (buf->size == 0)
		return 0;
	return heph_write_all(store_shielded(ctx), conn->fd, buf->data,
			      buf->size);
}

/* All replies come from one store: they are in order, as they are. */
static int write_plain(heph_ctx ctx, struct conn *conn)
{
	unsigned shard = round_step(&conn->round, 0).shard;
	int err;

	for (;;) {
		struct batch *batch = conn->round.batches[shard];

		err = write_all(ctx, conn, &batch->replies);
		if (err < 0 || batch_done(batch))
			return err;
		err = lend_again(ctx, conn, shard);
		if (err < 0)
			return err;
	}
}

/* Takes the next reply of a store, which goes on first if need be. */
static int take(heph_ctx ctx, struct conn *conn, unsigned shard,
		struct slice *ret_reply)
{
	int err = 0;

	if (!batch_ready(conn->round.batches[shard]))
		err = lend_again(ctx, conn, shard);
	if (err == 0)
		*ret_reply = batch_take(conn->round.batches[shard]);
	return err;
}

/* Adds a reply ":N\r\n" to the sum; one that was not wanted is empty. */
static void add_part(struct conn *conn, struct slice reply)
{
	if (reply.size > 0)
		conn->sum += strtoll(reply.data + 1, NULL, 10);
}

static int add_step(heph_ctx ctx, struct conn *conn, struct round_step step)
{
	struct slice reply = { "", 0 };
	int err = 0;

	switch ((enum round_from)step.from) {
	case ROUND_STORE:
		err = take(ctx, conn, step.shard, &reply);
		break;
	case ROUND_PART:
		err = take(ctx, conn, step.shard, &reply);
		if (err == 0)
			add_part(conn, reply);
		return err;
	case ROUND_SUM:
		resp_add_int(&conn->out, conn->sum);
		conn->sum = 0;
		break;
	case ROUND_LOCAL:
		reply = round_take_local(&conn->round);
		break;
	}
	if (err == 0)
		buf_add(&conn->out, reply.data, reply.size);
	return err;
}

static int write_out(heph_ctx ctx, struct conn *conn)
{
	int err = write_all(ctx, conn, &conn->out);

	buf_reset(&conn->out, KEEP);
	return err;
}

static int write_mixed(heph_ctx ctx, struct conn *conn)
{
	size_t n = round_size(&conn->round);
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++) {
		err = add_step(ctx, conn, round_step(&conn->round, i));
		if (err == 0 && conn->out.size >= WRITE)
			err = write_out(ctx, conn);
	}
	return err < 0 ? err : write_out(ctx, conn);
}

/* Executes the round and writes its replies. */
static int run_round(heph_ctx ctx, struct conn *conn)
{
	int err = round_ok(&conn->round) ? 0 : -ENOMEM;

	if (err == 0)
		err = lend_all(ctx, conn);
	if (err == 0)
		err = collect(ctx, conn);
	if (err == 0 && round_size(&conn->round) > 0)
		err = conn->round.mixed ? write_mixed(ctx, conn) :
					  write_plain(ctx, conn);
	if (err == 0)
		round_reset(&conn->round);
	return err;
}

/* ---- reading commands ---------------------------------------------------- */

static int tell_info(heph_ctx ctx, struct conn *conn)
{
	struct store_stats stats;
	int err;

	err = run_round(ctx, conn);
	if (err == 0)
		err = store_stats(ctx, conn->round.shards, &stats);
	if (err == 0)
		command_info(&conn->round, &conn->parser, &stats);
	return err;
}

static int run_command(heph_ctx ctx, struct conn *conn)
{
	if (conn->parser.n_args == 0)
		return 0;
	switch (command_run(&conn->round, &conn->parser)) {
	case COMMAND_INFO:
		return tell_info(ctx, conn);
	case COMMAND_QUIT:
		conn->closing = true;
		break;
	case COMMAND_DONE:
		break;
	}
	return 0;
}

static void refuse(struct conn *conn)
{
	resp_add_error(round_reply(&conn->round), "ERR Protocol error: %s",
		       conn->parser.error);
	round_command_end(&conn->round);
	conn->closing = true;
}

/* Executes all complete commands that were read. */
static int run_commands(heph_ctx ctx, struct conn *conn)
{
	size_t done = 0;
	long n = 1;
	int err = 0;

	while (err == 0 && n > 0 && !conn->closing) {
		n = resp_parse(&conn->parser, conn->in.data + done,
			       conn->in.size - done);
		if (n == -EPROTO)
			refuse(conn);
		else if (n < 0)
			return n;
		else if (n > 0)
			err = run_command(ctx, conn);
		if (n > 0)
			done += n;
		if (err == 0 && round_size(&conn->round) >= ROUND_MAX)
			err = run_round(ctx, conn);
	}
	if (err == 0)
		err = run_round(ctx, conn);
	buf_consume(&conn->in, done);
	if (conn->in.size == 0)
		buf_reset(&conn->in, KEEP);
	return err;
}

/* Waits for somebody to say something, without memory. */
static int rest(heph_ctx ctx, struct conn *conn)
{
	buf_fini(&conn->in);
	buf_fini(&conn->out);
	resp_parser_fini(&conn->parser);
	round_rest(&conn->round);
	return heph_wait(ctx, heph_on_readable(conn->fd));
}

static int fill(heph_ctx ctx, struct conn *conn)
{
	struct buf *in = &conn->in;
	char *end = buf_reserve(in, in->size > 0 ? READ / 4 : READ);
	int n;

	if (!end)
		return -ENOMEM;
	n = heph_read(ctx, conn->fd, end, in->capacity - in->size);
	if (n > 0)
		in->size += n;
	return n;
}

/* Reads what is there. Returns how many bytes; 0 at the end. */
static int read_some(heph_ctx ctx, struct conn *conn)
{
	bool idle = conn->in.size == 0;
	int n = fill(idle ? heph_within(ctx, REST) : ctx, conn);

	if (n != -ETIME)
		return n;
	n = rest(ctx, conn);
	return n < 0 ? n : fill(ctx, conn);
}

/* ---- the actor ----------------------------------------------------------- */

/* Closes so that the client can read the last reply: data that nobody has
 * read when a socket is closed would take it away from it. */
static int say_goodbye(heph_ctx ctx, struct conn *conn)
{
	int n;

	ctx = heph_within(ctx, GOODBYE);
	n = heph_shutdown(ctx, conn->fd, SHUT_WR);
	while (n == 0) {
		conn->in.size = 0;
		n = fill(ctx, conn) > 0 ? 0 : -ENODATA;
	}
	return 0;
}

static int serve(heph_ctx ctx, struct conn *conn)
{
	int n;

	while ((n = read_some(ctx, conn)) > 0) {
		n = run_commands(ctx, conn);
		if (n < 0)
			return n;
		if (conn->closing)
			return say_goodbye(ctx, conn);
	}
	return n;
}

static int serve_counted(heph_ctx ctx, struct conn *conn)
{
	const struct shards *shards = conn->round.shards;
	int err, closed;

	err = store_opened(ctx, shards);
	if (err < 0)
		return err;
	err = serve(ctx, conn);
	closed =
		store_closed(store_shielded(ctx), shards, conn->round.commands);
	return err < 0 ? err : closed;
}

static int conn_main(heph_ctx ctx, conn_inbox in, struct conn_arg *arg)
{
	struct conn conn = { .fd = arg->fd, .inbox = in };
	int err;

	err = round_init(&conn.round, arg->shards,
			 heph_self(in).addr.id & INT64_MAX);
	if (err == 0)
		err = serve_counted(ctx, &conn);
	buf_fini(&conn.in);
	buf_fini(&conn.out);
	resp_parser_fini(&conn.parser);
	round_fini(&conn.round);
	/* Clients come and go, and a stop is a stop. */
	if (err == -ECONNRESET || err == -EPIPE || err == -ECANCELED)
		return 0;
	return err;
}
HEPH_ACTOR_MAIN(conn, conn_main, .drop = store_reply_drop);
