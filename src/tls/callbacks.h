/* SPDX-License-Identifier: MIT */
/*
 * callbacks.h - what OpenSSL asks while it shakes hands
 *
 * They run within OpenSSL, on the stack of the actor, and do not wait.
 */
#ifndef HEPH_TLS_CALLBACKS_H
#define HEPH_TLS_CALLBACKS_H

struct heph_tls_setup;

/* Sets those that a setup needs. Returns 0; -ENOMEM. */
int heph_tls_callbacks_set(struct heph_tls_setup *setup);

#endif
