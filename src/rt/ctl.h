/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - the control socket of a runtime: who asks there is told what it does
 *
 * It is off unless config.control or the environment's HEPH_CONTROL names a
 * place (see ctl_socket.h). A thread waits for clients, and each of them has a
 * thread of its own while it is there; none of them runs actors, so all of it
 * works while every worker is stuck.
 */
#ifndef HEPH_RT_CTL_H
#define HEPH_RT_CTL_H

#include <errno.h>
#include <pthread.h>

#include "rt/ctl_socket.h"
#include "rt/runtime.h"

#ifndef HEPH_CTL
#define HEPH_CTL 0
#endif

enum { HEPH_CTL_CLIENTS = 32 }; /* at a time */

/* After so long in which it did not read a client is dropped. */
#define HEPH_CTL_PATIENCE (10 * HEPH_SEC)

struct heph_ctl_client;

struct heph_ctl {
	struct heph_runtime *runtime;
	struct heph_ctl_socket socket;
	_Atomic heph_time patience; /* of clients to come */
	int event; /* an eventfd: the end, or a client has ended */
	pthread_t thread;
	_Atomic bool quit;
	struct heph_ctl_client *clients[HEPH_CTL_CLIENTS]; /* of the thread */
};

/*
 * Opens the socket and starts the thread, if one is wanted. Logs what is wrong.
 * Returns 0, also if there is none; -ENOMEM, -EAGAIN (no more threads),
 * -EOPNOTSUPP (the library was built without it), and those of
 * heph_ctl_socket_open().
 */
int heph_ctl_start(struct heph_runtime *runtime);

/* Removes the socket, sends the clients away, ends the threads. */
void heph_ctl_stop(struct heph_runtime *runtime);

#endif
