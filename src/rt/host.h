/* SPDX-License-Identifier: MIT */
/* host.h - what can be told of the machine */
#ifndef HEPH_RT_HOST_H
#define HEPH_RT_HOST_H

/* The first line of a file if that is 32 hex digits, and else an empty text. */
void heph_host_read_id(const char *path, char ret_id[33]);

#endif
