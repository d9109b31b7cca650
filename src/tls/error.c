/* SPDX-License-Identifier: MIT */
#include "tls/error.h"

#include <heph/tls.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[200];

const char *heph_tls_error_text(void)
{
	return text;
}

int heph_tls_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err;
}

/* A reason beyond this is an alert that the peer sent; RFC 8446, section 6. */
static const char *alert_of(unsigned long error)
{
	int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;

	return ERR_GET_LIB(error) == ERR_LIB_SSL && alert >= 0 && alert < 256 ?
		       SSL_alert_desc_string_long(alert) :
		       NULL;
}

static void describe(const char *what, unsigned long error, const char *data)
{
	const char *alert = alert_of(error);
	const char *reason = ERR_reason_error_string(error);

	if (alert)
		heph_tls_error(0, "%s: the peer says: %s", what, alert);
	else if (reason && data && *data)
		heph_tls_error(0, "%s: %s: %s", what, reason, data);
	else
		heph_tls_error(0, "%s: %s", what, reason ? reason : "it failed");
}

int heph_tls_error_take(int err, const char *what)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);

	describe(what, error, flags & ERR_TXT_STRING ? data : NULL);
	while (error) {
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			err = heph_tls_error(-ENOMEM, "%s: no memory", what);
		error = ERR_get_error();
	}
	return err;
}
