/* SPDX-License-Identifier: MIT */
/* The body is read into a buffer, and what reads multiparts goes through that. */
#include <heph/http/form.h>

#include <errno.h>

enum { BUFFER = 16 * 1024 };

struct heph_http_form {
	struct heph_http_request *req;
	struct heph_http_multipart parts;
	bool within;     /* a part */
	int failed;      /* a negative errno: it was told and is told again */
	const char *at;  /* what is left in the buffer */
	size_t left;
	char names[HEPH_HTTP_PART_HEAD]; /* those of the part, if decoded */
	char buffer[BUFFER];
};

int heph_http_form_new(struct heph_http_request *req,
		       struct heph_http_form **ret_form)
{
	struct heph_http_form *form = heph_http_alloc(req, sizeof(*form));
	int err;

	if (!form)
		return -ENOMEM;
	err = heph_http_multipart_init(&form->parts,
				       heph_http_field(req, "Content-Type"), 0);
	if (err < 0)
		return err;
	form->req = req;
	form->within = false;
	form->failed = 0;
	form->left = 0;
	*ret_form = form;
	return 0;
}

/* Waits. More of the body. At its end all parts must have ended, too. Returns 1; 0:
 * that is the end. */
static int fill(heph_ctx ctx, struct heph_http_form *form)
{
	int got = heph_http_read(ctx, form->req, form->buffer, BUFFER);

	if (got == 0)
		return heph_http_multipart_done(&form->parts) ? 0 : -EBADMSG;
	if (got < 0)
		return got;
	form->at = form->buffer;
	form->left = (size_t)got;
	return 1;
}

/* Waits. What comes next; PART_MORE: nothing, the body is at its end. */
static int next_event(heph_ctx ctx, struct heph_http_form *form,
		      struct heph_str *piece)
{
	int got = HEPH_HTTP_PART_MORE;
	size_t used;

	while (got == HEPH_HTTP_PART_MORE) {
		if (form->left == 0) {
			got = fill(ctx, form);
			if (got <= 0)
				break;
		}
		got = heph_http_multipart_feed(&form->parts, form->at,
					       form->left, &used, piece);
		form->at += used;
		form->left -= used;
	}
	if (got < 0)
		form->failed = got;
	form->within = got == HEPH_HTTP_PART_BEGIN ||
		       got == HEPH_HTTP_PART_DATA;
	return got;
}

static int describe(struct heph_http_form *form, struct heph_http_part *part)
{
	struct heph_str text = heph_http_multipart_field(&form->parts,
							 "Content-Disposition");
	struct heph_http_disposition disposition = { .name = { NULL, 0 } };
	int err = 0;

	if (text.data)
		err = heph_http_disposition_read(text, form->names,
						 sizeof(form->names),
						 &disposition);
	part->name = disposition.name;
	part->filename = disposition.filename;
	part->type = heph_http_multipart_field(&form->parts, "Content-Type");
	if (err)
		form->failed = err;
	return err;
}

int heph_http_form_next(heph_ctx ctx, struct heph_http_form *form,
			struct heph_http_part *ret_part)
{
	struct heph_str piece;
	int got = form->failed, err;

	while (got == 0 || got == HEPH_HTTP_PART_DATA ||
	       got == HEPH_HTTP_PART_END || got == HEPH_HTTP_PARTS_END) {
		got = next_event(ctx, form, &piece);
		if (got == HEPH_HTTP_PART_MORE)
			return 0;
	}
	if (got < 0)
		return got;
	err = describe(form, ret_part);
	return err < 0 ? err : 1;
}

int heph_http_form_read(heph_ctx ctx, struct heph_http_form *form,
			struct heph_str *ret_piece)
{
	int got;

	if (form->failed || !form->within)
		return form->failed;
	got = next_event(ctx, form, ret_piece);
	return got < 0 ? got : got == HEPH_HTTP_PART_DATA;
}

const struct heph_http_fields *
heph_http_form_fields(const struct heph_http_form *form)
{
	return &form->parts.fields;
}
