/* SPDX-License-Identifier: MIT */
/*
 * Keys of an epoch come from its chain by two functions (crypto_kdf, which is
 * BLAKE2b with a key): one makes the key, the other the chain of the next epoch, and
 * the chain is forgotten then. So who gets hold of a box cannot open what was sealed
 * before its epoch. A new key needs no word to the peer: it is told by the number of
 * the epoch in the next datagram, and believed when that can be opened. That leaves no
 * moment at which both sides have to agree, and nothing that could be lost.
 *
 * A window is a ring of bits. When a counter beyond it comes, the bits of those that
 * were skipped are cleared; whole words, if it is far.
 */
#include "remote/udp_box.h"

#include <sodium.h>
#include <string.h>

#include "remote/udp_bytes.h"

enum { NONCE = crypto_aead_chacha20poly1305_ietf_NPUBBYTES };

static const char context[crypto_kdf_CONTEXTBYTES] = { 'h', 'e', 'p', 'h',
						       '-', 'u', 'd', 'p' };
enum { FOR_KEY = 1, FOR_CHAIN };

/* ---- heads ---------------------------------------------------------------------- */

static void write_head(uint8_t *data, const struct heph_udp_head *head)
{
	data[0] = (uint8_t)head->type;
	data[1] = HEPH_UDP_VERSION;
	heph_udp_put(data + 2, 0, 2);
	heph_udp_put(data + 4, head->epoch, 4);
	heph_udp_put(data + 8, head->counter, 4);
	heph_udp_put(data + 12, head->id, 8);
}

int heph_udp_head_read(const uint8_t *data, size_t size,
		       struct heph_udp_head *ret_head)
{
	if (size < HEPH_UDP_HEAD || data[0] < HEPH_UDP_CONFIRM ||
	    data[0] >= HEPH_UDP_TYPES || data[1] != HEPH_UDP_VERSION ||
	    heph_udp_get(data + 2, 2) != 0)
		return -EPROTO;
	ret_head->type = (enum heph_udp_type)data[0];
	ret_head->epoch = (uint32_t)heph_udp_get(data + 4, 4);
	ret_head->counter = (uint32_t)heph_udp_get(data + 8, 4);
	ret_head->id = heph_udp_get(data + 12, 8);
	return 0;
}

/* ---- windows -------------------------------------------------------------------- */

static uint64_t bit_of(uint64_t counter)
{
	return UINT64_C(1) << (counter % 64);
}

static uint64_t *word_of(struct heph_udp_window *window, uint64_t counter)
{
	return &window->bits[counter % HEPH_UDP_WINDOW / 64];
}

bool heph_udp_window_fresh(const struct heph_udp_window *window,
			   uint64_t counter)
{
	if (counter >= window->end)
		return true;
	if (window->end - counter > HEPH_UDP_WINDOW)
		return false;
	return !(window->bits[counter % HEPH_UDP_WINDOW / 64] &
		 bit_of(counter));
}

/* Clears the bits of all up to that one, which is beyond the window. */
static void slide(struct heph_udp_window *window, uint64_t counter)
{
	if (counter - window->end >= HEPH_UDP_WINDOW) {
		memset(window->bits, 0, sizeof(window->bits));
		window->end = counter + 1;
	}
	for (; window->end <= counter; window->end++)
		*word_of(window, window->end) &= ~bit_of(window->end);
}

bool heph_udp_window_mark(struct heph_udp_window *window, uint64_t counter)
{
	bool newest = counter >= window->end;

	if (newest)
		slide(window, counter);
	*word_of(window, counter) |= bit_of(counter);
	return newest;
}

/* ---- keys ----------------------------------------------------------------------- */

static void make_key(struct heph_udp_key_chain *chain)
{
	crypto_kdf_derive_from_key(chain->key, sizeof(chain->key), FOR_KEY,
				   context, chain->chain);
}

static void next_epoch(struct heph_udp_key_chain *chain)
{
	uint8_t next[sizeof(chain->chain)];

	crypto_kdf_derive_from_key(next, sizeof(next), FOR_CHAIN, context,
				   chain->chain);
	memcpy(chain->chain, next, sizeof(next));
	sodium_memzero(next, sizeof(next));
	chain->epoch++;
	make_key(chain);
}

void heph_udp_box_init(struct heph_udp_box *box, const uint8_t *out,
		       const uint8_t *in)
{
	memset(box, 0, sizeof(*box));
	box->rekey = HEPH_NEVER;
	memcpy(box->out.chain, out, sizeof(box->out.chain));
	memcpy(box->in.chain, in, sizeof(box->in.chain));
	make_key(&box->out);
	make_key(&box->in);
}

void heph_udp_box_fini(struct heph_udp_box *box)
{
	sodium_memzero(box, sizeof(*box));
}

static void forget_old(struct heph_udp_box *box)
{
	sodium_memzero(box->old_key, sizeof(box->old_key));
	box->old_until = 0;
}

void heph_udp_box_tick(struct heph_udp_box *box, heph_time now)
{
	if (box->old_until && now >= box->old_until)
		forget_old(box);
}

/* ---- sealing -------------------------------------------------------------------- */

/* The counter and the epoch of the next datagram. */
static int next_number(struct heph_udp_box *box, heph_time now)
{
	if (!box->since)
		box->since = now;
	if (box->counter <= UINT32_MAX && now - box->since < box->rekey)
		return 0;
	if (box->out.epoch == UINT32_MAX)
		return box->counter <= UINT32_MAX ? 0 : -EKEYEXPIRED;
	next_epoch(&box->out);
	box->counter = 0;
	box->since = now;
	return 0;
}

static void make_nonce(uint8_t nonce[NONCE], uint32_t counter)
{
	memset(nonce, 0, NONCE);
	heph_udp_put(nonce + 4, counter, 4);
}

/* What is only authenticated: all of CONFIRM, the head of others. */
static size_t in_clear(enum heph_udp_type type, size_t body)
{
	return HEPH_UDP_HEAD + (type == HEPH_UDP_CONFIRM ? body : 0);
}

static bool has_tag(const struct heph_udp_box *box, enum heph_udp_type type)
{
	return !box->plain || type == HEPH_UDP_CONFIRM;
}

int heph_udp_box_seal(struct heph_udp_box *box, heph_time now,
		      enum heph_udp_type type, const void *body, size_t size,
		      uint8_t *ret_data)
{
	size_t clear = in_clear(type, size), all = HEPH_UDP_HEAD + size;
	uint8_t nonce[NONCE];
	int err = next_number(box, now);

	if (err < 0)
		return err;
	if (size)
		memmove(ret_data + HEPH_UDP_HEAD, body, size);
	write_head(ret_data,
		   &(struct heph_udp_head){ type, box->out.epoch,
					    (uint32_t)box->counter, box->far });
	make_nonce(nonce, (uint32_t)box->counter++);
	if (!has_tag(box, type))
		return (int)all;
	crypto_aead_chacha20poly1305_ietf_encrypt(ret_data + clear, NULL,
						  ret_data + clear, all - clear,
						  ret_data, clear, NULL, nonce,
						  box->out.key);
	return (int)(all + HEPH_UDP_TAG);
}

/* ---- opening -------------------------------------------------------------------- */

static int unseal(const struct heph_udp_box *box, const uint8_t *key,
		  const struct heph_udp_head *head, uint8_t *data, size_t size)
{
	size_t tag = has_tag(box, head->type) ? HEPH_UDP_TAG : 0, body, clear;
	uint8_t nonce[NONCE];

	if (size < HEPH_UDP_HEAD + tag)
		return -EPROTO;
	body = size - HEPH_UDP_HEAD - tag;
	clear = in_clear(head->type, body);
	make_nonce(nonce, head->counter);
	if (tag && crypto_aead_chacha20poly1305_ietf_decrypt(
			   data + clear, NULL, NULL, data + clear, size - clear,
			   data, clear, nonce, key) != 0)
		return -EBADMSG;
	return (int)body;
}

/* Of the epoch that all of late were of. */
static int open_current(struct heph_udp_box *box,
			const struct heph_udp_head *head, uint8_t *data,
			size_t size, bool *ret_newest)
{
	int n;

	if (!heph_udp_window_fresh(&box->window, head->counter))
		return -EALREADY;
	n = unseal(box, box->in.key, head, data, size);
	if (n >= 0)
		*ret_newest = heph_udp_window_mark(&box->window, head->counter);
	return n;
}

/* Of the one before. */
static int open_old(struct heph_udp_box *box, heph_time now,
		    const struct heph_udp_head *head, uint8_t *data,
		    size_t size)
{
	int n;

	heph_udp_box_tick(box, now);
	if (!box->old_until || head->epoch != box->old_epoch ||
	    !heph_udp_window_fresh(&box->old_window, head->counter))
		return -EALREADY;
	n = unseal(box, box->old_key, head, data, size);
	if (n >= 0)
		heph_udp_window_mark(&box->old_window, head->counter);
	return n;
}

static void advance(struct heph_udp_box *box, heph_time now,
		    const struct heph_udp_key_chain *in)
{
	memcpy(box->old_key, box->in.key, sizeof(box->old_key));
	box->old_epoch = box->in.epoch;
	box->old_window = box->window;
	box->old_until = now + HEPH_UDP_LINGER;
	box->in = *in;
	memset(&box->window, 0, sizeof(box->window));
}

/* Of one that has not been seen so far. */
static int open_new(struct heph_udp_box *box, heph_time now,
		    const struct heph_udp_head *head, uint8_t *data,
		    size_t size, bool *ret_newest)
{
	struct heph_udp_key_chain in = box->in;
	int n;

	if (head->epoch - in.epoch > HEPH_UDP_AHEAD)
		return -EBADMSG;
	while (in.epoch != head->epoch)
		next_epoch(&in);
	n = unseal(box, in.key, head, data, size);
	if (n >= 0) {
		advance(box, now, &in);
		*ret_newest = heph_udp_window_mark(&box->window, head->counter);
	}
	sodium_memzero(&in, sizeof(in));
	return n;
}

int heph_udp_box_open(struct heph_udp_box *box, heph_time now, uint8_t *data,
		      size_t size, bool *ret_newest)
{
	struct heph_udp_head head;
	bool newest = false;
	int n = heph_udp_head_read(data, size, &head);

	if (n < 0 || head.id != box->near)
		return -EPROTO;
	if (head.epoch == box->in.epoch)
		n = open_current(box, &head, data, size, &newest);
	else if (head.epoch < box->in.epoch)
		n = open_old(box, now, &head, data, size);
	else
		n = open_new(box, now, &head, data, size, &newest);
	if (n >= 0 && ret_newest)
		*ret_newest = newest;
	return n;
}
