/* SPDX-License-Identifier: MIT */
/* logconfig.h - what the environment says of the log; see <heph/log.h> */
#ifndef HEPH_BASE_LOGCONFIG_H
#define HEPH_BASE_LOGCONFIG_H

#include "base/logout.h"

/* Tells that something in the environment is wrong, before there is a thread. */
typedef void heph_complain_fn(const char *text, const char *key,
			      const char *value);

/* Opens the journal if it is wanted, and sets filter and rate. Once. */
void heph_logconfig_read(struct heph_logout *out, heph_complain_fn *complain);

#endif
