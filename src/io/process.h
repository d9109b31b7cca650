/* SPDX-License-Identifier: MIT */
/*
 * process.h - child processes, and who waits for them
 *
 * A child process is an entry of the table of descriptors, its pidfd, with a
 * record. The entry is made before the child, and filled in when the operation
 * that made it completes, so there is no moment at which nobody owns it.
 */
#ifndef HEPH_IO_PROCESS_H
#define HEPH_IO_PROCESS_H

#include <heph/process.h>

#include "io/op.h"

/* What HEPH_OP_SPAWN is told, in `buf`; lies in the room of the operation. */
enum { HEPH_PLAN_INHERIT = -1, HEPH_PLAN_NULL = -2 };
struct heph_birth_plan {
	char **paths; /* tried one after the other */
	size_t n_paths;
	char **argv, **environment;
	char *directory;	    /* NULL: as it is */
	int *files, *moved;	    /* for 0, 1, ...; the second one is scratch */
	size_t n_files;
	bool new_group, new_session, as_user;
	unsigned user, group;
	int pid;      /* set */
	int *err;     /* why it cannot run; at the far end of its stack */
};

/* The record, of a struct heph_file. */
struct heph_spawned {
	int pid;
	bool leader;   /* of a group of its own */
	bool detached; /* goes on without its owner */
	bool reaped;   /* waited for; `status` is known, or `err` is set */
	int err;
	heph_time grace; /* below 0: none */
	struct heph_process_status status;
};

/* Lays out a plan in the room of `op`: texts are copied, `files` has room for
 * `n_files`. Returns 0; -ENOMEM, -E2BIG. */
int heph_plan_make(struct heph_op *op, const char *const *argv,
		   const struct heph_process_options *options, size_t n_files);

/* The operation that makes a child has ended. */
void heph_process_born(struct heph_op *op);

/* Waits. Ends the child of an entry whose owner ends, if it shall. */
void heph_process_undo(struct heph_self *self, struct heph_file *file);

/* The entry is about to be closed, by whoever does not wait: kills a child that
 * was not waited for, unless it is detached; somebody else waits for it. Frees the
 * record. Any thread of the runtime. */
void heph_process_leave(struct heph *heph, struct heph_file *file);

/* The same; when it returns the child has ended. A detached one is left. */
void heph_process_kill_now(struct heph *heph, struct heph_file *file);

#endif
