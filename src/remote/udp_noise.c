/* SPDX-License-Identifier: MIT */
/*
 * The names are those of the specification: a chaining key, a hash of all that was
 * said, and a key that is made anew by each thing that is mixed in. Each key
 * encrypts one payload, so its nonce is always 0.
 */
#include "remote/udp_noise.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

static const char protocol[] = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";
static const uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

enum { TAG = crypto_aead_chacha20poly1305_ietf_ABYTES };

_Static_assert(HEPH_NOISE_MORE == HEPH_NOISE_KEY + TAG, "a key and a tag");

/* ---- mixing ---------------------------------------------------------------------- */

static void mix_hash(struct heph_noise *noise, const void *data, size_t size)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, noise->hash, sizeof(noise->hash));
	crypto_hash_sha256_update(&state, data, size);
	crypto_hash_sha256_final(&state, noise->hash);
}

static void hmac(const uint8_t key[32], const void *data, size_t size,
		 uint8_t last, uint8_t ret[32])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, 32);
	crypto_auth_hmacsha256_update(&state, data, size);
	if (last)
		crypto_auth_hmacsha256_update(&state, &last, 1);
	crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
}

/* HKDF: `n` values of 32 bytes, of which each follows from the one before. */
static void derive(const uint8_t chain[32], const void *data, size_t size,
		   uint8_t (*ret)[32], int n)
{
	uint8_t made[32];

	hmac(chain, data, size, 0, made);
	hmac(made, NULL, 0, 1, ret[0]);
	for (int i = 1; i < n; i++)
		hmac(made, ret[i - 1], 32, (uint8_t)(i + 1), ret[i]);
	sodium_memzero(made, sizeof(made));
}

static void mix_key(struct heph_noise *noise, const uint8_t data[32])
{
	uint8_t made[2][32];

	derive(noise->chain, data, 32, made, 2);
	memcpy(noise->chain, made[0], 32);
	memcpy(noise->key, made[1], 32);
	sodium_memzero(made, sizeof(made));
}

static void mix_psk(struct heph_noise *noise, const uint8_t psk[32])
{
	uint8_t made[3][32];

	derive(noise->chain, psk, 32, made, 3);
	memcpy(noise->chain, made[0], 32);
	mix_hash(noise, made[1], 32);
	memcpy(noise->key, made[2], 32);
	sodium_memzero(made, sizeof(made));
}

static void mix_public(struct heph_noise *noise, const uint8_t key[32])
{
	mix_hash(noise, key, 32);
	mix_key(noise, key);
}

/* What both key pairs come to. -EBADMSG: the other one's has no part in it. */
static int mix_shared(struct heph_noise *noise)
{
	uint8_t shared[32];
	int err = crypto_scalarmult(shared, noise->secret, noise->far);

	if (err == 0)
		mix_key(noise, shared);
	sodium_memzero(shared, sizeof(shared));
	return err ? -EBADMSG : 0;
}

/* ---- messages ---------------------------------------------------------------------- */

void heph_noise_init(struct heph_noise *noise,
		     const uint8_t psk[HEPH_NOISE_KEY], const void *prologue,
		     size_t size)
{
	memset(noise, 0, sizeof(*noise));
	crypto_hash_sha256(noise->hash, (const uint8_t *)protocol,
			   sizeof(protocol) - 1);
	memcpy(noise->chain, noise->hash, sizeof(noise->chain));
	mix_hash(noise, prologue, size);
	mix_psk(noise, psk);
}

int heph_noise_write_key(struct heph_noise *noise,
			 const uint8_t secret[HEPH_NOISE_KEY],
			 uint8_t *ret_message)
{
	memcpy(noise->secret, secret, HEPH_NOISE_KEY);
	crypto_scalarmult_base(noise->near, secret);
	memcpy(ret_message, noise->near, HEPH_NOISE_KEY);
	mix_public(noise, noise->near);
	return noise->second ? mix_shared(noise) : 0;
}

int heph_noise_write_payload(struct heph_noise *noise, const void *payload,
			     size_t size, uint8_t *ret_rest)
{
	crypto_aead_chacha20poly1305_ietf_encrypt(ret_rest, NULL, payload, size,
						  noise->hash,
						  sizeof(noise->hash), NULL,
						  nonce, noise->key);
	mix_hash(noise, ret_rest, size + TAG);
	noise->second = true;
	return (int)(size + HEPH_NOISE_MORE);
}

int heph_noise_write(struct heph_noise *noise,
		     const uint8_t secret[HEPH_NOISE_KEY], const void *payload,
		     size_t size, uint8_t *ret_message)
{
	int err = heph_noise_write_key(noise, secret, ret_message);

	return err < 0 ? err :
			 heph_noise_write_payload(noise, payload, size,
						  ret_message + HEPH_NOISE_KEY);
}

static int read_next(struct heph_noise *noise, const uint8_t *message,
		     size_t size, uint8_t *ret_payload)
{
	const uint8_t *sealed = message + HEPH_NOISE_KEY;
	size_t sealed_size = size - HEPH_NOISE_KEY;

	memcpy(noise->far, message, HEPH_NOISE_KEY);
	mix_public(noise, noise->far);
	if (noise->second && mix_shared(noise) < 0)
		return -EBADMSG;
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		    ret_payload, NULL, NULL, sealed, sealed_size, noise->hash,
		    sizeof(noise->hash), nonce, noise->key) != 0)
		return -EBADMSG;
	mix_hash(noise, sealed, sealed_size);
	noise->second = true;
	return (int)(size - HEPH_NOISE_MORE);
}

int heph_noise_read(struct heph_noise *noise, const uint8_t *message,
		    size_t size, uint8_t *ret_payload)
{
	struct heph_noise next = *noise;
	int n = -EBADMSG;

	if (size >= HEPH_NOISE_MORE)
		n = read_next(&next, message, size, ret_payload);
	if (n >= 0)
		*noise = next;
	sodium_memzero(&next, sizeof(next));
	return n;
}

void heph_noise_split(const struct heph_noise *noise,
		      uint8_t ret_first[HEPH_NOISE_KEY],
		      uint8_t ret_second[HEPH_NOISE_KEY])
{
	uint8_t made[2][32];

	derive(noise->chain, NULL, 0, made, 2);
	memcpy(ret_first, made[0], 32);
	memcpy(ret_second, made[1], 32);
	sodium_memzero(made, sizeof(made));
}

void heph_noise_fini(struct heph_noise *noise)
{
	sodium_memzero(noise, sizeof(*noise));
}
