/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * Dialing: libnats connects on a plain thread that nobody has to wait for.
 *
 * It limits each step but the handshake of TLS, for which it makes the socket block: a
 * broker that takes the connection and then says nothing holds that thread for as long as
 * it likes. Who has waited for long enough leaves it behind, with a reference to the
 * link, and it ends with the broker's connection. (When libnats connects again by
 * itself it does so on a thread of its own, with the connection's lock: a broker that
 * stalls just there is waited for until TCP says that it is gone.)
 */
#include "remote/mem.h"
#include "remote/nats_state.h"

/* For each server of the URL: connecting and what is said then take 2 s at most each. */
static const heph_time FOR_EACH = 6 * HEPH_SEC;

struct dialed {
	natsConnection *conn; /* if err is 0 */
	int err;
};
static void dialed_drop(struct dialed *dialed)
{
	natsConnection_Destroy(dialed->conn);
}
HEPH_ONESHOT(dialed, struct dialed, dialed_drop);

struct dial {
	struct heph_nats_link *link; /* held */
	dialed_sender tx;
};

static void *dial(void *arg)
{
	struct dial *dial = arg;
	struct dialed dialed = { 0 };

	dialed.err = heph_nats_open(dial->link, &dialed.conn);
	if (heph_oneshot_send(dial->tx, dialed) < 0)
		dialed_drop(&dialed);
	heph_nats_link_unref(dial->link);
	heph_remote_mem_free(dial);
	nats_ReleaseThreadMemory();
	return NULL;
}

static int start(struct dial *dial_)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, dial, dial_);
	pthread_attr_destroy(&attr);
	return -err;
}

static heph_time limit_of(const struct heph_nats_link *link)
{
	unsigned servers = 1;

	for (const char *at = link->config.url; *at; at++)
		servers += *at == ',';
	return servers * FOR_EACH;
}

int heph_nats_dial(heph_ctx ctx, struct heph_nats_link *link, natsConnection **ret_conn)
{
	struct dial *dial = heph_remote_mem_zero(sizeof(*dial));
	struct dialed dialed;
	dialed_receiver rx;
	int err = dial ? heph_oneshot_new(dialed, &dial->tx, &rx) : -ENOMEM;

	if (err < 0) {
		heph_remote_mem_free(dial);
		return err;
	}
	dial->link = heph_nats_link_ref(link);
	err = start(dial);
	if (err < 0) {
		heph_oneshot_free(dial->tx);
		heph_nats_link_unref(link);
		heph_remote_mem_free(dial);
	} else {
		err = heph_oneshot_recv(heph_within(ctx, limit_of(link)), rx, &dialed);
		if (err < 0)
			heph_log_warn("nats: a broker is silent, and left alone",
				      HEPH_KV_STR("name", link->config.name),
				      HEPH_KV_ERR("err", err));
	}
	heph_oneshot_free(rx);
	if (err < 0)
		return err == -ETIME ? -EHOSTUNREACH : err;
	*ret_conn = dialed.conn;
	return dialed.err;
}
