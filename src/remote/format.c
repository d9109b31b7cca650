/* SPDX-License-Identifier: MIT */
/* What the formats have in common: values are checked the same way, whatever
 * their bytes look like. */
#include "remote/format.h"

#include <math.h>

#include "remote/mem.h"

/* Whether it is in the message itself, not in a list. */
static bool within(const struct heph_walk *walk, const void *value)
{
	const char *at = value;

	return at >= walk->msg && at < walk->msg + walk->size;
}

/* ---- reading ------------------------------------------------------------------------ */

int heph_read_int(struct heph_walk *walk, const struct heph_field *field,
		  void *value, bool negative, uint64_t magnitude)
{
	if (!heph_field_takes(field, negative, magnitude))
		return heph_walk_fail(walk, -EBADMSG, "the number is out of range");
	heph_int_set(value, field->size, negative ? 0 - magnitude : magnitude);
	return 0;
}

int heph_read_float(struct heph_walk *walk, const struct heph_field *field,
		    void *value, double number)
{
	float single = (float)number;

	if (field->size == sizeof(double)) {
		memcpy(value, &number, sizeof(number));
		return 0;
	}
	if (isinf(single) && !isinf(number))
		return heph_walk_fail(walk, -EBADMSG, "the number is out of range");
	memcpy(value, &single, sizeof(single));
	return 0;
}

/* A copy with a nul behind it. */
static int keep(struct heph_walk *walk, const void *data, size_t size,
		char **ret_copy)
{
	int err = heph_walk_count(walk, size + 1);

	if (err < 0)
		return err;
	*ret_copy = heph_remote_mem_alloc(size + 1);
	if (!*ret_copy)
		return heph_walk_fail(walk, -ENOMEM, "no memory");
	if (size > 0)
		memcpy(*ret_copy, data, size);
	(*ret_copy)[size] = '\0';
	return 0;
}

int heph_read_text(struct heph_walk *walk, const struct heph_field *field,
		   void *value, const char *text, size_t size)
{
	bool chars = field->kind == HEPH_KIND_CHARS;
	char *copy;
	int err;

	if (!heph_is_utf8(text, size))
		return heph_walk_fail(walk, -EBADMSG, "the text is not UTF-8");
	if (size > (chars ? field->size - 1 : heph_field_max(field)))
		return heph_walk_fail(walk, -EBADMSG, "the text is too long");
	if (chars) {
		memset(value, 0, field->size);
		if (size > 0)
			memcpy(value, text, size);
		return 0;
	}
	err = keep(walk, text, size, &copy);
	if (err == 0)
		memcpy(value, &copy, sizeof(copy));
	return err;
}

int heph_read_bytes(struct heph_walk *walk, const struct heph_field *field,
		    void *value, const void *data, size_t size)
{
	struct heph_bytes bytes = { .size = size };
	char *copy;
	int err;

	if (size > heph_field_max(field))
		return heph_walk_fail(walk, -EBADMSG, "too many bytes");
	if (size == 0)
		return 0;
	err = keep(walk, data, size, &copy);
	if (err < 0)
		return err;
	bytes.data = copy;
	memcpy(value, &bytes, sizeof(bytes));
	return 0;
}

int heph_read_ref(struct heph_walk *walk, const struct heph_field *field,
		  void *value, const void *data, size_t size)
{
	struct heph_addr addr = { 0 };
	int err;

	if (size == 0)
		return 0;
	if (size != HEPH_WIRE_REF)
		return heph_walk_fail(walk, -EBADMSG, "this is no reference");
	if (!walk->refs || !walk->refs->in)
		return heph_walk_fail(walk, -EBADMSG,
				      "references cannot come in here");
	if (walk->n_refs++ == HEPH_CODEC_REFS)
		return heph_walk_fail(walk, -EBADMSG, "too many references");
	err = walk->refs->in(walk->refs, field, data, &addr);
	if (err < 0)
		return heph_walk_fail(walk, err, "the reference is refused");
	memcpy(value, &addr, sizeof(addr));
	return 0;
}

int heph_read_reply(struct heph_walk *walk, const struct heph_field *field,
		    void *value, uint64_t call)
{
	int err;

	if (!call)
		return 0;
	if (!within(walk, value))
		return heph_walk_fail(walk, -EBADMSG,
				      "an answer is asked for in a list");
	if (walk->n_replies++)
		return heph_walk_fail(walk, -EBADMSG,
				      "two answers are asked for");
	if (!walk->refs || !walk->refs->reply_in)
		return 0;
	err = walk->refs->reply_in(walk->refs, field, call, value);
	return err < 0 ? heph_walk_fail(walk, err, "the call is refused") : 0;
}

static int make_list(struct heph_walk *walk, const struct heph_field *field,
		     void *msg, size_t n)
{
	int err = heph_walk_count(walk, n * field->size);
	void *list;

	if (err < 0)
		return err;
	list = heph_remote_mem_zero(n * field->size);
	if (!list)
		return heph_walk_fail(walk, -ENOMEM, "no memory");
	memcpy(heph_field_in(field, msg), &list, sizeof(list));
	return 0;
}

int heph_read_many(struct heph_walk *walk, const struct heph_field *field,
		   void *msg, size_t n, char **ret_elements)
{
	int err = 0;

	if (n > heph_field_max(field) ||
	    (field->count_size && n > UINT64_MAX >> (64 - 8 * field->count_size)))
		return heph_walk_fail(walk, -EBADMSG, "too many elements");
	if (!field->count_size && n != field->max)
		return heph_walk_fail(walk, -EBADMSG, "too few elements");
	if (field->shape == HEPH_SHAPE_LIST && n > 0)
		err = make_list(walk, field, msg, n);
	if (err < 0)
		return err;
	if (field->count_size)
		heph_field_set_count(field, msg, n);
	*ret_elements = heph_field_elements(field, msg);
	return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

int heph_write_text(struct heph_walk *walk, const struct heph_field *field,
		    const void *value, const char **ret_text, size_t *ret_size)
{
	size_t max = heph_field_max(field);

	if (field->kind == HEPH_KIND_CHARS) {
		*ret_text = value;
		max = field->size - 1;
	} else {
		memcpy(ret_text, value, sizeof(*ret_text));
	}
	*ret_size = *ret_text ? strnlen(*ret_text, max + 1) : 0;
	if (*ret_size > max)
		return heph_walk_fail(walk, -EMSGSIZE, "the text is too long");
	if (!heph_is_utf8(*ret_text, *ret_size))
		return heph_walk_fail(walk, -EILSEQ, "the text is not UTF-8");
	return heph_walk_count(walk, *ret_size);
}

int heph_write_bytes(struct heph_walk *walk, const struct heph_field *field,
		     const void *value, struct heph_bytes *ret_bytes)
{
	memcpy(ret_bytes, value, sizeof(*ret_bytes));
	if (ret_bytes->size > heph_field_max(field))
		return heph_walk_fail(walk, -EMSGSIZE, "too many bytes");
	return heph_walk_count(walk, ret_bytes->size);
}

int heph_write_ref(struct heph_walk *walk, const struct heph_field *field,
		   const void *value, uint8_t wire[HEPH_WIRE_REF])
{
	struct heph_addr addr;
	int err;

	memcpy(&addr, value, sizeof(addr));
	if (!addr.id)
		return 0;
	if (!walk->refs || !walk->refs->out)
		return heph_walk_fail(walk, -EINVAL,
				      "references cannot leave from here");
	if (walk->n_refs++ == HEPH_CODEC_REFS)
		return heph_walk_fail(walk, -EMSGSIZE, "too many references");
	err = walk->refs->out(walk->refs, field, addr, wire);
	return err < 0 ? heph_walk_fail(walk, err, "the reference may not leave") :
			 HEPH_WIRE_REF;
}

int heph_write_reply(struct heph_walk *walk, const struct heph_field *field,
		     const void *value, uint64_t *ret_call)
{
	struct heph_reply reply;
	int err;

	memcpy(&reply, value, sizeof(reply));
	*ret_call = 0;
	if (!reply.call || !walk->refs || !walk->refs->reply_out)
		return 0;
	if (!within(walk, value))
		return heph_walk_fail(walk, -EINVAL,
				      "an answer is asked for in a list");
	err = walk->refs->reply_out(walk->refs, field, reply, ret_call);
	if (err < 0)
		return heph_walk_fail(walk, err, "the call may not leave");
	if (*ret_call && walk->n_replies++)
		return heph_walk_fail(walk, -EINVAL,
				      "two answers are asked for");
	return 0;
}

int heph_write_int(struct heph_walk *walk, const struct heph_field *field,
		   const void *value, bool *ret_negative, uint64_t *ret_magnitude)
{
	bool is_signed = field->kind == HEPH_KIND_INT;
	int64_t number = heph_int_get(value, field->size, is_signed);

	*ret_negative = is_signed && number < 0;
	*ret_magnitude = *ret_negative ? 0 - (uint64_t)number : (uint64_t)number;
	if (!heph_field_takes(field, *ret_negative, *ret_magnitude))
		return heph_walk_fail(walk, -EINVAL, "the number is out of range");
	return 0;
}

int heph_write_many(struct heph_walk *walk, const struct heph_field *field,
		    const void *msg, size_t *ret_n)
{
	*ret_n = heph_field_elements(field, msg) ? heph_field_count(field, msg) :
						   0;
	if (*ret_n > heph_field_max(field))
		return heph_walk_fail(walk, -EMSGSIZE, "too many elements");
	return 0;
}
