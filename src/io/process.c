/* SPDX-License-Identifier: MIT */
/* Child processes: how they begin; see process_end.c for the rest. */
#include "io/process.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

#define GRACE_DEFAULT (2 * HEPH_SEC)

enum { STREAMS = 3, MORE_MAX = 1000 };

struct start {
	heph_ctx ctx;
	struct heph_process_options options;
	struct heph_process process;
	struct heph_fd theirs[STREAMS]; /* the other ends of pipes */
	struct heph_file *file;
};

/* ---- what it is given ----------------------------------------------------------- */

static enum heph_process_stream stream_of(const struct start *it, int n)
{
	const enum heph_process_stream streams[STREAMS] = { it->options.in,
							    it->options.out,
							    it->options.err };

	return streams[n];
}

static struct heph_fd given_of(const struct start *it, int n)
{
	const struct heph_fd fds[STREAMS] = { it->options.in_fd,
					      it->options.out_fd,
					      it->options.err_fd };

	return fds[n];
}

static struct heph_fd *ours(struct start *it, int n)
{
	struct heph_fd *fds[STREAMS] = { &it->process.in, &it->process.out,
					 &it->process.err };

	return fds[n];
}

static int check(const struct start *it, const char *const *argv)
{
	const struct heph_process_options *options = &it->options;
	enum heph_process_stream stream;

	if (it->ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	if (!argv || !argv[0] || options->n_more > MORE_MAX)
		return -EINVAL;
	for (int n = 0; n < STREAMS; n++) {
		stream = stream_of(it, n);
		if (stream > HEPH_PROCESS_OUT ||
		    (stream == HEPH_PROCESS_OUT && n != STDERR_FILENO))
			return -EINVAL;
	}
	return 0;
}

static int make_pipe(struct start *it, int n)
{
	struct heph_fd fds[2];
	int err = heph_pipe(it->ctx, fds, 0);

	if (err < 0)
		return err;
	*ours(it, n) = fds[n == STDIN_FILENO];
	it->theirs[n] = fds[n != STDIN_FILENO];
	return 0;
}

static int make_pipes(struct start *it)
{
	int err = 0;

	for (int n = 0; n < STREAMS && err == 0; n++)
		if (stream_of(it, n) == HEPH_PROCESS_PIPE)
			err = make_pipe(it, n);
	return err;
}

/* A number, or HEPH_PLAN_...; -EBADF, which is neither. */
static int source_of(const struct start *it, int n, const int *files)
{
	switch (stream_of(it, n)) {
	case HEPH_PROCESS_NULL:
		return HEPH_PLAN_NULL;
	case HEPH_PROCESS_PIPE:
		return heph_fd_number(it->ctx, it->theirs[n]);
	case HEPH_PROCESS_FD:
		return heph_fd_number(it->ctx, given_of(it, n));
	case HEPH_PROCESS_OUT:
		return files[STDOUT_FILENO] == HEPH_PLAN_INHERIT ?
			       STDOUT_FILENO :
			       files[STDOUT_FILENO];
	default:
		return HEPH_PLAN_INHERIT;
	}
}

static int find_files(const struct start *it, struct heph_birth_plan *plan)
{
	for (int n = 0; n < STREAMS; n++) {
		plan->files[n] = source_of(it, n, plan->files);
		if (plan->files[n] == -EBADF)
			return -EBADF;
	}
	for (size_t n = 0; n < it->options.n_more; n++) {
		plan->files[STREAMS + n] =
			heph_fd_number(it->ctx, it->options.more[n]);
		if (plan->files[STREAMS + n] < 0)
			return -EBADF;
	}
	return 0;
}

/* ---- making it -------------------------------------------------------------------- */

/* The entry that it will have, so that it never is without an owner. */
static int reserve(struct start *it)
{
	struct heph_spawned *spawned = heph_mem_alloc(sizeof(*spawned));
	int err;

	if (!spawned)
		return -ENOMEM;
	spawned->leader = it->options.new_group || it->options.new_session;
	spawned->detached = it->options.detached;
	spawned->grace = it->options.grace ? it->options.grace : GRACE_DEFAULT;
	err = heph_file_reserve(it->ctx.self, 0, &it->process.fd, &it->file);
	if (err < 0)
		heph_mem_free(spawned);
	else
		it->file->spawned = spawned;
	return err;
}

void heph_process_born(struct heph_op *op)
{
	const struct heph_birth_plan *plan = op->buf;

	if (op->result < 0)
		return;
	op->file->number = op->result;
	op->file->spawned->pid = plan->pid;
}

static int spawn(struct start *it, const char *const *argv)
{
	struct heph_op *op =
		heph_op_make(it->ctx.self, HEPH_OP_SPAWN, it->file);
	int err;

	if (!op)
		return -ENOMEM;
	err = heph_plan_make(op, argv, &it->options,
			     STREAMS + it->options.n_more);
	if (err == 0)
		err = find_files(it, op->buf);
	if (err < 0) {
		heph_op_free(op);
		return err;
	}
	err = heph_op_run(it->ctx, op);
	if (heph_op_by_actor(it->ctx.self, op)) {
		op->result = err;
		heph_process_born(op);
	}
	it->process.pid = it->file->spawned->pid;
	heph_op_free(op);
	return err < 0 ? err : 0;
}

static void close_theirs(struct start *it)
{
	for (int n = 0; n < STREAMS; n++)
		heph_close(it->theirs[n]);
}

static void close_ours(struct start *it)
{
	for (int n = 0; n < STREAMS; n++)
		heph_close(*ours(it, n));
}

static int start(struct start *it, const char *const *argv)
{
	int err = reserve(it);

	if (err < 0)
		return err;
	err = make_pipes(it);
	if (err == 0)
		err = spawn(it, argv);
	close_theirs(it);
	if (err == 0)
		return 0;
	close_ours(it);
	heph_file_cancel(it->file);
	return err;
}

int heph_raw_process_start(heph_ctx ctx, struct heph_process *ret_process,
			   const char *const *argv,
			   const struct heph_process_options *options)
{
	struct start it = { .ctx = ctx };
	int err;

	if (options &&
	    !heph_take_options__(&it.options, sizeof(*options), options))
		return -EINVAL;
	err = check(&it, argv);
	if (err == 0)
		err = heph_wait_allowed(ctx);
	if (err == 0)
		err = start(&it, argv);
	if (err == 0)
		*ret_process = it.process;
	return err;
}
