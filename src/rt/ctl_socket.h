/* SPDX-License-Identifier: MIT */
/*
 * ctl_socket.h - where the control socket of a runtime is, and that nobody else
 *                can take its place
 *
 * A place is given as
 *
 *   a path          the socket
 *   a directory     NAME.PID in it; one that ends in "/" is made
 *   auto, or 1      NAME.PID in $XDG_RUNTIME_DIR/heph, or in /run/user/UID/heph,
 *                   or in /tmp/heph-UID: a directory of ours, closed to others
 *   off, 0, ""      there is none
 *
 * The socket has mode 0600 from its first moment on. What a process that has
 * died left in its place is replaced; a socket that somebody listens to, and
 * what is no socket, is left alone.
 */
#ifndef HEPH_RT_CTL_SOCKET_H
#define HEPH_RT_CTL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct heph_ctl_socket {
	int fd;       /* listening, does not block; -1: there is none */
	dev_t device; /* which file is ours */
	ino_t inode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Whether a place says that there shall be none; NULL does. */
bool heph_ctl_socket_off(const char *place);

/*
 * Opens the socket of a program of that name. Logs what is wrong. Returns 0;
 * -EADDRINUSE (somebody listens there), -EEXIST (something else is there),
 * -EPERM (the directory, or what is there, is another user's), -ENAMETOOLONG,
 * -EBUSY (its directory is locked for more than a second), and what the kernel
 * says.
 */
int heph_ctl_socket_open(struct heph_ctl_socket *sock, const char *place,
			 const char *name);

/* Removes it, unless another file has come to its place. */
void heph_ctl_socket_close(struct heph_ctl_socket *sock);

/* A new client, of the same user or of root; -EAGAIN: there is none; -EPERM:
 * there was one of another user, who was told so. */
int heph_ctl_socket_accept(struct heph_ctl_socket *sock);

#endif
