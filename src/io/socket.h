/* SPDX-License-Identifier: MIT */
/*
 * socket.h - what is done to a socket at once, by its number
 *
 * All of them return 0 or more, or the error of the system call.
 */
#ifndef HEPH_IO_SOCKET_H
#define HEPH_IO_SOCKET_H

#include "core/self.h"
#include "io/address.h"

/* The number of a descriptor; -EBADF. */
int heph_socket_number(heph_ctx ctx, struct heph_fd fd);

/* A new one, close-on-exec; `type`: SOCK_STREAM and the like, SOCK_NONBLOCK.
 * Returns its number. */
int heph_socket_make(struct heph_self *self, int domain, int type, int protocol);

/* Gives it an address; lets it listen. */
int heph_socket_bind_to(struct heph_self *self, int number,
			const struct heph_address *address);
int heph_socket_listen_now(struct heph_self *self, int number, int backlog);

/* Ends it, or half of it. Any thread of the runtime. */
int heph_socket_shut(struct heph *heph, int number, int how);

/* Its own address, or the one of its peer. */
int heph_socket_name(struct heph_self *self, int number, bool peer,
		     struct heph_address *ret_address);

/* An option; the second one reads at most `size` bytes and returns how many. */
int heph_socket_set_raw(struct heph_self *self, int number, int level, int name,
			const void *value, size_t size);
int heph_socket_get_raw(struct heph_self *self, int number, int level, int name,
			void *value, size_t size);
int heph_socket_set_int(struct heph_self *self, int number, int level, int name,
			int value);

/* HEPH_FILE_... of a type, and of a socket that somebody else has made. */
unsigned heph_socket_flags_of(int type);
unsigned heph_socket_inspect(struct heph_self *self, int number);

/* O_NONBLOCK. */
int heph_socket_set_status(struct heph_self *self, int number, int status);

#endif
