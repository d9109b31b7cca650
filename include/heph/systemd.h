/* SPDX-License-Identifier: MIT */
/*
 * systemd.h - telling the service manager how the program is
 *
 * A service of Type=notify says when it is ready, that it reloads, that it stops,
 * what it is at, and that it is alive: datagrams to the socket that the variable
 * NOTIFY_SOCKET names, as in sd_notify(3). No library of systemd is needed, and
 * other managers that speak this protocol will do.
 *
 * Most programs spawn the ready-made actor heph_systemd, see below. The others
 * open a struct heph_systemd and call the functions themselves. If there is no
 * manager all of them succeed and do nothing, so a program need not ask.
 *
 * The environment is left as it is: NOTIFY_SOCKET, WATCHDOG_USEC (microseconds
 * between signs of life) and WATCHDOG_PID (whose; if it is not this process there
 * is no watchdog). Sockets that the manager has opened, and descriptors that it
 * has kept, come by activation.h.
 *
 * Functions that wait do so while the socket of the manager is full. They return
 * 0; -ETIME, -ECANCELED; -EBADF (closed); -ECONNREFUSED, -ENOENT (the manager is
 * gone); -ENOMEM, and what sendmsg(2) says.
 */
#ifndef HEPH_SYSTEMD_H
#define HEPH_SYSTEMD_H

#include <heph/message.h>
#include <heph/standard.h>
#include <heph/types.h>

#ifndef __cplusplus
#include <heph/typed.h>
#endif

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a status, with its end: what is longer is cut, at a whole character.
 * Line ends in it become spaces. */
enum { HEPH_SYSTEMD_STATUS_MAX = 256 };

/* Plain data. Belongs to the actor that opened it, as `fd` does. */
struct heph_systemd {
	heph_fd fd;	    /* { 0 }: there is no manager */
	heph_time watchdog; /* a sign of life is due so often; 0: none is. May be
			       changed, which tells the manager nothing */
};

enum heph_systemd_state {
	HEPH_SYSTEMD_READY,
	HEPH_SYSTEMD_RELOADING, /* READY must follow */
	HEPH_SYSTEMD_STOPPING,
};

/* ---- the connection --------------------------------------------------------- */

/*
 * Waits. Connects to the manager that the environment names. Returns 1; 0 (there
 * is none: NOTIFY_SOCKET is not set); -EINVAL (it is neither a path nor @name),
 * -EAFNOSUPPORT (vsock:), and as above. A WATCHDOG_USEC that is no number is
 * ignored, with a warning in the log.
 */
HEPH_API HEPH_MUST int heph_systemd_open(heph_ctx ctx,
					 struct heph_systemd *ret_systemd);

/* Waits. Connects to that socket, "/path" or "@name" of the abstract namespace;
 * without a watchdog. Returns 0; -EINVAL, and as above. */
HEPH_API HEPH_MUST int heph_systemd_connect(heph_ctx ctx, const char *path,
					    struct heph_systemd *ret_systemd);

/* Closes it, which ending the actor does as well. Does not wait. */
HEPH_API void heph_systemd_close(heph_ctx ctx, struct heph_systemd *systemd);

/* ---- what there is to tell ---------------------------------------------------- */

/* Waits. READY=1, RELOADING=1 with MONOTONIC_USEC, or STOPPING=1; and with a
 * `status`, which may be NULL, STATUS=. */
HEPH_API HEPH_MUST int heph_systemd_state(heph_ctx ctx,
					  const struct heph_systemd *systemd,
					  enum heph_systemd_state state,
					  const char *status);

/* Waits. STATUS=: a line for people, in `systemctl status`. */
HEPH_API HEPH_MUST int heph_systemd_status(heph_ctx ctx,
					   const struct heph_systemd *systemd,
					   const char *status);

/* Waits. ERRNO=: why it fails; `err` may be positive or negative. */
HEPH_API HEPH_MUST int heph_systemd_errno(heph_ctx ctx,
					  const struct heph_systemd *systemd,
					  int err);

/* Waits. EXTEND_TIMEOUT_USEC=: starting, or stopping, goes on for up to that
 * long from now. -EINVAL (less than a microsecond). */
HEPH_API HEPH_MUST int heph_systemd_extend(heph_ctx ctx,
					   const struct heph_systemd *systemd,
					   heph_time length);

/* Waits. MAINPID=: the process of the service is another one. */
HEPH_API HEPH_MUST int heph_systemd_main_pid(heph_ctx ctx,
					     const struct heph_systemd *systemd,
					     pid_t pid);

/* Waits. WATCHDOG=1: a sign of life; WATCHDOG=trigger: that it hangs, for the
 * manager to do at once what it would do later. */
HEPH_API HEPH_MUST int heph_systemd_ping(heph_ctx ctx,
					 const struct heph_systemd *systemd);
HEPH_API HEPH_MUST int heph_systemd_trigger(heph_ctx ctx,
					    const struct heph_systemd *systemd);

/* Waits. Any other assignments, "NAME=value\n" each, 4,000 bytes at most:
 * -EMSGSIZE. */
HEPH_API HEPH_MUST int heph_systemd_notify(heph_ctx ctx,
					   const struct heph_systemd *systemd,
					   const char *assignments);

/* Waits. Until the manager has seen all that was told before: for a process
 * that is about to end. BARRIER=1. */
HEPH_API HEPH_MUST int heph_systemd_barrier(heph_ctx ctx,
					    const struct heph_systemd *systemd);

/* ---- descriptors that outlive the process ------------------------------------- */

/* The manager keeps it also when the other end hangs up; FDPOLL=0. */
#define HEPH_SYSTEMD_KEEP 1u

/*
 * Waits. FDSTORE=1: gives the manager a copy of a descriptor, to be passed to the
 * next start of the service (FileDescriptorStoreMax= must allow it), where
 * heph_activation_take() finds it by `name`: 1 to 255 printable characters of
 * ASCII without a colon. Several may have the same name. `flags` is 0 or
 * HEPH_SYSTEMD_KEEP. Returns as above; -EINVAL.
 */
HEPH_API HEPH_MUST int heph_systemd_store(heph_ctx ctx,
					  const struct heph_systemd *systemd,
					  heph_fd fd, const char *name,
					  unsigned flags);

/* Waits. FDSTOREREMOVE=1: it forgets all of that name. Returns as above;
 * -EINVAL. */
HEPH_API HEPH_MUST int heph_systemd_unstore(heph_ctx ctx,
					    const struct heph_systemd *systemd,
					    const char *name);

/* ---- an actor that does it ------------------------------------------------------ */

/*
 * heph_spawn(ctx, heph_systemd, &ref, { .health = healthy }): an actor that says
 * that the program is ready when it starts, passes on what it is sent, and says
 * that the program stops when it is stopped itself: as an actor of the first
 * level by SIGTERM. If there is no manager it ends at once, with 0: messages are
 * sent to it by heph_post() then.
 *
 * With a watchdog it calls `health` after each half of the time, and gives the
 * sign of life if that returns 0. If it does not, or takes longer than that half,
 * the status says so, and the manager acts when the time is over; or at once,
 * with `trigger`. What the manager does is for the unit to say.
 */
struct heph_systemd_arg {
	/* Waits, for at most half of the watchdog's time. Whether the program is
	 * well: 0, or a negative errno; it may write why into `ret_status`. It finds
	 * other actors by heph_whereis(). NULL: it is well as long as this actor
	 * runs. */
	int (*health)(heph_ctx ctx, char ret_status[HEPH_SYSTEMD_STATUS_MAX]);
	bool trigger;
	bool later; /* READY is sent to it as a message */
};

struct heph_systemd_msg {
	enum {
		HEPH_SYSTEMD_SET_STATE, /* `state`, and `status` if not empty;
					   after STOPPING it ends */
		HEPH_SYSTEMD_SET_STATUS, /* `status` */
		HEPH_SYSTEMD_EXTEND,     /* `length` */
	} kind;
	enum heph_systemd_state state;
	heph_time length;
	char status[HEPH_SYSTEMD_STATUS_MAX];
};

/* For C++ heph.hpp declares the rest. */
HEPH_API extern const struct heph_actor heph_systemd_actor;
#ifndef __cplusplus
HEPH_ACTOR_DECLARED__(heph_systemd, struct heph_systemd_msg, struct heph_systemd_arg);
#endif

/* Other messages as its own, for heph_map(): both are STOPPING. A signal must be
 * SIGINT, SIGTERM or SIGQUIT, otherwise -EINVAL; the status says that it was
 * one. Any thread; do not wait. */
HEPH_API HEPH_MUST int
heph_systemd_from_terminate(const struct heph_terminate *from,
			    struct heph_systemd_msg *to);
HEPH_API HEPH_MUST int heph_systemd_from_signal(const struct heph_signal *from,
						struct heph_systemd_msg *to);

#ifdef __cplusplus
}
#endif
#endif
