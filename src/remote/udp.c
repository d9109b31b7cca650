/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/udp.h"

#include <heph/address.h>
#include <heph/heph.h>
#include <heph/log.h>
#include <heph/sim.h>

#include <sodium.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/udp_connect.h"
#include "remote/udp_door.h"
#include "remote/udp_shake.h"

_Static_assert(HEPH_UDP_OVERHEAD == HEPH_UDP_HEAD + HEPH_UDP_TAG,
	       "a head and a tag");

enum { DATAGRAM_MIN = 256, PEERS_DEFAULT = 1024, PEERS_MAX = 1 << 20 };

_Static_assert((int)DATAGRAM_MIN >= (int)HEPH_UDP_SHAKE, "a handshake fits");

/* ---- making one -------------------------------------------------------------------- */

static int make(struct heph_udp_keys *keys, size_t datagram,
		struct heph_udp **ret_udp)
{
	struct heph_udp *udp = heph_remote_mem_zero(sizeof(*udp));

	if (!udp)
		return -ENOMEM;
	pthread_mutex_init(&udp->lock, NULL);
	udp->datagram = datagram ? datagram : HEPH_UDP_DATAGRAM;
	heph_transport_init(&udp->transport, &heph_udp_type,
			    udp->datagram - HEPH_UDP_OVERHEAD);
	udp->rekey = HEPH_NEVER;
	udp->peers = PEERS_DEFAULT;
	udp->keys = keys;
	*ret_udp = udp;
	return 0;
}

static bool good_datagram(size_t datagram)
{
	return !datagram ||
	       (datagram >= DATAGRAM_MIN && datagram <= HEPH_UDP_DATAGRAM_MAX);
}

static int make_keys(const struct heph_udp_config *config,
		     struct heph_udp_keys **ret_keys)
{
	if (!good_datagram(config->datagram) || config->rekey < 0 ||
	    config->peers > PEERS_MAX || (config->secret && config->n_keys))
		return -EINVAL;
	if (sodium_init() < 0)
		return -ENOMEM;
	if (config->secret)
		return heph_udp_keys_derive(config->secret, ret_keys);
	return heph_udp_keys_new(config->keys, config->n_keys, ret_keys);
}

int heph_raw_udp_new(struct heph_transport **ret_transport,
		     const struct heph_udp_config *given)
{
	struct heph_udp_config config;
	struct heph_udp_keys *keys = NULL;
	struct heph_udp *udp;
	int err;

	if (!heph_take_options__(&config, sizeof(config), given))
		return -EINVAL;
	err = make_keys(&config, &keys);
	if (err < 0)
		return err;
	err = make(keys, config.datagram, &udp);
	if (err < 0) {
		heph_udp_keys_unref(keys);
		return err;
	}
	udp->rekey = config.rekey ? config.rekey : 3600 * HEPH_SEC;
	udp->peers = config.peers ? config.peers : PEERS_DEFAULT;
	*ret_transport = &udp->transport;
	return 0;
}

int heph_udp_plain_new(struct heph_transport **ret_transport, size_t datagram)
{
	struct heph_udp_keys *keys;
	struct heph_udp *udp;
	int err;

	if (!good_datagram(datagram))
		return -EINVAL;
	err = sodium_init() < 0 ? -ENOMEM : heph_udp_keys_public(&keys);
	if (err < 0)
		return err;
	err = make(keys, datagram, &udp);
	if (err < 0) {
		heph_udp_keys_unref(keys);
		return err;
	}
	udp->plain = true;
	*ret_transport = &udp->transport;
	return 0;
}

static void udp_free(struct heph_transport *transport)
{
	struct heph_udp *udp = heph_udp_of(transport);

	heph_udp_keys_unref(udp->keys);
	pthread_mutex_destroy(&udp->lock);
	heph_remote_mem_free(udp);
}

const struct heph_transport_type heph_udp_type = {
	.name = "udp",
	.datagrams = true,
	.listen = heph_udp_door_listen,
	.accept = heph_udp_door_accept,
	.close_door = heph_udp_door_close,
	.connect = heph_udp_connect,
	.open = heph_udp_wire_open,
	.open_sender = heph_udp_wire_open_sender,
	.send = heph_udp_wire_send,
	.recv = heph_udp_wire_recv,
	.close_sender = heph_udp_wire_close_sender,
	.close = heph_udp_wire_close,
	.free = udp_free,
};

/* ---- keys ---------------------------------------------------------------------------- */

struct heph_udp_keys *heph_udp_keys_now(struct heph_udp *udp,
					unsigned *ret_generation)
{
	struct heph_udp_keys *keys;

	pthread_mutex_lock(&udp->lock);
	keys = heph_udp_keys_ref(udp->keys);
	*ret_generation = udp->generation;
	pthread_mutex_unlock(&udp->lock);
	return keys;
}

/* Who sees a new number takes the lock to look at the keys. */
unsigned heph_udp_generation(const struct heph_udp *udp)
{
	return __atomic_load_n(&udp->generation, __ATOMIC_RELAXED);
}

int heph_udp_set_keys(struct heph_transport *transport,
		      const struct heph_udp_key *list, size_t n)
{
	struct heph_udp *udp = heph_udp_of(transport);
	struct heph_udp_keys *keys, *old;
	int err = udp->plain ? -EOPNOTSUPP : heph_udp_keys_new(list, n, &keys);

	if (err < 0)
		return err;
	pthread_mutex_lock(&udp->lock);
	old = udp->keys;
	udp->keys = keys;
	__atomic_add_fetch(&udp->generation, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&udp->lock);
	heph_udp_keys_unref(old);
	return 0;
}

/* ---- random numbers -------------------------------------------------------------------- */

static void draw_simulated(heph_ctx ctx, uint8_t *buf, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = (uint8_t)heph_sim_random(ctx, 256);
}

void heph_udp_random(heph_ctx ctx, void *buf, size_t size)
{
	if (strcmp(heph_driver_name(ctx), "sim") == 0)
		draw_simulated(ctx, buf, size);
	else
		randombytes_buf(buf, size);
}

uint64_t heph_udp_who(heph_ctx ctx, struct heph_udp *udp)
{
	uint64_t none = 0, who = __atomic_load_n(&udp->who, __ATOMIC_RELAXED);

	if (who)
		return who;
	heph_udp_random(ctx, &who, sizeof(who));
	who |= 1; /* not 0 */
	return __atomic_compare_exchange_n(&udp->who, &none, who, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED) ?
		       who :
		       none;
}

/* ---- counting ------------------------------------------------------------------------------ */

static uint64_t *counter_of(struct heph_udp_stats *stats, enum heph_udp_why why)
{
	switch (why) {
	case HEPH_UDP_FORGED:
		return &stats->forged;
	case HEPH_UDP_REPLAYED:
		return &stats->replayed;
	case HEPH_UDP_STRANGE:
		return &stats->strange;
	case HEPH_UDP_FULL:
		return &stats->full;
	default:
		return &stats->unsent;
	}
}

void heph_udp_count(struct heph_udp *udp, enum heph_udp_why why,
		    const struct heph_address *peer, int err)
{
	static const char *const words[] = { "forged", "replayed", "strange",
					     "full", "unsent" };

	__atomic_fetch_add(counter_of(&udp->stats, why), 1, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&udp->told[why], true, __ATOMIC_RELAXED))
		return;
	heph_log_warn("datagram refused, or not sent; more are only counted",
		      HEPH_KV_STR("why", words[why]),
		      HEPH_KV_ADDRESS("peer", peer), HEPH_KV_ERR("err", err));
}

void heph_udp_refuse(struct heph_udp *udp, int err,
		     const struct heph_address *peer)
{
	enum heph_udp_why why = HEPH_UDP_STRANGE;

	if (err == -EBADMSG || err == -ENOKEY || err == -EKEYREVOKED)
		why = HEPH_UDP_FORGED;
	else if (err == -EALREADY)
		why = HEPH_UDP_REPLAYED;
	else if (err == -EBUSY || err == -EAGAIN || err == -ENOBUFS ||
		 err == -ENOMEM || err == -EMFILE || err == -ENFILE)
		why = HEPH_UDP_FULL;
	heph_udp_count(udp, why, peer, err);
}

void heph_udp_stats(struct heph_transport *transport,
		    struct heph_udp_stats *ret_stats)
{
	struct heph_udp_stats *stats = &heph_udp_of(transport)->stats;

	ret_stats->forged = __atomic_load_n(&stats->forged, __ATOMIC_RELAXED);
	ret_stats->replayed =
		__atomic_load_n(&stats->replayed, __ATOMIC_RELAXED);
	ret_stats->strange = __atomic_load_n(&stats->strange, __ATOMIC_RELAXED);
	ret_stats->full = __atomic_load_n(&stats->full, __ATOMIC_RELAXED);
	ret_stats->unsent = __atomic_load_n(&stats->unsent, __ATOMIC_RELAXED);
}
