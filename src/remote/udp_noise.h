/* SPDX-License-Identifier: MIT */
/*
 * udp_noise.h - two messages that make two keys of a shared one
 *
 * This is Noise_NNpsk0_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34):
 * both sides have the same secret key beforehand, each draws a key pair for this
 * once, and what comes out can be computed only by who has both the secret and
 * one of these pairs. So who records all of it, and gets the secret later, cannot
 * read it.
 *
 *     initiator                              responder
 *     -> psk, e        heph_noise_write()    heph_noise_read()
 *     <- e, ee         heph_noise_read()     heph_noise_write()
 *                      heph_noise_split()    heph_noise_split()
 *
 * Plain memory, no I/O, no random numbers: those are given. Any thread.
 */
#ifndef HEPH_REMOTE_UDP_NOISE_H
#define HEPH_REMOTE_UDP_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEPH_NOISE_KEY = 32,  /* bytes of all keys, secret and public */
	HEPH_NOISE_MORE = 48, /* a message is longer than its payload */
};

struct heph_noise {
	bool second; /* the first message is written, or read */
	uint8_t chain[32], hash[32], key[32];
	uint8_t secret[HEPH_NOISE_KEY], near[HEPH_NOISE_KEY]; /* our pair */
	uint8_t far[HEPH_NOISE_KEY]; /* what is public of the other one's */
};

/* Begins. Both sides have the same key and the same prologue. */
void heph_noise_init(struct heph_noise *noise,
		     const uint8_t psk[HEPH_NOISE_KEY], const void *prologue,
		     size_t size);

/* Writes the message whose turn it is, of `size` + HEPH_NOISE_MORE bytes. `secret` is
 * random, and used for nothing else. Returns its size; -EBADMSG (what the other one
 * has sent is no key; nothing may be sent). */
int heph_noise_write(struct heph_noise *noise,
		     const uint8_t secret[HEPH_NOISE_KEY], const void *payload,
		     size_t size, uint8_t *ret_message);

/* The same in two steps, for a payload that depends on the keys: the first one writes
 * HEPH_NOISE_KEY bytes, after the second message's heph_noise_split() can be asked, the
 * other one the rest. */
int heph_noise_write_key(struct heph_noise *noise,
			 const uint8_t secret[HEPH_NOISE_KEY],
			 uint8_t *ret_message);
int heph_noise_write_payload(struct heph_noise *noise, const void *payload,
			     size_t size, uint8_t *ret_rest);

/* Reads one: `ret_payload` has room for `size` - HEPH_NOISE_MORE bytes. Returns the
 * size of that; -EBADMSG: it is forged, and nothing has changed. */
int heph_noise_read(struct heph_noise *noise, const uint8_t *message,
		    size_t size, uint8_t *ret_payload);

/* When the keys of both messages are mixed in: the key of what the initiator sends, and
 * of what the responder sends. */
void heph_noise_split(const struct heph_noise *noise,
		      uint8_t ret_first[HEPH_NOISE_KEY],
		      uint8_t ret_second[HEPH_NOISE_KEY]);

/* Nothing is left of it. */
void heph_noise_fini(struct heph_noise *noise);

#endif
