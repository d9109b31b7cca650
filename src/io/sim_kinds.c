/* SPDX-License-Identifier: MIT */
#include "io/sim_kinds.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "io/sim_child.h"
#include "io/sim_disk.h"
#include "io/sim_file.h"
#include "io/sim_host.h"
#include "io/sim_pipe.h"
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

/* Those that may be the real kernel's are refused by name. */
static int no_file(const struct heph_op *op)
{
	if (op->number < 0 || op->number >= HEPH_SIM_FIRST)
		return -EBADF;
	heph_log_error("the simulated kernel does not know this",
		       HEPH_KV_INT("descriptor of the real one", op->number));
	return -EOPNOTSUPP;
}

static int set_flags(struct heph_sim_file *file, unsigned flags)
{
	file->flags = (file->flags & ~O_NONBLOCK) | (int)(flags & O_NONBLOCK);
	return 0;
}

static int do_status(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (!file)
		return no_file(op);
	return op->flags ? set_flags(file, op->size) : file->flags;
}

static int do_fcntl(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (!file)
		return no_file(op);
	switch (op->flags) {
	case F_DUPFD_CLOEXEC:
	case F_DUPFD:
		return heph_sim_open_again(sim, file);
	case F_GETFL:
		return file->flags;
	case F_SETFL:
		return set_flags(file, (unsigned)op->number2);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return HEPH_SIM_PIPE_ROOM;
	default:
		return -EINVAL;
	}
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

static int do_nothing(struct heph_sim *sim, struct heph_op *op)
{
	(void)sim, (void)op;
	return 0;
}

static int refuse(struct heph_sim *sim, struct heph_op *op)
{
	(void)sim;
	heph_log_error("the simulated kernel does not know this",
		       HEPH_KV_STR("operation", heph_op_type(op)->name));
	return -EOPNOTSUPP;
}
#define REFUSED refuse

/* Each kind is done, or refused by name. */
static kind_fn *const kinds[] = {
	[HEPH_OP_READ] = do_read,
	[HEPH_OP_WRITE] = do_write,
	[HEPH_OP_READV] = heph_sim_do_readv,
	[HEPH_OP_WRITEV] = heph_sim_do_writev,
	[HEPH_OP_RECV] = do_read,
	[HEPH_OP_SEND] = do_write,
	[HEPH_OP_RECVMSG] = heph_sim_do_recvmsg,
	[HEPH_OP_SENDMSG] = heph_sim_do_sendmsg,
	[HEPH_OP_SENDMSG_ZC] = heph_sim_do_sendmsg,
	[HEPH_OP_ACCEPT] = heph_sim_do_accept,
	[HEPH_OP_ACCEPT_ONE] = heph_sim_do_accept,
	[HEPH_OP_CONNECT] = heph_sim_do_connect,
	[HEPH_OP_POLL] = do_poll,
	[HEPH_OP_CLOSE] = do_close,
	[HEPH_OP_SPAWN] = heph_sim_do_spawn,
	[HEPH_OP_WAIT_PROCESS] = heph_sim_do_wait,
	[HEPH_OP_KILL_PROCESS] = heph_sim_do_kill,
	[HEPH_OP_CLOSE_FILE] = do_close,
	[HEPH_OP_FCNTL] = do_fcntl,
	[HEPH_OP_PIPE] = heph_sim_do_pipe,
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
	[HEPH_OP_RESOLVE] = heph_sim_do_resolve,
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
	[HEPH_OP_XATTR_GET] = REFUSED,
	[HEPH_OP_XATTR_SET] = REFUSED,
	[HEPH_OP_XATTR_LIST] = REFUSED,
	[HEPH_OP_XATTR_REMOVE] = REFUSED,
	[HEPH_OP_LOCK] = REFUSED,
	[HEPH_OP_CLONE] = REFUSED,
	[HEPH_OP_COPY_RANGE] = REFUSED,
	[HEPH_OP_SPLICE] = REFUSED,
	[HEPH_OP_MEMORY_ADVISE] = do_nothing,
	[HEPH_OP_NOTIFY_OPEN] = REFUSED,
	[HEPH_OP_NOTIFY_ADD] = REFUSED,
	[HEPH_OP_NOTIFY_REMOVE] = REFUSED,
};
_Static_assert(sizeof(kinds) / sizeof(*kinds) == HEPH_OP_KINDS,
	       "an operation is missing in the simulated kernel: REFUSED will do");

int heph_sim_attempt(struct heph_sim *sim, struct heph_op *op,
		     struct heph_list **ret_waiters)
{
	kind_fn *kind = kinds[op->kind] ? kinds[op->kind] : REFUSED;
	struct heph_sim_file *file;
	int result;

	*ret_waiters = NULL;
	result = kind(sim, op);
	if (result == -EAGAIN) {
		file = heph_sim_file(sim, op->number);
		*ret_waiters = file ? &file->waiters : NULL;
	}
	return result;
}
