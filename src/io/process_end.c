/* SPDX-License-Identifier: MIT */
/* Child processes: signals, and their end. */
#include <heph/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/process.h"
#include "io/reaper.h"

static struct heph_file *file_of(heph_ctx ctx,
				 const struct heph_process *process)
{
	struct heph_file *file = heph_file_find(ctx, process->fd);

	return file && file->spawned ? file : NULL;
}

/* ---- signals ------------------------------------------------------------------- */

static int send_signal(struct heph *heph, const struct heph_file *file,
		       int signal, bool to_group)
{
	struct heph_op op = { .kind = HEPH_OP_KILL_PROCESS,
			      .number = file->number,
			      .number2 = file->spawned->pid,
			      .events = to_group,
			      .flags = (uint32_t)signal };

	return file->spawned->reaped ? -ESRCH : heph_op_now_by(heph, &op);
}

int heph_process_kill(heph_ctx ctx, const struct heph_process *process,
		      int signal)
{
	struct heph_file *file = file_of(ctx, process);

	return file ? send_signal(ctx.self->thread->heph, file, signal, false) :
		      -EBADF;
}

int heph_process_kill_group(heph_ctx ctx, const struct heph_process *process,
			    int signal)
{
	struct heph_file *file = file_of(ctx, process);

	if (!file)
		return -EBADF;
	if (!file->spawned->leader)
		return -EINVAL;
	return send_signal(ctx.self->thread->heph, file, signal, true);
}

static void kill_all(struct heph *heph, const struct heph_file *file, int signal)
{
	if (!file->spawned->leader ||
	    send_signal(heph, file, signal, true) < 0)
		(void)!send_signal(heph, file, signal, false);
}

/* ---- waiting --------------------------------------------------------------------- */

/* What waitid(2) has told, of one that is gone then. */
static void note(struct heph_spawned *spawned, const siginfo_t *info)
{
	spawned->reaped = true;
	spawned->status.code = info->si_status;
	spawned->status.how = info->si_code == CLD_EXITED ? HEPH_PROCESS_EXITED :
			      info->si_code == CLD_DUMPED ? HEPH_PROCESS_DUMPED :
							    HEPH_PROCESS_KILLED;
}

static void note_lost(struct heph_spawned *spawned, int err)
{
	spawned->reaped = true;
	spawned->err = err;
}

static int tell(const struct heph_spawned *spawned,
		struct heph_process_status *ret_status)
{
	if (ret_status && spawned->err == 0)
		*ret_status = spawned->status;
	return spawned->err;
}

/* Waits until it has ended; `leave` it, so that its number stays its own. */
static int await(heph_ctx ctx, struct heph_file *file, bool leave)
{
	struct heph_op *op;
	siginfo_t *info;
	int err = heph_op_new(ctx, HEPH_OP_WAIT_PROCESS, file, &op);

	if (err < 0)
		return err;
	info = heph_op_room(op, sizeof(*info));
	if (!info) {
		heph_op_free(op);
		return -ENOMEM;
	}
	op->buf = info;
	op->flags = WNOHANG | (leave ? WNOWAIT : 0);
	err = heph_op_run(ctx, op);
	if (err == 0 && !leave)
		note(file->spawned, info);
	else if (err == -ECHILD)
		note_lost(file->spawned, err);
	heph_op_free(op);
	return err;
}

int heph_process_wait(heph_ctx ctx, const struct heph_process *process,
		      struct heph_process_status *ret_status)
{
	struct heph_file *file = file_of(ctx, process);
	int err = 0;

	if (!file)
		return -EBADF;
	if (!file->spawned->reaped)
		err = await(ctx, file, false);
	return err < 0 ? err : tell(file->spawned, ret_status);
}

/* ---- ending ------------------------------------------------------------------------ */

/* It was killed: nothing keeps it, nor us, but the kernel. */
static void reap(struct heph *heph, struct heph_file *file)
{
	siginfo_t info;
	struct heph_op op = { .kind = HEPH_OP_WAIT_PROCESS,
			      .number = file->number,
			      .buf = &info };
	int err = heph_op_now_by(heph, &op);

	if (err == 0)
		note(file->spawned, &info);
	else
		note_lost(file->spawned, err);
}

/* Not refused, and not for long. */
static void await_readable(struct heph_self *self, struct heph_file *file)
{
	struct heph_op *op = self->kind ?
				     heph_op_make(self, HEPH_OP_POLL, file) :
				     NULL;

	if (!op)
		return;
	op->events = POLLIN;
	heph_op_start(op);
	heph_op_await(op);
	heph_op_free(op);
}

static void end(struct heph_self *self, struct heph_file *file)
{
	struct heph *heph = self->thread->heph;
	struct heph_spawned *spawned = file->spawned;
	int err = -ETIME;

	if (spawned->reaped)
		return;
	if (spawned->grace > 0) {
		kill_all(heph, file, SIGTERM);
		err = await(heph_shield(heph_self_ctx(self), spawned->grace),
			    file, true);
	}
	if (spawned->reaped)
		return;
	if (err < 0 || spawned->leader) /* whoever is left of its group */
		kill_all(heph, file, SIGKILL);
	await_readable(self, file);
	reap(heph, file);
}

int heph_process_end(heph_ctx ctx, const struct heph_process *process,
		     struct heph_process_status *ret_status)
{
	struct heph_file *file = file_of(ctx, process);
	int err;

	if (!file)
		return -EBADF;
	end(ctx.self, file);
	err = tell(file->spawned, ret_status);
	heph_close(process->in);
	heph_close(process->out);
	heph_close(process->err);
	heph_close(process->fd);
	return err;
}

void heph_process_undo(struct heph_self *self, struct heph_file *file)
{
	if (file->number >= 0 && !file->spawned->detached)
		end(self, file);
}

static void free_record(struct heph_file *file)
{
	heph_mem_free(file->spawned);
	file->spawned = NULL;
}

/* A second descriptor, because the first one is closed as others are. */
static void leave_to_reaper(struct heph *heph, struct heph_file *file)
{
	struct heph_op op = { .kind = HEPH_OP_FCNTL,
			      .number = file->number,
			      .flags = F_DUPFD_CLOEXEC };
	int pidfd = heph_op_now_by(heph, &op);
	int err = pidfd < 0 ? pidfd : heph_reaper_add(pidfd);

	if (err == 0)
		return;
	if (pidfd >= 0)
		heph_op_close_now(heph, pidfd);
	if (!file->spawned->detached)
		reap(heph, file);
	else
		heph_log_error("nobody will wait for a child process",
			       HEPH_KV_INT("pid", file->spawned->pid),
			       HEPH_KV_ERR("err", err));
}

void heph_process_leave(struct heph *heph, struct heph_file *file)
{
	if (file->number >= 0 && !file->spawned->reaped) {
		if (!file->spawned->detached)
			kill_all(heph, file, SIGKILL);
		leave_to_reaper(heph, file);
	}
	free_record(file);
}

void heph_process_kill_now(struct heph *heph, struct heph_file *file)
{
	if (file->number >= 0 && !file->spawned->reaped) {
		if (file->spawned->detached) {
			leave_to_reaper(heph, file);
		} else {
			kill_all(heph, file, SIGKILL);
			reap(heph, file);
		}
	}
	free_record(file);
}
