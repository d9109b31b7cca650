/* SPDX-License-Identifier: MIT */
/*
 * ctl_client.h - a client of the control socket, and the thread that serves it
 *
 * The thread blocks: it reads a request, answers it, and reads the next one. So
 * a client that does not read holds up nobody else; it is dropped after
 * `patience` in which not a byte could be written.
 */
#ifndef HEPH_RT_CTL_CLIENT_H
#define HEPH_RT_CTL_CLIENT_H

#include <heph/types.h>

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "rt/ctl_request.h"

struct heph_runtime;

enum { HEPH_CTL_BUFFER = 65536 };

struct heph_ctl_client {
	struct heph_runtime *runtime;
	int fd;
	heph_time patience;
	pthread_t thread;
	_Atomic bool ended; /* the thread will not touch it any more */
	bool gone;          /* nothing can be written any more */
	bool skipping;      /* the rest of a line that is too long */
	json_t *id;         /* of the request in hand; NULL: none */
	size_t n_in, n_out;
	char in[HEPH_CTL_LINE_MAX];
	char out[HEPH_CTL_BUFFER];
};

/* Serves a client until it goes, or its socket is shut down. By its thread. */
void heph_ctl_client_serve(struct heph_ctl_client *client);

/* Sends a line: an object of the caller's, which is taken (NULL: there was no
 * memory for it). Returns false if the client is gone. */
bool heph_ctl_client_send(struct heph_ctl_client *client, json_t *line);

/* Waits until what was sent so far is on its way; not for longer than the patience. */
void heph_ctl_client_flush(struct heph_ctl_client *client);

/* Answers a request; in ctl_answer.c. Returns 0, or `error->err`. */
int heph_ctl_answer(struct heph_ctl_client *client,
		    const struct heph_ctl_request *request,
		    struct heph_ctl_error *error);

#endif
