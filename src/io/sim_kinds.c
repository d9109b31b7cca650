/* SPDX-License-Identifier: MIT */
#include "io/sim_kinds.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "io/sim_disk.h"
#include "io/sim_file.h"
#include "io/sim_socket.h"

typedef int kind_fn(struct heph_sim *sim, struct heph_op *op);

static int do_read(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (!file)
		return -EBADF;
	if (!file->class->read)
		return -EINVAL;
	return file->class->read(sim, file, op->buf, op->size, (int)op->flags,
				 op->offset);
}

static int do_write(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (!file)
		return -EBADF;
	if (!file->class->write)
		return -EINVAL;
	return file->class->write(sim, file, op->buf, op->size, (int)op->flags,
				 op->offset);
}

static int do_poll(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);
	unsigned ready;

	if (!file)
		return -EBADF;
	ready = file->class->ready(file) & (op->events | POLLERR | POLLHUP);
	return ready ? (int)ready : -EAGAIN;
}

static int do_close(struct heph_sim *sim, struct heph_op *op)
{
	return heph_sim_close(sim, op->number);
}

static int do_status(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (!file)
		return -EBADF;
	if (!op->flags)
		return file->flags;
	file->flags = (file->flags & ~O_NONBLOCK) | (int)(op->size & O_NONBLOCK);
	return 0;
}

static int do_stat(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);
	struct stat info = { 0 };

	if (!file)
		return -EBADF;
	info.st_mode = file->class->mode;
	memcpy(op->buf, &info, sizeof(info));
	return 0;
}

/* Each kind is done, or refused by name. */
static kind_fn *const kinds[] = {
	[HEPH_OP_READ] = do_read,
	[HEPH_OP_WRITE] = do_write,
	[HEPH_OP_RECV] = do_read,
	[HEPH_OP_SEND] = do_write,
	[HEPH_OP_ACCEPT] = heph_sim_do_accept,
	[HEPH_OP_ACCEPT_ONE] = heph_sim_do_accept,
	[HEPH_OP_CONNECT] = heph_sim_do_connect,
	[HEPH_OP_POLL] = do_poll,
	[HEPH_OP_CLOSE] = do_close,
	[HEPH_OP_STATUS] = do_status,
	[HEPH_OP_STAT] = do_stat,
	[HEPH_OP_SOCKET] = heph_sim_do_socket,
	[HEPH_OP_SOCKET_PAIR] = heph_sim_do_pair,
	[HEPH_OP_BIND] = heph_sim_do_bind,
	[HEPH_OP_LISTEN] = heph_sim_do_listen,
	[HEPH_OP_SHUTDOWN] = heph_sim_do_shutdown,
	[HEPH_OP_GET_OPTION] = heph_sim_do_get_option,
	[HEPH_OP_SET_OPTION] = heph_sim_do_set_option,
	[HEPH_OP_NAME] = heph_sim_do_name,
	[HEPH_OP_RESOLVE] = NULL,
	[HEPH_OP_OPEN] = heph_sim_do_open,
	[HEPH_OP_STATX] = heph_sim_do_statx,
	[HEPH_OP_CHMOD] = heph_sim_do_chmod,
	[HEPH_OP_CHOWN] = heph_sim_do_chown,
	[HEPH_OP_UTIMES] = heph_sim_do_utimes,
	[HEPH_OP_RENAME] = heph_sim_do_rename,
	[HEPH_OP_LINK] = heph_sim_do_link,
	[HEPH_OP_SYMLINK] = heph_sim_do_symlink,
	[HEPH_OP_READ_LINK] = heph_sim_do_read_link,
	[HEPH_OP_REMOVE] = heph_sim_do_remove,
	[HEPH_OP_MKDIR] = heph_sim_do_mkdir,
	[HEPH_OP_SYNC] = heph_sim_do_sync,
	[HEPH_OP_TRUNCATE] = heph_sim_do_truncate,
	[HEPH_OP_ALLOCATE] = heph_sim_do_allocate,
	[HEPH_OP_ADVISE] = heph_sim_do_advise,
	[HEPH_OP_SEEK] = heph_sim_do_seek,
	[HEPH_OP_READ_DIR] = heph_sim_do_read_dir,
	[HEPH_OP_KINDS] = NULL,
};

static int refuse(const struct heph_op *op)
{
	heph_log_error("the simulated kernel does not know this",
		       HEPH_KV_STR("operation", heph_op_type(op)->name));
	return -EOPNOTSUPP;
}

int heph_sim_attempt(struct heph_sim *sim, struct heph_op *op,
		     struct heph_list **ret_waiters)
{
	kind_fn *kind = kinds[op->kind];
	struct heph_sim_file *file;
	int result;

	*ret_waiters = NULL;
	if (!kind)
		return refuse(op);
	result = kind(sim, op);
	if (result == -EAGAIN) {
		file = heph_sim_file(sim, op->number);
		*ret_waiters = file ? &file->waiters : NULL;
	}
	return result;
}
