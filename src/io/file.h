/* SPDX-License-Identifier: MIT */
/*
 * file.h - the descriptors of a runtime, and who owns them
 *
 * A heph_fd is a place in a table and a turn: each time that a place gets
 * another descriptor, or none, its turn goes on, so an old heph_fd fits
 * nothing any more. The table is shared by the runtime's threads and never
 * unmapped; an entry is touched by its owner's thread alone, but for the turn
 * and the owner, which others compare with what they know.
 * Each thread keeps a few free places of its own, so that opening and closing
 * seldom take the lock.
 */
#ifndef HEPH_IO_FILE_H
#define HEPH_IO_FILE_H

#include <heph/io.h>

#include "core/self.h"

enum { HEPH_FILES_MAX = 1 << 20 };

struct heph_op;
struct heph_spawned;

/* What a listening socket has accepted and nobody has asked for yet. */
struct heph_backlog {
	struct heph_op *accept; /* in flight, may bring more; or NULL */
	int *numbers;
	unsigned first, n, max;
	int err; /* of the last accept that ended; to be told once */
};

enum {
	HEPH_FILE_SOCKET = 1 << 0,
	HEPH_FILE_PACKETS = 1 << 1,  /* what a read has no room for is lost */
	HEPH_FILE_DISK = 1 << 2,     /* poll(2) says nothing about it */
	HEPH_FILE_NONBLOCK = 1 << 3, /* O_NONBLOCK */
	HEPH_FILE_LISTENER = 1 << 4,
	HEPH_FILE_SHARED = 1 << 5, /* its port may be shared */
	HEPH_FILE_LENT = 1 << 6,   /* others know the number, and use it */
	HEPH_FILE_PIPE = 1 << 7,
	HEPH_FILE_DRAINED = 1 << 8, /* the last large read took all there was */
	HEPH_FILE_DATAGRAMS = 1 << 9, /* each is sent whole, or not at all */
};

struct heph_file {
	struct heph_owned owned; /* in the owner's list */
	_Atomic uint32_t turn;   /* fits the heph_fd while it is open */
	int number;              /* the kernel's */
	_Atomic(struct heph_self *) owner; /* NULL: closed, or given */
	uint32_t slot, next_free;
	uint16_t flags;   /* HEPH_FILE_... */
	bool closing;     /* when `backlog.accept` has ended */
	int view_in;      /* a buffer of the driver; below 0: its size, of the pool */
	struct heph_backlog backlog;
	struct heph_spawned *spawned; /* a child process; NULL: none */
	char *view; /* what heph_read_view() returned; NULL: nothing */
};

/* The table of a runtime. Returns 0; -ENOMEM. */
int heph_files_init(struct heph *heph);
/* Closes what is still open. */
void heph_files_fini(struct heph *heph);

/* An entry for `number`, owned by the caller of ctx. Returns 0; -ENOMEM,
 * -ENFILE (the table is full), and then `number` is still open. */
int heph_file_open(struct heph_self *owner, int number, unsigned flags,
		   struct heph_fd *ret_fd);

/* Tells if that is because of a limit, but not of a simulated one. */
void heph_file_scarce(const struct heph_self *owner, int err);

/* The same; closes the number if that fails. A `number` below 0 is returned. */
int heph_file_admit(struct heph_self *owner, int number, unsigned flags,
		    struct heph_fd *ret_fd);

/* What the kernel says that a number is: HEPH_FILE_...; -EBADF; -EOPNOTSUPP (the
 * simulated one, of a number of the real one). */
int heph_file_inspect(struct heph_self *self, int number);

/* The same, without a number so far: it cannot be found until it has one. Cancel
 * closes it. */
int heph_file_reserve(struct heph_self *owner, unsigned flags,
		      struct heph_fd *ret_fd, struct heph_file **ret_file);
void heph_file_cancel(struct heph_file *file);

/* The entry, if it is open and the caller's; else NULL, that is -EBADF. */
struct heph_file *heph_file_find(heph_ctx ctx, struct heph_fd fd);

/* The entry, if it is open and of the parent of the caller, on this worker. It
 * stays open until the caller has ended. */
struct heph_file *heph_file_of_parent(heph_ctx ctx, struct heph_fd fd);

/* The entry has no operation any more: closes the number, frees the entry. */
void heph_file_finish(struct heph_file *file);

/* Gives back what heph_read_view() returned, if anything. By the owner. */
void heph_file_give_view(struct heph_self *owner, struct heph_file *file);
static inline void heph_file_end_view(struct heph_self *owner,
				      struct heph_file *file)
{
	if (file->view)
		heph_file_give_view(owner, file);
}

/* An operation HEPH_OP_CLOSE_FILE has ended: frees the entry, closes the number
 * if that was not done. `op->result` is what to tell. */
void heph_file_closed(struct heph_op *op);

/* The driver's part; see struct heph_driver. */
int heph_file_detach(heph_ctx ctx, struct heph_fd fd);
void heph_file_attach(struct heph_self *to, struct heph_fd fd);

#endif
