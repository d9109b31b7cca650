/* SPDX-License-Identifier: MIT */
/*
 * The table of kinds: how io_uring is asked to do one, and how it is done by a
 * system call. The functions are in op_*.c, by what they work on.
 */
#include "io/kinds.h"

#include <liburing.h>
#include <poll.h>

#include "io/uring_abi.h"

#define WHEN_READY(op, name_, events_)                                         \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY,                     \
		.events = (events_), .opcode = IORING_OP_##op,                 \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
#define READS(op, name_)                                                       \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY, .events = POLLIN,   \
		.reads = true, .opcode = IORING_OP_##op,                       \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
/* Of a disk, with an opcode and without. */
#define BLOCKING(op, name_)                                                    \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_BLOCKING, .opcode = (op),       \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
#define BY_THREAD(name_)                                                       \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_BLOCKING, .opcode = -1,         \
		.attempt = heph_attempt_##name_                                \
	}
#define POLLED(name_, events_)                                                 \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY,                     \
		.events = (events_), .polled = true, .opcode = -1,             \
		.attempt = heph_attempt_##name_                                \
	}
#define AT_ONCE(name_)                                                         \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_AT_ONCE, .opcode = -1,          \
		.attempt = heph_attempt_##name_                                \
	}

const struct heph_op_type heph_op_types[] = {
	[HEPH_OP_READ] = READS(READ, read),
	[HEPH_OP_WRITE] = WHEN_READY(WRITE, write, POLLOUT),
	[HEPH_OP_READV] = WHEN_READY(READV, readv, POLLIN),
	[HEPH_OP_WRITEV] = WHEN_READY(WRITEV, writev, POLLOUT),
	[HEPH_OP_RECV] = READS(RECV, recv),
	[HEPH_OP_SEND] = WHEN_READY(SEND, send, POLLOUT),
	[HEPH_OP_RECVMSG] = WHEN_READY(RECVMSG, recvmsg, POLLIN),
	[HEPH_OP_RECVMMSG] = AT_ONCE(recvmmsg),
	[HEPH_OP_SENDMSG] = WHEN_READY(SENDMSG, sendmsg, POLLOUT),
	[HEPH_OP_SENDMSG_ZC] = WHEN_READY(SENDMSG_ZC, sendmsg_zc, POLLOUT),
	[HEPH_OP_ACCEPT] = WHEN_READY(ACCEPT, accept, POLLIN),
	[HEPH_OP_ACCEPT_ONE] = WHEN_READY(ACCEPT, accept_one, POLLIN),
	[HEPH_OP_CONNECT] = WHEN_READY(CONNECT, connect, POLLOUT),
	[HEPH_OP_POLL] = WHEN_READY(POLL_ADD, poll, 0),
	[HEPH_OP_CLOSE] = AT_ONCE(close),
	[HEPH_OP_CLOSE_FILE] = BLOCKING(IORING_OP_CLOSE, close_file),
	[HEPH_OP_FCNTL] = AT_ONCE(fcntl),
	[HEPH_OP_SPAWN] = BY_THREAD(spawn),
	[HEPH_OP_WAIT_PROCESS] = POLLED(wait_process, POLLIN),
	[HEPH_OP_KILL_PROCESS] = AT_ONCE(kill_process),
	[HEPH_OP_PIPE] = AT_ONCE(pipe),
	[HEPH_OP_STATUS] = AT_ONCE(status),
	[HEPH_OP_STAT] = AT_ONCE(stat),
	[HEPH_OP_SOCKET] = AT_ONCE(socket),
	[HEPH_OP_SOCKET_PAIR] = AT_ONCE(socket_pair),
	[HEPH_OP_BIND] = AT_ONCE(bind),
	[HEPH_OP_LISTEN] = AT_ONCE(listen),
	[HEPH_OP_SHUTDOWN] = AT_ONCE(shutdown),
	[HEPH_OP_GET_OPTION] = AT_ONCE(get_option),
	[HEPH_OP_SET_OPTION] = AT_ONCE(set_option),
	[HEPH_OP_NAME] = AT_ONCE(name),
	[HEPH_OP_RESOLVE] = BY_THREAD(resolve),
	[HEPH_OP_OPEN] = BLOCKING(IORING_OP_OPENAT, open),
	[HEPH_OP_STATX] = BLOCKING(IORING_OP_STATX, statx),
	[HEPH_OP_CHMOD] = BY_THREAD(chmod),
	[HEPH_OP_CHOWN] = BY_THREAD(chown),
	[HEPH_OP_UTIMES] = BY_THREAD(utimes),
	[HEPH_OP_RENAME] = BLOCKING(IORING_OP_RENAMEAT, rename),
	[HEPH_OP_LINK] = BLOCKING(IORING_OP_LINKAT, link),
	[HEPH_OP_SYMLINK] = BLOCKING(IORING_OP_SYMLINKAT, symlink),
	[HEPH_OP_READ_LINK] = BY_THREAD(read_link),
	[HEPH_OP_REMOVE] = BLOCKING(IORING_OP_UNLINKAT, remove),
	[HEPH_OP_MKDIR] = BLOCKING(IORING_OP_MKDIRAT, mkdir),
	[HEPH_OP_XATTR_GET] = BLOCKING(IORING_OP_GETXATTR, xattr_get),
	[HEPH_OP_XATTR_SET] = BLOCKING(IORING_OP_SETXATTR, xattr_set),
	[HEPH_OP_XATTR_LIST] = BY_THREAD(xattr_list),
	[HEPH_OP_XATTR_REMOVE] = BY_THREAD(xattr_remove),
	[HEPH_OP_SYNC] = BLOCKING(IORING_OP_FSYNC, sync),
	[HEPH_OP_TRUNCATE] = BLOCKING(HEPH_URING_FTRUNCATE, truncate),
	[HEPH_OP_ALLOCATE] = BLOCKING(IORING_OP_FALLOCATE, allocate),
	[HEPH_OP_ADVISE] = BLOCKING(IORING_OP_FADVISE, advise),
	[HEPH_OP_SEEK] = BY_THREAD(seek),
	[HEPH_OP_READ_DIR] = BY_THREAD(read_dir),
	[HEPH_OP_LOCK] = BY_THREAD(lock),
	[HEPH_OP_CLONE] = BY_THREAD(clone),
	[HEPH_OP_COPY_RANGE] = BY_THREAD(copy_range),
	[HEPH_OP_SPLICE] = BLOCKING(IORING_OP_SPLICE, splice),
	[HEPH_OP_MEMORY_ADVISE] = BLOCKING(IORING_OP_MADVISE, memory_advise),
	[HEPH_OP_NOTIFY_OPEN] = AT_ONCE(notify_open),
	[HEPH_OP_NOTIFY_ADD] = BY_THREAD(notify_add),
	[HEPH_OP_NOTIFY_REMOVE] = AT_ONCE(notify_remove),
};
_Static_assert(sizeof(heph_op_types) / sizeof(*heph_op_types) == HEPH_OP_KINDS,
	       "an operation is missing in the table");
