/* SPDX-License-Identifier: MIT */
/*
 * The handshake of Noise. The vector is that of Noise_NNpsk0_25519_ChaChaPoly_SHA256
 * in the collection of the Cacophony project, which other implementations test
 * themselves against, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "remote/udp_noise.h"

static size_t hex(uint8_t *ret, const char *text)
{
	size_t size;

	assert_int_equal(sodium_hex2bin(ret, 100, text, strlen(text), NULL,
					&size, NULL),
			 0);
	return size;
}

#define PSK "54686973206973206d7920417573747269616e20706572737065637469766521"
#define FIRST "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"
#define SECOND                                                                 \
	"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"

static uint8_t psk[32], first_secret[32], second_secret[32];

static void begin(struct heph_noise *noise)
{
	hex(psk, PSK);
	hex(first_secret, FIRST);
	hex(second_secret, SECOND);
	heph_noise_init(noise, psk, "John Galt", 9);
}

static void is_hex(const uint8_t *data, int size, const char *text)
{
	uint8_t wanted[100];

	assert_int_equal(size, hex(wanted, text));
	assert_memory_equal(data, wanted, size);
}

/* What the n-th message after the handshake is. */
static void is_sealed(const uint8_t key[32], uint8_t n, const char *text,
		      const char *wanted)
{
	uint8_t nonce[12] = { [4] = n }, sealed[100];
	unsigned long long size;

	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, &size,
						  (const uint8_t *)text,
						  strlen(text), NULL, 0, NULL,
						  nonce, key);
	is_hex(sealed, (int)size, wanted);
}

static void what_is_written_is_as_others_write_it(void **state)
{
	uint8_t message[100], payload[100], out[32], in[32], out2[32], in2[32];
	struct heph_noise first, second;
	int n;

	begin(&first);
	begin(&second);
	n = heph_noise_write(&first, first_secret, "Ludwig von Mises", 16,
			     message);
	is_hex(message, n,
	       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
	       "79b962b8aff8485742ac32f905ba45369e2465fb59e138a93d67a0d1266b6a54");
	n = heph_noise_read(&second, message, (size_t)n, payload);
	assert_int_equal(n, 16);
	assert_memory_equal(payload, "Ludwig von Mises", 16);

	n = heph_noise_write(&second, second_secret, "Murray Rothbard", 15,
			     message);
	is_hex(message, n,
	       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
	       "d6062704d5a9c422a8e834423f8c1feada7e8d0d910a1a2cd030fb584221e3");
	n = heph_noise_read(&first, message, (size_t)n, payload);
	assert_int_equal(n, 15);
	assert_memory_equal(payload, "Murray Rothbard", 15);
	is_hex(first.hash, 32,
	       "f4d03dc34495c95729ea6de9e1b59004b59733102488b3e24bc441e0be208eaf");

	heph_noise_split(&first, out, in);
	heph_noise_split(&second, out2, in2);
	assert_memory_equal(out, out2, 32);
	assert_memory_equal(in, in2, 32);
	is_sealed(out, 0, "F. A. Hayek",
		  "e632c3763d7669067383433197a3baddf146e9e70ad4b4e9e59e0f");
	is_sealed(in, 0, "Carl Menger",
		  "64c6bee32ea91c8474bb4c21d7a700109ad45af77b29764ba5eb1e");
	is_sealed(
		out, 1, "Jean-Baptiste Say",
		"e2fa0bed0603b62d3ccac2ecabbf3fe33f3e86514909b323361626266cb2471c"
		"c8");
}

static void each_byte_of_a_message_counts(void **state)
{
	uint8_t message[2][100], payload[100];
	struct heph_noise first, second;
	int n[2];

	begin(&first);
	begin(&second);
	n[0] = heph_noise_write(&first, first_secret, "one", 3, message[0]);
	for (int at = 0; at < n[0]; at++) {
		message[0][at] ^= 1;
		assert_int_equal(heph_noise_read(&second, message[0],
						 (size_t)n[0], payload),
				 -EBADMSG);
		message[0][at] ^= 1;
		assert_int_equal(heph_noise_read(&second, message[0],
						 (size_t)at, payload),
				 -EBADMSG);
	}
	assert_int_equal(
		heph_noise_read(&second, message[0], (size_t)n[0], payload), 3);
	n[1] = heph_noise_write(&second, second_secret, "two", 3, message[1]);
	for (int at = 0; at < n[1]; at++) {
		message[1][at] ^= 0x80;
		if (heph_noise_read(&first, message[1], (size_t)n[1],
				    payload) != -EBADMSG)
			fail();
		message[1][at] ^= 0x80;
	}
	assert_int_equal(heph_noise_read(&first, message[0], (size_t)n[0],
					 payload),
			 -EBADMSG);
	assert_int_equal(
		heph_noise_read(&first, message[1], (size_t)n[1], payload), 3);
}

static void other_keys_and_other_prologues_do_not_fit(void **state)
{
	uint8_t message[100], payload[100];
	struct heph_noise first, second;
	int n;

	begin(&first);
	n = heph_noise_write(&first, first_secret, NULL, 0, message);
	psk[31] ^= 1;
	heph_noise_init(&second, psk, "John Galt", 9);
	assert_int_equal(heph_noise_read(&second, message, (size_t)n, payload),
			 -EBADMSG);
	psk[31] ^= 1;
	heph_noise_init(&second, psk, "John Gals", 9);
	assert_int_equal(heph_noise_read(&second, message, (size_t)n, payload),
			 -EBADMSG);
	heph_noise_init(&second, psk, "John Galt", 9);
	assert_int_equal(heph_noise_read(&second, message, (size_t)n, payload),
			 0);
}

/* Points of small order would make a secret that everybody knows. */
static void a_key_that_is_none_is_refused(void **state)
{
	uint8_t message[100], payload[100];
	struct heph_noise first, second;
	int n;

	begin(&second);
	begin(&first);
	/* One with the shared key could send that: 0 is of order 1. */
	n = heph_noise_write(&first, first_secret, NULL, 0, message);
	assert_int_equal(heph_noise_read(&second, message, (size_t)n, payload),
			 0);
	memset(second.far, 0, 32);
	assert_int_equal(heph_noise_write(&second, second_secret, NULL, 0,
					  message),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_as_others_write_it),
		cmocka_unit_test(each_byte_of_a_message_counts),
		cmocka_unit_test(other_keys_and_other_prologues_do_not_fit),
		cmocka_unit_test(a_key_that_is_none_is_refused),
	};

	return sodium_init() < 0 ? 1 :
				   cmocka_run_group_tests(tests, NULL, NULL);
}
