/* SPDX-License-Identifier: MIT */
/*
 * A cookie is its serial number, and sealed with it as the nonce: both keys of the
 * wire, both ids, and the id of the long-lived key. What it was made for, the address,
 * is authenticated with it. Serial numbers are never used twice, also with another
 * key, and a window knows those that came back.
 */
#include "remote/udp_shake.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

#include "remote/udp_bytes.h"

enum {
	FRONT = 16, /* bytes before the message */
	MESSAGE = HEPH_UDP_SHAKE - FRONT,
	PAYLOAD = MESSAGE - HEPH_NOISE_MORE,
	SERIAL = 8,
	BAKED = HEPH_UDP_COOKIE - SERIAL - HEPH_UDP_TAG,
	PLACE = 28, /* bytes of an address */
};

_Static_assert(PAYLOAD == 8 + HEPH_UDP_COOKIE,
	       "ACCEPT holds an id and a cookie");
_Static_assert(BAKED == 2 * HEPH_NOISE_KEY + 4 * 8, "what a cookie holds");

static void write_front(uint8_t *data, enum heph_udp_type type, uint64_t which)
{
	memset(data, 0, FRONT);
	data[0] = (uint8_t)type;
	data[1] = HEPH_UDP_VERSION;
	heph_udp_put(data + 8, which, 8);
}

static int read_front(const uint8_t *data, size_t size, enum heph_udp_type type,
		      uint64_t *ret_which)
{
	if (size != HEPH_UDP_SHAKE || data[0] != type ||
	    data[1] != HEPH_UDP_VERSION || heph_udp_get(data + 2, 6) != 0)
		return -EPROTO;
	*ret_which = heph_udp_get(data + 8, 8);
	return 0;
}

/* ---- the initiator ---------------------------------------------------------------- */

void heph_udp_shake_init(struct heph_udp_shake *shake,
			 const struct heph_udp_secret *key, uint64_t id,
			 uint64_t who, const uint8_t secret[HEPH_NOISE_KEY],
			 uint8_t ret_init[HEPH_UDP_SHAKE])
{
	uint8_t payload[PAYLOAD] = { 0 };

	shake->id = id;
	shake->key = key->id;
	write_front(ret_init, HEPH_UDP_INIT, key->id);
	heph_udp_put(payload, id, 8);
	heph_udp_put(payload + 8, who, 8);
	heph_noise_init(&shake->noise, key->key, ret_init, FRONT);
	/* The first message has nothing that could be wrong. */
	(void)heph_noise_write(&shake->noise, secret, payload, PAYLOAD,
			       ret_init + FRONT);
}

int heph_udp_accept_id(const uint8_t *data, size_t size, uint64_t *ret_id)
{
	return read_front(data, size, HEPH_UDP_ACCEPT, ret_id);
}

int heph_udp_shake_accept(struct heph_udp_shake *shake, const uint8_t *data,
			  size_t size, heph_time now,
			  struct heph_udp_box *ret_box,
			  uint8_t ret_confirm[HEPH_UDP_CONFIRM_SIZE])
{
	uint8_t payload[PAYLOAD], out[32], in[32];
	uint64_t id;
	int err = heph_udp_accept_id(data, size, &id);

	if (err < 0 || id != shake->id)
		return -EPROTO;
	err = heph_noise_read(&shake->noise, data + FRONT, MESSAGE, payload);
	if (err < 0)
		return err;
	heph_noise_split(&shake->noise, out, in);
	heph_noise_fini(&shake->noise);
	heph_udp_box_init(ret_box, out, in);
	sodium_memzero(out, sizeof(out));
	sodium_memzero(in, sizeof(in));
	ret_box->near = shake->id;
	ret_box->far = heph_udp_get(payload, 8);
	err = heph_udp_box_seal(ret_box, now, HEPH_UDP_CONFIRM, payload + 8,
				HEPH_UDP_COOKIE, ret_confirm);
	return err < 0 ? err : 0;
}

/* ---- keys of cookies ----------------------------------------------------------------- */

static void forget(struct heph_udp_bakery *bakery, int which)
{
	sodium_memzero(bakery->keys[which], sizeof(bakery->keys[which]));
	bakery->has[which] = false;
}

bool heph_udp_bakery_tick(struct heph_udp_bakery *bakery, heph_time now)
{
	if (now - bakery->since >= 2 * HEPH_UDP_BAKE)
		forget(bakery, 0);
	/* The one before is as old as the latest one and some more. */
	if (now - bakery->since >= HEPH_UDP_BAKE)
		forget(bakery, 1);
	return bakery->has[0] || bakery->has[1];
}

static void need_key(struct heph_udp_bakery *bakery, heph_time now,
		     const uint8_t fresh[32])
{
	heph_udp_bakery_tick(bakery, now);
	if (bakery->has[0] && now - bakery->since < HEPH_UDP_BAKE)
		return;
	memcpy(bakery->keys[1], bakery->keys[0], sizeof(bakery->keys[1]));
	bakery->has[1] = bakery->has[0];
	memcpy(bakery->keys[0], fresh, sizeof(bakery->keys[0]));
	bakery->has[0] = true;
	bakery->since = now;
}

/* Good ones may be recorded and repeated, which costs us more than who does that. */
static int may_bake(struct heph_udp_bakery *bakery, heph_time now)
{
	if (!bakery->second || now - bakery->second >= HEPH_SEC) {
		bakery->second = now;
		bakery->baked = 0;
	}
	return bakery->baked++ < HEPH_UDP_BAKES ? 0 : -EBUSY;
}

/* ---- cookies -------------------------------------------------------------------------- */

/* An address without what may differ between two looks at it. */
static void write_place(uint8_t place[PLACE],
			const struct heph_address *address)
{
	const struct sockaddr_in6 *six = (const void *)&address->storage;
	const struct sockaddr_in *four = (const void *)&address->storage;

	memset(place, 0, PLACE);
	heph_udp_put(place, address->storage.ss_family, 2);
	if (address->storage.ss_family == AF_INET) {
		memcpy(place + 2, &four->sin_port, 2);
		memcpy(place + 4, &four->sin_addr, 4);
	} else if (address->storage.ss_family == AF_INET6) {
		memcpy(place + 2, &six->sin6_port, 2);
		memcpy(place + 4, &six->sin6_addr, 16);
		heph_udp_put(place + 20, six->sin6_scope_id, 4);
	}
}

static void bake(struct heph_udp_bakery *bakery, const struct heph_address *to,
		 const struct heph_udp_grant *grant,
		 uint8_t cookie[HEPH_UDP_COOKIE])
{
	uint8_t baked[BAKED] = { 0 }, place[PLACE];
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = { 0 };

	memcpy(baked, grant->out, 32);
	memcpy(baked + 32, grant->in, 32);
	heph_udp_put(baked + 64, grant->near, 8);
	heph_udp_put(baked + 72, grant->far, 8);
	heph_udp_put(baked + 80, grant->key, 8);
	heph_udp_put(cookie, bakery->serial, SERIAL);
	heph_udp_put(nonce + 4, bakery->serial++, SERIAL);
	write_place(place, to);
	crypto_aead_chacha20poly1305_ietf_encrypt(cookie + SERIAL, NULL, baked,
						  BAKED, place, PLACE, NULL,
						  nonce, bakery->keys[0]);
	sodium_memzero(baked, sizeof(baked));
}

static bool unbake(const struct heph_udp_bakery *bakery, int which,
		   const struct heph_address *from, const uint8_t *cookie,
		   uint8_t ret_baked[BAKED])
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = { 0 };
	uint8_t place[PLACE];

	memcpy(nonce + 4, cookie, SERIAL);
	write_place(place, from);
	return bakery->has[which] &&
	       crypto_aead_chacha20poly1305_ietf_decrypt(
		       ret_baked, NULL, NULL, cookie + SERIAL,
		       HEPH_UDP_COOKIE - SERIAL, place, PLACE, nonce,
		       bakery->keys[which]) == 0;
}

/* ---- the door ---------------------------------------------------------------------- */

static int read_init(struct heph_noise *noise,
		     const struct heph_udp_secret *key, uint64_t who,
		     const uint8_t *init, uint64_t *ret_id)
{
	uint8_t payload[PAYLOAD];
	int n;

	heph_noise_init(noise, key->key, init, FRONT);
	n = heph_noise_read(noise, init + FRONT, MESSAGE, payload);
	if (n < 0)
		return n;
	/* Our own one, which somebody has turned round: it is not who that key
	 * says. */
	if (key->names[0] && heph_udp_get(payload + 8, 8) == who)
		return -EBADMSG;
	*ret_id = heph_udp_get(payload, 8);
	return 0;
}

static int write_accept(struct heph_noise *noise,
			struct heph_udp_bakery *bakery,
			const struct heph_udp_dice *dice,
			const struct heph_address *to,
			struct heph_udp_grant *grant, uint8_t *ret_message)
{
	uint8_t payload[PAYLOAD];
	int err = heph_noise_write_key(noise, dice->secret, ret_message);

	if (err < 0)
		return err;
	heph_noise_split(noise, grant->in, grant->out);
	heph_udp_put(payload, grant->near, 8);
	bake(bakery, to, grant, payload + 8);
	(void)heph_noise_write_payload(noise, payload, PAYLOAD,
				       ret_message + HEPH_NOISE_KEY);
	return 0;
}

int heph_udp_bakery_answer(struct heph_udp_bakery *bakery,
			   const struct heph_udp_keys *keys, uint64_t who,
			   const struct heph_udp_dice *dice, heph_time now,
			   const struct heph_address *from, const uint8_t *init,
			   size_t size, uint8_t ret_accept[HEPH_UDP_SHAKE])
{
	struct heph_udp_grant grant = { .near = dice->id };
	const struct heph_udp_secret *key;
	struct heph_noise noise;
	int err = read_front(init, size, HEPH_UDP_INIT, &grant.key);

	if (err < 0)
		return err;
	key = heph_udp_keys_find(keys, grant.key);
	if (!key)
		return -ENOKEY;
	err = read_init(&noise, key, who, init, &grant.far);
	if (err == 0)
		err = may_bake(bakery, now);
	if (err == 0) {
		need_key(bakery, now, dice->bakery);
		write_front(ret_accept, HEPH_UDP_ACCEPT, grant.far);
		err = write_accept(&noise, bakery, dice, from, &grant,
				   ret_accept + FRONT);
	}
	heph_noise_fini(&noise);
	sodium_memzero(&grant, sizeof(grant));
	return err;
}

int heph_udp_bakery_check(struct heph_udp_bakery *bakery, heph_time now,
			  const struct heph_address *from, const uint8_t *data,
			  size_t size, struct heph_udp_grant *ret_grant)
{
	const uint8_t *cookie = data + HEPH_UDP_HEAD;
	struct heph_udp_head head;
	uint8_t baked[BAKED];
	int err = heph_udp_head_read(data, size, &head);

	if (err < 0 || head.type != HEPH_UDP_CONFIRM ||
	    size != HEPH_UDP_CONFIRM_SIZE)
		return -EPROTO;
	heph_udp_bakery_tick(bakery, now);
	if (!unbake(bakery, 0, from, cookie, baked) &&
	    !unbake(bakery, 1, from, cookie, baked))
		return -EBADMSG;
	ret_grant->serial = heph_udp_get(cookie, SERIAL);
	memcpy(ret_grant->out, baked, 32);
	memcpy(ret_grant->in, baked + 32, 32);
	ret_grant->near = heph_udp_get(baked + 64, 8);
	ret_grant->far = heph_udp_get(baked + 72, 8);
	ret_grant->key = heph_udp_get(baked + 80, 8);
	sodium_memzero(baked, sizeof(baked));
	return head.id == ret_grant->near ? 0 : -EBADMSG;
}

int heph_udp_bakery_admit(struct heph_udp_bakery *bakery, heph_time now,
			  const struct heph_udp_grant *grant, uint8_t *data,
			  size_t size, struct heph_udp_box *ret_box)
{
	int n;

	if (!heph_udp_window_fresh(&bakery->used, grant->serial))
		return -EALREADY;
	heph_udp_box_init(ret_box, grant->out, grant->in);
	ret_box->near = grant->near;
	ret_box->far = grant->far;
	n = heph_udp_box_open(ret_box, now, data, size, NULL);
	if (n < 0) {
		heph_udp_box_fini(ret_box);
		return -EBADMSG;
	}
	heph_udp_window_mark(&bakery->used, grant->serial);
	return 0;
}
