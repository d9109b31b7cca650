/* SPDX-License-Identifier: MIT */
/*
 * logout.h - where log lines go: a descriptor, or the socket of the journal
 *
 * Thread     write: one at a time, the holder of the log's lock. Changing the
 *            journal's socket needs the same lock. The rest: any thread.
 */
#ifndef HEPH_BASE_LOGOUT_H
#define HEPH_BASE_LOGOUT_H

#include "base/logring.h"

#include <heph/log.h>
#include <heph/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/un.h>

struct heph_logout {
	atomic_int fd;           /* for logfmt; not ours to close */
	_Atomic(heph_log_fn) fn; /* instead of fd, if not NULL */
	atomic_bool journal;     /* new lines are for the journal */
	/* under the lock */
	int socket; /* 0: none yet */
	struct sockaddr_un address;
};

/*
 * Connects to the journal at `path`, NULL: the usual place, and sends new lines
 * there. Returns 0; or -ENAMETOOLONG, or the error of socket(2) or connect(2),
 * and nothing has changed.
 */
int heph_logout_open_journal(struct heph_logout *out, const char *path);

/*
 * Writes a line to where it was made for. Waits until there is room, but not
 * after `deadline`. Returns 0; -ETIME if nothing was written for lack of
 * time; or the error for which the line is lost.
 */
int heph_logout_write(struct heph_logout *out, const struct heph_logslot *line,
		      heph_time deadline);

#endif
