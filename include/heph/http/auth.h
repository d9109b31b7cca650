/* SPDX-License-Identifier: MIT */
/*
 * auth.h - Authorization: Basic (RFC 7617) and Bearer (RFC 6750). Any thread.
 *
 * Those who read return 1; 0: it is of another scheme; -EBADMSG: of this one, but
 * malformed. A server answers the latter two as it answers none: 401 with
 * WWW-Authenticate.
 */
#ifndef HEPH_HTTP_AUTH_H
#define HEPH_HTTP_AUTH_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads "Basic dTpw": the name and the password, written to `buf`; as large as the
 * text is enough. -ENOSPC: it is too small. */
HEPH_API HEPH_MUST int heph_http_basic_read(struct heph_str text, char *buf,
					    size_t room, struct heph_str *ret_user,
					    struct heph_str *ret_password);

/* Writes it. Returns 0, -ENOSPC; -EINVAL: a ":" in the name, or a control
 * character. */
HEPH_API HEPH_MUST int heph_http_basic_write(struct heph_str user,
					     struct heph_str password, char *buf,
					     size_t room,
					     struct heph_str *ret_text);

/* Reads "Bearer TOKEN". */
HEPH_API HEPH_MUST int heph_http_bearer_read(struct heph_str text,
					     struct heph_str *ret_token);

/* Whether they are the same, in a time that tells nothing of where they differ. */
HEPH_API bool heph_http_same_secret(struct heph_str a, struct heph_str b);

#ifdef __cplusplus
}
#endif
#endif
