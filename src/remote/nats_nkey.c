/* SPDX-License-Identifier: MIT */
/*
 * The public key of a user, of the file with his seed.
 *
 * A seed is base32 (RFC 4648, without "=") of two bytes that say "seed" and "of a
 * user", 32 bytes for Ed25519, and a CRC-16 (XMODEM), little-endian; a public key the
 * same with one byte in front. libnats signs with a seed, but wants to be told the key.
 */
#include "remote/nats_state.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum {
	SEED = 2 + 32 + 2,
	KEY = 1 + 32 + 2,
	SEED_TEXT = 58,
	PREFIX_SEED = 18 << 3, /* "S" */
	PREFIX_USER = 20 << 3, /* "U" */
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static unsigned crc16(const unsigned char *data, size_t size)
{
	unsigned crc = 0;

	for (size_t i = 0; i < size; i++) {
		crc ^= (unsigned)data[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
	}
	return crc;
}

static int decode(const char *text, size_t n, unsigned char *ret_data)
{
	unsigned long bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digit = memchr(digits, text[i], 32);

		if (!digit)
			return -EINVAL;
		bits = bits << 5 | (unsigned long)(digit - digits);
		have += 5;
		if (have >= 8) {
			have -= 8;
			*ret_data++ = (unsigned char)(bits >> have);
		}
	}
	return 0;
}

static void encode(const unsigned char *data, size_t size, char *ret_text)
{
	unsigned long bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 5; have -= 5)
			*ret_text++ = digits[bits >> (have - 5) & 31];
	}
	if (have > 0)
		*ret_text++ = digits[bits << (5 - have) & 31];
	*ret_text = 0;
}

/* The line of the file that begins as a seed of a user does. */
static int read_seed(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *at;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	at = strstr(text, "SU");
	if (!at || strspn(at, digits) != SEED_TEXT)
		return -EINVAL;
	memmove(text, at, SEED_TEXT);
	return 0;
}

static int key_of_seed(const unsigned char *seed, char *ret_key)
{
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	unsigned char key[KEY] = { PREFIX_USER };
	unsigned crc = crc16(seed, SEED - 2);

	if ((seed[0] & 0xf8) != PREFIX_SEED || seed[SEED - 2] != (crc & 0xff) ||
	    seed[SEED - 1] != crc >> 8)
		return -EINVAL;
	crypto_sign_seed_keypair(key + 1, secret, seed + 2);
	sodium_memzero(secret, sizeof(secret));
	crc = crc16(key, KEY - 2);
	key[KEY - 2] = (unsigned char)(crc & 0xff);
	key[KEY - 1] = (unsigned char)(crc >> 8);
	encode(key, KEY, ret_key);
	return 0;
}

int heph_nats_nkey(const char *seed_file, char ret_key[HEPH_NATS_NKEY])
{
	unsigned char seed[SEED];
	char text[512];
	int err = sodium_init() < 0 ? -EIO :
				      read_seed(seed_file, text, sizeof(text));

	if (err == 0)
		err = decode(text, SEED_TEXT, seed);
	if (err == 0)
		err = key_of_seed(seed, ret_key);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(seed, sizeof(seed));
	return err;
}
