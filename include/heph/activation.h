/* SPDX-License-Identifier: MIT */
/*
 * activation.h - descriptors that the service manager has passed
 *
 * Socket activation, as in systemd.socket(5) and sd_listen_fds(3): the manager
 * opens the sockets and may start the program only when somebody comes, or
 * again, without anybody being refused. Its descriptors are those from 3 on, and
 * LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say how many they are and how they
 * are called. The first of these calls reads the variables, takes them out of
 * the environment, and sets close-on-exec: children get neither. No library of
 * systemd is needed.
 *
 * Neither function waits. Any thread; but the first call changes the environment,
 * so no other thread should be reading that then.
 */
#ifndef HEPH_ACTIVATION_H
#define HEPH_ACTIVATION_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heph_activation {
	HEPH_ACTIVATION_ANY,	  /* whatever it is: a pipe, a connection */
	HEPH_ACTIVATION_LISTENER, /* a socket that listens, for heph_accept() */
	HEPH_ACTIVATION_DATAGRAM, /* a socket for datagrams */
};

/* How many descriptors of that name there are, taken or not; `name` NULL: of all
 * names. Those without names are called "unknown". Returns it, 0 too; -EINVAL
 * (the variables make no sense); -EBADF (one is not open). */
HEPH_API HEPH_MUST int heph_activation_count(const char *name);

/*
 * Takes over the descriptor number `index`, from 0, of those of that name; NULL:
 * of all. It is the caller's now, and closed with it. Options of the socket stay
 * as the manager has set them (NoDelay= and the like); O_NONBLOCK becomes what
 * the runtime needs. Returns 0; -ENOENT (there is none), -EBUSY (it was taken),
 * -EPROTOTYPE (it is something else than `what`), and then it can still be taken;
 * -EINVAL and -EBADF as above; -ENOMEM, -ENFILE.
 */
HEPH_API HEPH_MUST int heph_activation_take(heph_ctx ctx, const char *name,
					    unsigned index,
					    enum heph_activation what,
					    struct heph_fd *ret_fd);

#ifdef __cplusplus
}
#endif
#endif
