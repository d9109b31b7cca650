/* SPDX-License-Identifier: MIT */
/* config.h - a copy of a user's options, to read its files again */
#ifndef HEPH_TLS_CONFIG_H
#define HEPH_TLS_CONFIG_H

#include <heph/tls.h>

/* Copies all that is in it, with defaults filled in. `to` is to be given to
 * heph_tls_config_fini() also after an error. Returns 0; -EINVAL, -ENOMEM. */
int heph_tls_config_init(struct heph_tls_config *to,
			 const struct heph_tls_config *from, bool server);
void heph_tls_config_fini(struct heph_tls_config *config);

/* Certificate `n` of all; those after the first are in `more_certs`. */
static inline const struct heph_tls_cert *
heph_tls_config_cert(const struct heph_tls_config *config, size_t n)
{
	return n == 0 ? &config->cert : &config->more_certs[n - 1];
}

/* How many there are: 0 if not even the first is given. */
static inline size_t heph_tls_config_certs(const struct heph_tls_config *config)
{
	return config->cert.file || config->cert.pem ?
		       config->n_more_certs + 1 :
		       0;
}

#endif
