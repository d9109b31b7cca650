/* SPDX-License-Identifier: MIT */
#include "tls/tls.h"

#include <string.h>

#include "tls/bio.h"
#include "tls/error.h"
#include "tls/setup.h"

struct heph_tls *heph_tls_ref(struct heph_tls *tls)
{
	atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
	return tls;
}

void heph_tls_free(struct heph_tls *tls)
{
	/* What others did with it is seen before it is freed. */
	if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1,
					      memory_order_acq_rel) > 1)
		return;
	heph_tls_setup_unref(tls->setup);
	heph_tls_sessions_fini(&tls->sessions);
	heph_tls_tickets_fini(&tls->tickets);
	pthread_mutex_destroy(&tls->lock);
	pthread_mutex_destroy(&tls->reloading);
	BIO_meth_free(tls->bio);
	OPENSSL_free(tls);
}

struct heph_tls_setup *heph_tls_setup_of(struct heph_tls *tls)
{
	struct heph_tls_setup *setup;

	pthread_mutex_lock(&tls->lock);
	setup = heph_tls_setup_ref(tls->setup);
	pthread_mutex_unlock(&tls->lock);
	return setup;
}

static int make(struct heph_tls **ret_tls, bool server,
		const struct heph_tls_config *config)
{
	struct heph_tls *tls = OPENSSL_zalloc(sizeof(*tls));
	int err;

	if (!tls)
		return heph_tls_error(-ENOMEM, "no memory");
	atomic_init(&tls->refs, 1);
	tls->server = server;
	pthread_mutex_init(&tls->lock, NULL);
	pthread_mutex_init(&tls->reloading, NULL);
	heph_tls_tickets_init(&tls->tickets);
	heph_tls_sessions_init(&tls->sessions, 0);
	tls->bio = heph_tls_bio_method();
	err = tls->bio ? heph_tls_setup_new(&tls->setup, tls, config) :
			 heph_tls_error_take(-ENOMEM, "no memory");
	if (err < 0) {
		heph_tls_free(tls);
		return err;
	}
	tls->sessions.room = tls->setup->config.sessions;
	*ret_tls = tls;
	return 0;
}

int heph_tls_raw_server_new(struct heph_tls **ret_tls,
			    const struct heph_tls_config *config)
{
	return make(ret_tls, true, config);
}

int heph_tls_raw_client_new(struct heph_tls **ret_tls,
			    const struct heph_tls_config *config)
{
	return make(ret_tls, false, config);
}

/* ---- reloading --------------------------------------------------------------------- */

static void exchange(struct heph_tls *tls, struct heph_tls_setup *setup)
{
	struct heph_tls_setup *old;

	pthread_mutex_lock(&tls->lock);
	old = tls->setup;
	tls->setup = setup;
	pthread_mutex_unlock(&tls->lock);
	if (!tls->server && setup->epoch != old->epoch)
		heph_tls_sessions_forget(&tls->sessions, setup->epoch);
	heph_tls_setup_unref(old);
}

/* `if_changed`: only if the files have. With `reloading` locked, so the setup that
 * is there stays. */
static int reload(struct heph_tls *tls, const struct heph_tls_config *config,
		  bool if_changed)
{
	struct heph_tls_setup *setup;
	int err;

	tls->epochs++;
	err = heph_tls_setup_new(&setup, tls, config);
	if (err < 0)
		return err;
	if (if_changed && memcmp(setup->digest, tls->setup->digest,
				 sizeof(setup->digest)) == 0) {
		heph_tls_setup_unref(setup);
		return 0;
	}
	exchange(tls, setup);
	return 1;
}

int heph_tls_raw_reload(struct heph_tls *tls, const struct heph_tls_config *config)
{
	int err;

	pthread_mutex_lock(&tls->reloading);
	err = reload(tls, config, false);
	pthread_mutex_unlock(&tls->reloading);
	return err < 0 ? err : 0;
}

int heph_tls_reload_files(struct heph_tls *tls)
{
	int err;

	pthread_mutex_lock(&tls->reloading);
	err = reload(tls, &tls->setup->config, true);
	pthread_mutex_unlock(&tls->reloading);
	return err;
}
