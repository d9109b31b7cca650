/* SPDX-License-Identifier: MIT */
/*
 * op.h - one operation that the kernel does for an actor
 *
 * An operation is a record outside of every stack, in the list of its actor
 * until the kernel has let go of it, which happens exactly once. A table says
 * for each kind how io_uring is asked to do it, and how it is done by a system
 * call. How that comes about is the driver's affair (driver.h):
 *
 *   - io_uring is given the operation, and completes it. What the kernel at
 *     hand has no opcode for is done by a system call, on the thread of the
 *     worker if it cannot block, otherwise on one of a few others (offload.h);
 *   - with epoll the actor itself makes the system call, again whenever the
 *     descriptor is ready; what does not get ready (files) is offloaded;
 *   - the simulated kernel completes it, when its seed says so;
 *   - a plain thread makes the system call, and sleeps until it is ready.
 *
 * Memory. What the kernel reads or writes while the actor waits is never on a
 * stack that may move (stackrule.h): a buffer of the caller that lies there is
 * stood in for by a bounce buffer, or, for reading, by one that the worker
 * provides when the data is there. Paths, addresses, vectors are copied to the
 * room that belongs to the operation.
 */
#ifndef HEPH_IO_OP_H
#define HEPH_IO_OP_H

#include "base/event.h"
#include "core/wait.h"
#include "io/file.h"

enum heph_op_kind {
	HEPH_OP_READ, /* of anything but sockets; at `offset`, or -1 */
	HEPH_OP_WRITE,
	HEPH_OP_READV, /* `size` vectors in `buf`; of sockets: see op_vector.c */
	HEPH_OP_WRITEV,
	HEPH_OP_RECV, /* of sockets; `flags`: MSG_... */
	HEPH_OP_SEND,
	HEPH_OP_RECVMSG, /* `buf`: a struct msghdr */
	HEPH_OP_RECVMMSG, /* `size` of them, that are there; returns how many */
	HEPH_OP_SENDMSG,
	HEPH_OP_SENDMSG_ZC, /* without copying: done when the buffers are free */
	HEPH_OP_ACCEPT, /* goes on until it is cancelled or fails */
	HEPH_OP_ACCEPT_ONE, /* `buf`: its address, `buf2`: the size of that */
	HEPH_OP_CONNECT,
	HEPH_OP_POLL,
	HEPH_OP_CLOSE,
	HEPH_OP_CLOSE_FILE, /* `file`, and tells how that went */
	HEPH_OP_FCNTL, /* the command `flags`, with `number2` */
	HEPH_OP_SPAWN,	      /* `buf`: a plan; process.h; returns a pidfd */
	HEPH_OP_WAIT_PROCESS, /* waitid(2) with `flags`; `buf`: a siginfo_t */
	HEPH_OP_KILL_PROCESS, /* `number2`, by `flags`; `events`: its group */
	HEPH_OP_PIPE,  /* `flags`; `buf`: two ints */
	HEPH_OP_STATUS,   /* fcntl(2) F_GETFL; or F_SETFL, if `flags`, to `size` */
	HEPH_OP_STAT,     /* `buf`: a struct stat */
	HEPH_OP_SOCKET,   /* `number`, `number2`: domain, protocol; type: `flags` */
	HEPH_OP_SOCKET_PAIR, /* the same; `buf`: two ints */
	HEPH_OP_BIND,     /* to the address in `buf` */
	HEPH_OP_LISTEN,   /* `flags`: the backlog */
	HEPH_OP_SHUTDOWN, /* `flags`: SHUT_... */
	/* of level `flags` and name `number2`; `size` of `buf`; get: returns it */
	HEPH_OP_GET_OPTION,
	HEPH_OP_SET_OPTION,
	HEPH_OP_NAME, /* the own address, or if `flags` the peer's: its size */
	HEPH_OP_RESOLVE, /* `buf`: a struct heph_lookup */
	/* of names in the file system; see op_fs.c */
	HEPH_OP_OPEN,
	HEPH_OP_STATX,
	HEPH_OP_CHMOD,
	HEPH_OP_CHOWN,
	HEPH_OP_UTIMES,
	HEPH_OP_RENAME,
	HEPH_OP_LINK,
	HEPH_OP_SYMLINK,
	HEPH_OP_READ_LINK,
	HEPH_OP_REMOVE,
	HEPH_OP_MKDIR,
	HEPH_OP_XATTR_GET,
	HEPH_OP_XATTR_SET,
	HEPH_OP_XATTR_LIST,
	HEPH_OP_XATTR_REMOVE,
	/* of files that are open; see op_file.c */
	HEPH_OP_SYNC,
	HEPH_OP_TRUNCATE,
	HEPH_OP_ALLOCATE,
	HEPH_OP_ADVISE,
	HEPH_OP_SEEK,
	HEPH_OP_READ_DIR,
	HEPH_OP_LOCK,
	HEPH_OP_CLONE,
	HEPH_OP_COPY_RANGE,
	HEPH_OP_SPLICE,
	HEPH_OP_MEMORY_ADVISE,
	/* inotify(7) */
	HEPH_OP_NOTIFY_OPEN,
	HEPH_OP_NOTIFY_ADD, /* the path to `number2`, for `flags`: the watch */
	HEPH_OP_NOTIFY_REMOVE, /* the watch `number2` */
	HEPH_OP_KINDS,
};

/* How a kind is done where the kernel does not complete it. */
enum heph_op_way {
	HEPH_OP_WHEN_READY, /* as soon as poll(2) says `events` */
	HEPH_OP_BLOCKING,   /* it gets ready by itself: a disk's */
	HEPH_OP_AT_ONCE, /* it cannot block; never begun, see heph_op_now() */
};

#define HEPH_OFFSET_NONE UINT64_MAX /* the position of the file */

struct heph_op {
	struct heph_list node; /* in ext->operations, while in flight */
	struct heph_self *self;
	struct heph_file *file; /* NULL: it is about none */
	void *buf;              /* or a path, an address, a vector */
	uint64_t offset;
	void *room; /* memory that is freed with it; NULL: none */
	union {
		struct heph_offload {
			union {
				struct heph_event event; /* it is done */
				/* of those that wait, also in epoll.c */
				struct heph_op *next;
			};
			uint8_t state; /* under the lock of offload.c */
		} offload;
		void *record; /* of the simulated kernel */
	};
	int result;
	int buffer; /* what the driver chose for it, or -1 */
	int number; /* the descriptor, or AT_FDCWD */
	uint32_t size;   /* of `buf` */
	uint32_t events; /* poll: POLLIN, POLLOUT; others: flags or mode */
	uint32_t flags;  /* as the system call has them */
	uint32_t room_size;
	uint8_t kind;
	bool provided; /* the kernel chooses a buffer of the worker */
	bool done;     /* the kernel has let go of it */
	bool cancelling : 1;
	bool unseen : 1; /* in ext->results: what it has made must not be lost */
	bool by_call : 1; /* io_uring cannot do just this one: by system call */
	bool tried : 1;   /* a poll after a system call that said -EAGAIN */

	/* Not of HEPH_OP_SHORT_KINDS. */
	int number2;
	void *buf2;
	uint64_t offset2;
};

/* So many of these wait at a time that they are made without the end. */
enum {
	HEPH_OP_SHORT_KINDS = 1 << HEPH_OP_READ | 1 << HEPH_OP_WRITE |
			      1 << HEPH_OP_RECV | 1 << HEPH_OP_SEND |
			      1 << HEPH_OP_POLL,
	HEPH_OP_SHORT_SIZE = offsetof(struct heph_op, number2),
};

/* What is known of a kind. */
struct io_uring_sqe;
struct heph_op_type {
	const char *name;
	enum heph_op_way way;
	short events;
	bool polled; /* by its system call when it is ready, on all drivers */
	bool reads; /* `result` bytes have come to `buf` */
	int opcode; /* of io_uring; -1: it has none */
	void (*prepare)(struct io_uring_sqe *sqe, struct heph_op *op);
	/* Returns the result or an error; -EAGAIN: it is not ready. */
	int (*attempt)(struct heph_op *op);
};
extern const struct heph_op_type heph_op_types[HEPH_OP_KINDS];

static inline const struct heph_op_type *heph_op_type(const struct heph_op *op)
{
	return &heph_op_types[op->kind];
}

/* How this one is done: a file on a disk never says that it is not ready. */
static inline enum heph_op_way heph_op_way(const struct heph_op *op)
{
	enum heph_op_way way = heph_op_type(op)->way;

	return way == HEPH_OP_WHEN_READY && op->file &&
			       (op->file->flags & HEPH_FILE_DISK) ?
		       HEPH_OP_BLOCKING :
		       way;
}

/* Makes one about a descriptor, or NULL, for the caller to fill in; NULL: no
 * memory. The second one looks first whether the caller may wait, as public
 * functions do. Returns 0; -ENOMEM, -ECANCELED. */
struct heph_op *heph_op_make(struct heph_self *self, enum heph_op_kind kind,
			     struct heph_file *file);
int heph_op_new(heph_ctx ctx, enum heph_op_kind kind, struct heph_file *file,
		struct heph_op **ret_op);

/* Memory that lives as long as the operation, once for each; NULL: there is
 * none. */
void *heph_op_room(struct heph_op *op, size_t size);

/* Frees one that is not in flight. */
void heph_op_free(struct heph_op *op);

/* Waits. Does an operation. Returns its result; -ETIME, -ECANCELED. The second
 * one is for those that heph_op_by_actor() says no of; the third one frees it,
 * too. */
int heph_op_run(heph_ctx ctx, struct heph_op *op);
int heph_op_run_begun(heph_ctx ctx, struct heph_op *op);
int heph_op_finish(heph_ctx ctx, struct heph_op *op);

/* Waits. Where nothing gets ready when there is room again: for `*pause`, which is 0 at
 * first and gets longer each time. Returns 0; -ENOMEM, -ETIME, -ECANCELED. */
int heph_op_pause(heph_ctx ctx, heph_time *pause);

/* Does one that cannot block; it may lie on the stack. Returns its result. The
 * second one is for whoever is no actor. */
int heph_op_now(struct heph_self *self, struct heph_op *op);
int heph_op_now_by(struct heph *heph, struct heph_op *op);

/* Begins one, for a worker, or one of HEPH_OP_RESOLVE for any thread: `op` lives
 * until `done`. */
void heph_op_start(struct heph_op *op);

/* Asks the kernel to give one up; and all of an actor. It ends with -ECANCELED,
 * or with what it had done before. */
void heph_op_cancel(struct heph_op *op);
void heph_op_cancel_all(struct heph_self *self);

/* Waits. For the end of one that was begun, which is asked for if the wait ends
 * before. Returns its result; -ETIME, -ECANCELED. */
int heph_op_result(heph_ctx ctx, struct heph_op *op);

/* Waits until an operation has ended. */
void heph_op_await(struct heph_op *op);

/* Takes back what abandoned actors have in flight, for the driver that stops. Ends
 * the process if that takes more than a second. */
void heph_ops_end(struct heph_worker *worker);

/* Closes what one in ext->results has brought, and takes it out of there. */
void heph_op_undo(struct heph *heph, struct heph_op *op);

/* The driver's: the kernel has said something about the operation; `more`:
 * and will again. */
void heph_op_complete(struct heph_op *op, int result, int buffer, bool more);

/* Closes a number, without waiting for it; and before it returns, if others are
 * to notice. Any thread of the runtime. */
void heph_op_close(int number);
void heph_op_close_now(struct heph *heph, int number);

/* Whether the actor makes the system calls itself, so that their memory may lie
 * on its stack. */
bool heph_op_by_actor(const struct heph_self *self, const struct heph_op *op);

#endif
