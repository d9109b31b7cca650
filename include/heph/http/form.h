/* SPDX-License-Identifier: MIT */
/*
 * form.h - the parts of a multipart body, one by one, as they come
 *
 *     err = heph_http_form_new(req, &form);
 *     while (err == 0 && (err = heph_http_form_next(ctx, form, &part)) > 0)
 *             while ((err = heph_http_form_read(ctx, form, &piece)) > 0)
 *                     ...
 *
 * Whoever does not read keeps the client waiting: however large a file is, it is
 * never in memory as a whole. See multipart.h for what has no request.
 *
 * A form in application/x-www-form-urlencoded is read with heph_http_read_all() and
 * heph_http_query_get() (uri.h).
 */
#ifndef HEPH_HTTP_FORM_H
#define HEPH_HTTP_FORM_H

#include <heph/http/message.h>
#include <heph/http/multipart.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_form;

/* A part; its texts are valid until the next one. { NULL, 0 } is not there. */
struct heph_http_part {
	struct heph_str name;     /* of the form's field */
	struct heph_str filename; /* of a file; see heph_http_disposition */
	struct heph_str type;     /* its Content-Type */
};

/* Makes a reader, in memory of the request: about 26 KiB. Returns 0; -EBADMSG: the
 * body is no multipart; -ENOMEM. */
HEPH_API HEPH_MUST int heph_http_form_new(struct heph_http_request *req,
					  struct heph_http_form **ret_form);

/* Waits. The next part; what was not read of the one before it is skipped. Returns
 * 1; 0: there are no more; -EBADMSG (it is malformed, or not whole), -EMSGSIZE,
 * -E2BIG as heph_http_multipart_feed(); and as heph_http_read(). After an error only
 * that error. */
HEPH_API HEPH_MUST int heph_http_form_next(heph_ctx ctx,
					   struct heph_http_form *form,
					   struct heph_http_part *ret_part);

/* Waits. The next piece of the part, never empty, valid until the next call.
 * Returns 1; 0: that was all of the part; as heph_http_form_next(). */
HEPH_API HEPH_MUST int heph_http_form_read(heph_ctx ctx,
					   struct heph_http_form *form,
					   struct heph_str *ret_piece);

/* All fields of the part's head. */
HEPH_API const struct heph_http_fields *
heph_http_form_fields(const struct heph_http_form *form);

#ifdef __cplusplus
}
#endif
#endif
