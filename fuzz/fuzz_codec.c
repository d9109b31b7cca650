/* SPDX-License-Identifier: MIT */
/*
 * Messages and answers that somebody sent: what is read can be written and is read
 * again as the same; what is refused owns nothing. The first byte says what it is:
 *
 *     1        JSON, else CBOR
 *     2        an answer, else a message
 *     4, 8     which answer
 *     16       references and replies have nobody who carries them
 */
#include <heph/remote/actor.h>

#include <stdlib.h>
#include <string.h>

struct line {
	char what[16];
	int32_t n;
	char *note;
};
HEPH_CODEC(line, struct line, HEPH_FIELD(what), HEPH_FIELD(n), HEPH_FIELD(note));

struct sum {
	int64_t total;
	char unit[8];
	double parts[2];
	heph_ref by;
};
HEPH_CODEC(sum, struct sum, HEPH_FIELD(total), HEPH_FIELD(unit),
	   HEPH_ARRAY_FULL(parts), HEPH_FIELD_REF(by));

struct order;
HEPH_ACTOR(buyer, struct order, void);
HEPH_REMOTE_LATER(buyer);

struct order {
	uint64_t id;
	int8_t small;
	bool has_price;
	double price;
	float weight;
	struct heph_bytes blob;
	struct line *lines;
	uint8_t n_lines;
	int64_t numbers[4];
	unsigned n_numbers;
	unsigned kind;
	union {
		char *word;
		struct line line;
	};
	heph_ref any;
	buyer_ref buyer;
	buyer_ref *more;
	uint16_t n_more;
	HEPH_REPLY(int) count;
	HEPH_REPLY(struct sum) sum;
	HEPH_REPLY(buyer_ref) other;
	HEPH_REPLY(double) ratio;
	struct order *parts;
	size_t n_parts;
};
static inline const struct heph_codec *order_codec(void);
HEPH_CODEC(order, struct order, HEPH_FIELD(id), HEPH_FIELD(small),
	   HEPH_FIELD(price, HEPH_IF(has_price)), HEPH_FIELD(weight),
	   HEPH_FIELD(blob, .max = 1000), HEPH_LIST_OF(lines, n_lines, line),
	   HEPH_ARRAY(numbers, n_numbers), HEPH_FIELD(kind, .max = 2),
	   HEPH_FIELD(word, HEPH_CASE(kind, 0)),
	   HEPH_FIELD_OF(line, line, HEPH_CASE(kind, 1)), HEPH_FIELD_REF(any),
	   HEPH_FIELD_REF_OF(buyer, buyer),
	   HEPH_LIST_REF_OF(more, n_more, buyer), HEPH_FIELD_REPLY(count),
	   HEPH_FIELD_REPLY_OF(sum, sum), HEPH_FIELD_REPLY_REF(other, buyer),
	   HEPH_FIELD_REPLY(ratio), HEPH_LIST_OF(parts, n_parts, order));
HEPH_REMOTE(buyer, order);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* ---- who carries them ------------------------------------------------------------- */

enum { GOOD = 0x5a }; /* the first byte of a reference */

struct carrier {
	struct heph_codec_refs refs;
	const struct order *order; /* that is read */
	unsigned n_refs, n_calls;
};

static int out(const struct heph_codec_refs *refs,
	       const struct heph_field *field, struct heph_addr addr,
	       uint8_t wire[HEPH_WIRE_REF])
{
	(void)refs;
	must(field->kind == HEPH_KIND_REF && addr.id);
	memset(wire, GOOD, HEPH_WIRE_REF);
	memcpy(wire + 1, &addr.id, sizeof(addr.id));
	return 0;
}

static int in(const struct heph_codec_refs *refs, const struct heph_field *field,
	      const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	struct carrier *carrier = (struct carrier *)(uintptr_t)refs;

	must(field->kind == HEPH_KIND_REF);
	must(++carrier->n_refs <= HEPH_CODEC_REFS);
	if (wire[0] != GOOD)
		return -EBADMSG;
	memcpy(&ret_addr->id, wire + 1, sizeof(ret_addr->id));
	return ret_addr->id ? 0 : -EBADMSG;
}

static int reply_out(const struct heph_codec_refs *refs,
		     const struct heph_field *field, struct heph_reply reply,
		     uint64_t *ret_call)
{
	(void)refs;
	must(field->kind == HEPH_KIND_REPLY && reply.call);
	*ret_call = reply.call;
	return 0;
}

static int reply_in(const struct heph_codec_refs *refs,
		    const struct heph_field *field, uint64_t call,
		    struct heph_reply *member)
{
	struct carrier *carrier = (struct carrier *)(uintptr_t)refs;
	const char *at = (const char *)member;

	must(field->kind == HEPH_KIND_REPLY && call && !member->call);
	must(++carrier->n_calls == 1);
	if (carrier->order)
		must(at == (const char *)carrier->order + field->at);
	member->call = call;
	return 0;
}

static struct carrier a_carrier(const struct order *order)
{
	return (struct carrier){ .refs = { out, in, reply_out, reply_in },
				 .order = order };
}

/* ---- messages ----------------------------------------------------------------------- */

static struct heph_bytes written(enum heph_format format,
				 const struct order *order,
				 const struct heph_codec_refs *refs)
{
	struct heph_bytes bytes;

	must(heph_codec_write(order_codec(), format, order, refs, &bytes, NULL) ==
	     0);
	return bytes;
}

static void try_message(enum heph_format format, const uint8_t *data, size_t size,
			bool carried)
{
	struct order order, again, copy;
	struct carrier first = a_carrier(&order), second = a_carrier(&again);
	const struct heph_codec_refs *refs = carried ? &first.refs : NULL;
	struct heph_codec_error error;
	struct heph_bytes bytes, more;
	char text[200];

	if (heph_codec_read(order_codec(), format, data, size, refs, &order,
			    &error) < 0) {
		must(error.why[0]);
		return;
	}
	heph_codec_print(order_codec(), &order, text, sizeof(text));
	bytes = written(format, &order, refs);
	must(heph_codec_read(order_codec(), format, bytes.data, bytes.size,
			     carried ? &second.refs : NULL, &again, NULL) == 0);
	must(order_copy(&copy, &again) == 0);
	order_drop(&again);
	more = written(format, &copy, carried ? &second.refs : NULL);
	must(more.size == bytes.size &&
	     memcmp(more.data, bytes.data, bytes.size) == 0);
	free(more.data);
	free(bytes.data);
	order_drop(&copy);
	order_drop(&order);
}

/* ---- answers ------------------------------------------------------------------------- */

static const struct heph_field *reply(unsigned n)
{
	const struct heph_codec *codec = order_codec();

	for (unsigned i = 0; i < codec->n; i++)
		if (codec->fields[i].kind == HEPH_KIND_REPLY && n-- == 0)
			return &codec->fields[i];
	abort();
}

static void try_answer(enum heph_format format, const struct heph_field *field,
		       const uint8_t *data, size_t size)
{
	struct carrier carrier = a_carrier(NULL);
	struct heph_bytes bytes, more;
	union {
		int count;
		struct sum sum;
		buyer_ref other;
		double ratio;
	} value;

	must(heph_codec_answer_size(field) <= sizeof(value));
	if (heph_codec_read_answer(field, format, data, size, &carrier.refs,
				   &value, NULL) < 0)
		return;
	must(heph_codec_write_answer(field, format, &value, &carrier.refs, &bytes,
				     NULL) == 0);
	must(heph_codec_read_answer(field, format, bytes.data, bytes.size,
				    &carrier.refs, &value, NULL) == 0);
	must(heph_codec_write_answer(field, format, &value, &carrier.refs, &more,
				     NULL) == 0);
	must(more.size == bytes.size &&
	     memcmp(more.data, bytes.data, bytes.size) == 0);
	free(more.data);
	free(bytes.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum heph_format format = size && *data & 1 ? HEPH_JSON : HEPH_CBOR;

	if (!size)
		return 0;
	if (*data & 2)
		try_answer(format, reply(*data >> 2 & 3), data + 1, size - 1);
	else
		try_message(format, data + 1, size - 1, !(*data & 16));
	return 0;
}
