/* SPDX-License-Identifier: MIT */
/*
 * status.h - the status of a response: constants, reasons, classes
 *
 * All that IANA has registered; any number from 100 to 999 is a status, though.
 * Any thread.
 */
#ifndef HEPH_HTTP_STATUS_H
#define HEPH_HTTP_STATUS_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heph_http_status {
	HEPH_HTTP_STATUS_CONTINUE = 100,
	HEPH_HTTP_STATUS_SWITCHING_PROTOCOLS = 101,
	HEPH_HTTP_STATUS_PROCESSING = 102,
	HEPH_HTTP_STATUS_EARLY_HINTS = 103,
	HEPH_HTTP_STATUS_UPLOAD_RESUMPTION_SUPPORTED = 104,
	HEPH_HTTP_STATUS_OK = 200,
	HEPH_HTTP_STATUS_CREATED = 201,
	HEPH_HTTP_STATUS_ACCEPTED = 202,
	HEPH_HTTP_STATUS_NON_AUTHORITATIVE_INFORMATION = 203,
	HEPH_HTTP_STATUS_NO_CONTENT = 204,
	HEPH_HTTP_STATUS_RESET_CONTENT = 205,
	HEPH_HTTP_STATUS_PARTIAL_CONTENT = 206,
	HEPH_HTTP_STATUS_MULTI_STATUS = 207,
	HEPH_HTTP_STATUS_ALREADY_REPORTED = 208,
	HEPH_HTTP_STATUS_IM_USED = 226,
	HEPH_HTTP_STATUS_MULTIPLE_CHOICES = 300,
	HEPH_HTTP_STATUS_MOVED_PERMANENTLY = 301,
	HEPH_HTTP_STATUS_FOUND = 302,
	HEPH_HTTP_STATUS_SEE_OTHER = 303,
	HEPH_HTTP_STATUS_NOT_MODIFIED = 304,
	HEPH_HTTP_STATUS_USE_PROXY = 305,
	HEPH_HTTP_STATUS_TEMPORARY_REDIRECT = 307,
	HEPH_HTTP_STATUS_PERMANENT_REDIRECT = 308,
	HEPH_HTTP_STATUS_BAD_REQUEST = 400,
	HEPH_HTTP_STATUS_UNAUTHORIZED = 401,
	HEPH_HTTP_STATUS_PAYMENT_REQUIRED = 402,
	HEPH_HTTP_STATUS_FORBIDDEN = 403,
	HEPH_HTTP_STATUS_NOT_FOUND = 404,
	HEPH_HTTP_STATUS_METHOD_NOT_ALLOWED = 405,
	HEPH_HTTP_STATUS_NOT_ACCEPTABLE = 406,
	HEPH_HTTP_STATUS_PROXY_AUTHENTICATION_REQUIRED = 407,
	HEPH_HTTP_STATUS_REQUEST_TIMEOUT = 408,
	HEPH_HTTP_STATUS_CONFLICT = 409,
	HEPH_HTTP_STATUS_GONE = 410,
	HEPH_HTTP_STATUS_LENGTH_REQUIRED = 411,
	HEPH_HTTP_STATUS_PRECONDITION_FAILED = 412,
	HEPH_HTTP_STATUS_CONTENT_TOO_LARGE = 413,
	HEPH_HTTP_STATUS_URI_TOO_LONG = 414,
	HEPH_HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE = 415,
	HEPH_HTTP_STATUS_RANGE_NOT_SATISFIABLE = 416,
	HEPH_HTTP_STATUS_EXPECTATION_FAILED = 417,
	HEPH_HTTP_STATUS_MISDIRECTED_REQUEST = 421,
	HEPH_HTTP_STATUS_UNPROCESSABLE_CONTENT = 422,
	HEPH_HTTP_STATUS_LOCKED = 423,
	HEPH_HTTP_STATUS_FAILED_DEPENDENCY = 424,
	HEPH_HTTP_STATUS_TOO_EARLY = 425,
	HEPH_HTTP_STATUS_UPGRADE_REQUIRED = 426,
	HEPH_HTTP_STATUS_PRECONDITION_REQUIRED = 428,
	HEPH_HTTP_STATUS_TOO_MANY_REQUESTS = 429,
	HEPH_HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE = 431,
	HEPH_HTTP_STATUS_UNAVAILABLE_FOR_LEGAL_REASONS = 451,
	HEPH_HTTP_STATUS_INTERNAL_SERVER_ERROR = 500,
	HEPH_HTTP_STATUS_NOT_IMPLEMENTED = 501,
	HEPH_HTTP_STATUS_BAD_GATEWAY = 502,
	HEPH_HTTP_STATUS_SERVICE_UNAVAILABLE = 503,
	HEPH_HTTP_STATUS_GATEWAY_TIMEOUT = 504,
	HEPH_HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED = 505,
	HEPH_HTTP_STATUS_VARIANT_ALSO_NEGOTIATES = 506,
	HEPH_HTTP_STATUS_INSUFFICIENT_STORAGE = 507,
	HEPH_HTTP_STATUS_LOOP_DETECTED = 508,
	HEPH_HTTP_STATUS_NOT_EXTENDED = 510,
	HEPH_HTTP_STATUS_NETWORK_AUTHENTICATION_REQUIRED = 511,
};

/* "Not Found"; "" for one that is not registered. */
HEPH_API const char *heph_http_reason(unsigned status);

/* The class: 1 for 100 to 199, up to 5 for 500 to 599, and 9 at most. */
static inline unsigned heph_http_status_class(unsigned status)
{
	return status / 100;
}

/* 1: interim, 2: success, 3: redirect, 4: the client has made a mistake, 5: the
 * server has. */
static inline bool heph_http_status_is_interim(unsigned status)
{
	return heph_http_status_class(status) == 1;
}
static inline bool heph_http_status_is_success(unsigned status)
{
	return heph_http_status_class(status) == 2;
}
static inline bool heph_http_status_is_redirect(unsigned status)
{
	return heph_http_status_class(status) == 3;
}
static inline bool heph_http_status_is_client_error(unsigned status)
{
	return heph_http_status_class(status) == 4;
}
static inline bool heph_http_status_is_server_error(unsigned status)
{
	return heph_http_status_class(status) == 5;
}

/* Whether a response with it may have a body; RFC 9110, section 6.4.1. */
static inline bool heph_http_status_has_body(unsigned status)
{
	return !heph_http_status_is_interim(status) && status != 204 &&
	       status != 304;
}

#ifdef __cplusplus
}
#endif
#endif
