/* SPDX-License-Identifier: MIT */
/*
 * error.h - what went wrong, as a number and in words
 *
 * OpenSSL's queue of errors and the text are of the thread, so both are dealt with
 * before the next wait. Nothing here waits.
 */
#ifndef HEPH_TLS_ERROR_H
#define HEPH_TLS_ERROR_H

/* Sets the text, cut at some 200 bytes. Returns `err`. */
int heph_tls_error(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes OpenSSL's oldest error, which says most, and forgets the others. The text
 * is `what`, a colon and its reason. Returns -ENOMEM if memory was short, otherwise
 * `err`. */
int heph_tls_error_take(int err, const char *what);

#endif
