/* SPDX-License-Identifier: MIT */
/* A child process that is run to its end: all its streams at the same time. */
#include <heph/process.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/self.h"

enum { IN, OUT, ERR, SINK = 512 };

/* One of the outputs. */
struct collected {
	heph_fd fd;
	char *to;
	size_t room;
	size_t *n; /* bytes, of those that had no room too */
};

struct run {
	heph_ctx ctx;
	struct heph_process process;
	struct heph_process_talk *talk;
	size_t given;
	struct collected outputs[2];
};

static struct heph_on clause(struct heph_fd fd, bool writing)
{
	if (heph_fd_none(fd))
		return (struct heph_on){ .what = HEPH_ON_NOTHING__ };
	return writing ? heph_on_writable(fd) : heph_on_readable(fd);
}

static void close_one(struct heph_fd *fd)
{
	heph_close(*fd);
	*fd = (struct heph_fd){ 0 };
}

/* A pipe that is writable has room for so much. Who does not want to read it all
 * makes no mistake. */
static int give(struct run *it)
{
	size_t left = it->talk->input_size - it->given;
	int n = heph_write(it->ctx, it->process.in,
			   (const char *)it->talk->input + it->given,
			   left < PIPE_BUF ? left : PIPE_BUF);

	if (n > 0)
		it->given += (size_t)n;
	if (n == -EPIPE || it->given == it->talk->input_size)
		close_one(&it->process.in);
	return n == -EPIPE ? 0 : n;
}

static int collect(struct run *it, struct collected *output)
{
	size_t have = *output->n;
	char sink[SINK];
	int n;

	if (have < output->room)
		n = heph_read(it->ctx, output->fd, output->to + have,
			      output->room - have);
	else
		n = heph_read(it->ctx, output->fd, sink, sizeof(sink));
	if (n > 0)
		*output->n += (size_t)n;
	if (n == 0)
		close_one(&output->fd);
	return n;
}

static bool talking(const struct run *it)
{
	return !heph_fd_none(it->process.in) ||
	       !heph_fd_none(it->outputs[0].fd) ||
	       !heph_fd_none(it->outputs[1].fd);
}

static int talk(struct run *it)
{
	int which = 0;

	while (which >= 0 && talking(it)) {
		const struct heph_on clauses[] = {
			clause(it->process.in, true),
			clause(it->outputs[0].fd, false),
			clause(it->outputs[1].fd, false),
		};

		which = heph_raw_wait(it->ctx, clauses, 3);
		if (which == IN)
			which = give(it);
		else if (which > IN)
			which = collect(it, &it->outputs[which - OUT]);
	}
	return which < 0 ? which : 0;
}

/* ---- beginning, ending ------------------------------------------------------------ */

static void choose_streams(struct heph_process_options *options,
			   const struct heph_process_talk *talk)
{
	bool mixed = options->err == HEPH_PROCESS_OUT;

	options->in = talk->input_size ? HEPH_PROCESS_PIPE : HEPH_PROCESS_NULL;
	options->out = talk->out ? HEPH_PROCESS_PIPE : HEPH_PROCESS_NULL;
	options->err = mixed     ? HEPH_PROCESS_OUT :
		       talk->err ? HEPH_PROCESS_PIPE :
				   HEPH_PROCESS_NULL;
}

static void set_up(struct run *it)
{
	struct heph_process_talk *talk = it->talk;

	it->outputs[0] = (struct collected){ it->process.out, talk->out,
					     talk->out_size, &talk->n_out };
	it->outputs[1] = (struct collected){ it->process.err, talk->err,
					     talk->err_size, &talk->n_err };
}

static int run(struct run *it, struct heph_process_status *ret_status)
{
	int err;

	set_up(it);
	err = talk(it);
	if (err == 0)
		err = heph_process_wait(it->ctx, &it->process, ret_status);
	it->process.out = it->outputs[0].fd;
	it->process.err = it->outputs[1].fd;
	(void)!heph_process_end(it->ctx, &it->process, NULL);
	return err;
}

int heph_raw_process_run(heph_ctx ctx, const char *const *argv,
			 struct heph_process_talk *talk,
			 struct heph_process_status *ret_status,
			 const struct heph_process_options *given)
{
	struct heph_process_options options = { .size = sizeof(options) };
	struct heph_process_talk nothing = { 0 };
	struct run it = { .ctx = ctx, .talk = talk ? talk : &nothing };
	int err;

	if (given && !heph_take_options__(&options, sizeof(options), given))
		return -EINVAL;
	it.talk->n_out = it.talk->n_err = 0;
	choose_streams(&options, it.talk);
	if (!ctx.self->kind && (it.talk->input_size || it.talk->out ||
				it.talk->err))
		return -EOPNOTSUPP; /* a thread cannot wait for several */
	err = heph_raw_process_start(ctx, &it.process, argv, &options);
	return err < 0 ? err : run(&it, ret_status);
}
