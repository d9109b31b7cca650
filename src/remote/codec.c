/* SPDX-License-Identifier: MIT */
#include <heph/remote/codec.h>

#include "remote/format.h"
#include "remote/mem.h"

static struct heph_walk begin(const struct heph_codec *codec, const void *msg,
			      const struct heph_codec_refs *refs,
			      struct heph_codec_error *error)
{
	if (error)
		error->field[0] = error->why[0] = '\0';
	return (struct heph_walk){ .refs = refs,
				   .error = error,
				   .msg = msg,
				   .size = codec->size };
}

/* Moves the bytes of a writer that knows nothing of `head`. */
static int leave_head(size_t head, struct heph_bytes *bytes)
{
	char *grown = heph_remote_mem_grow(bytes->data, head + bytes->size + 1);

	if (!grown) {
		heph_remote_mem_free(bytes->data);
		return -ENOMEM;
	}
	memmove(grown + head, grown, bytes->size);
	*bytes = (struct heph_bytes){ grown, head + bytes->size };
	return 0;
}

int heph_codec_write_behind(size_t head, const struct heph_codec *codec,
			    enum heph_format format, const void *msg,
			    const struct heph_codec_refs *refs,
			    struct heph_bytes *ret_bytes,
			    struct heph_codec_error *ret_error)
{
	struct heph_walk walk = begin(codec, msg, refs, ret_error);
	struct heph_codec_error unused;
	int err;

	walk.head = head;
	if (!codec->own && format == HEPH_CBOR)
		return heph_cbor_write(&walk, codec, msg, ret_bytes);
	err = codec->own ? codec->own->write(msg, refs, ret_bytes,
					     ret_error ? ret_error : &unused) :
			   heph_json_write(&walk, codec, msg, ret_bytes);
	return err == 0 && head ? leave_head(head, ret_bytes) : err;
}

int heph_codec_write(const struct heph_codec *codec, enum heph_format format,
		     const void *msg, const struct heph_codec_refs *refs,
		     struct heph_bytes *ret_bytes,
		     struct heph_codec_error *ret_error)
{
	return heph_codec_write_behind(0, codec, format, msg, refs, ret_bytes,
				       ret_error);
}

int heph_codec_read(const struct heph_codec *codec, enum heph_format format,
		    const void *data, size_t size,
		    const struct heph_codec_refs *refs, void *ret_msg,
		    struct heph_codec_error *ret_error)
{
	struct heph_walk walk = begin(codec, ret_msg, refs, ret_error);
	struct heph_codec_error unused;
	int err;

	memset(ret_msg, 0, codec->size);
	if (codec->own)
		return codec->own->read(data, size, refs, ret_msg,
					ret_error ? ret_error : &unused);
	err = format == HEPH_CBOR ?
		      heph_cbor_read(&walk, codec, data, size, ret_msg) :
		      heph_json_read(&walk, codec, data, size, ret_msg);
	if (err < 0)
		heph_codec_drop(codec, ret_msg);
	return err;
}

/* ---- answers ------------------------------------------------------------------- */

/* An answer that is no struct travels as one that has it as its only member. */
struct alone {
	struct heph_field field;
	struct heph_codec codec;
};

static const struct heph_codec *codec_of(const struct heph_field *reply,
					 struct alone *alone)
{
	if (reply->answer == HEPH_KIND_STRUCT)
		return reply->codec();
	alone->field = (struct heph_field){ .name = "value",
					    .kind = reply->answer,
					    .size = reply->answer_size,
					    .remote = reply->remote };
	alone->codec = (struct heph_codec){ .name = "answer",
					    .size = reply->answer_size,
					    .fields = &alone->field,
					    .n = 1 };
	return &alone->codec;
}

size_t heph_codec_answer_size(const struct heph_field *field)
{
	return field->answer_size;
}

static int must_be_plain(const struct heph_codec *codec, const void *value,
			 struct heph_codec_error *error)
{
	struct heph_walk walk = begin(codec, value, NULL, error);

	return heph_codec_is_plain(codec) ?
		       0 :
		       heph_walk_fail(&walk, -EINVAL,
				      "an answer may not own anything");
}

int heph_codec_answer_behind(size_t head, const struct heph_field *field,
			     enum heph_format format, const void *value,
			     const struct heph_codec_refs *refs,
			     struct heph_bytes *ret_bytes,
			     struct heph_codec_error *ret_error)
{
	struct alone alone;
	const struct heph_codec *codec = codec_of(field, &alone);
	int err = must_be_plain(codec, value, ret_error);

	return err < 0 ? err :
			 heph_codec_write_behind(head, codec, format, value,
						 refs, ret_bytes, ret_error);
}

int heph_codec_write_answer(const struct heph_field *field,
			    enum heph_format format, const void *value,
			    const struct heph_codec_refs *refs,
			    struct heph_bytes *ret_bytes,
			    struct heph_codec_error *ret_error)
{
	return heph_codec_answer_behind(0, field, format, value, refs,
					ret_bytes, ret_error);
}

int heph_codec_read_answer(const struct heph_field *field,
			   enum heph_format format, const void *data,
			   size_t size, const struct heph_codec_refs *refs,
			   void *ret_value, struct heph_codec_error *ret_error)
{
	struct alone alone;
	const struct heph_codec *codec = codec_of(field, &alone);
	int err = must_be_plain(codec, ret_value, ret_error);

	return err < 0 ? err :
			 heph_codec_read(codec, format, data, size, refs,
					 ret_value, ret_error);
}
