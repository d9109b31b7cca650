/* SPDX-License-Identifier: MIT */
/* References, replies and answers: what whoever carries a message is told of them,
 * and what of them is refused. */
#include <heph/remote/actor.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "remote/mem.h"

/* ---- what travels ------------------------------------------------------------------ */

struct sum {
	int64_t total;
	char unit[8];
};
HEPH_CODEC(sum, struct sum, HEPH_FIELD(total), HEPH_FIELD(unit));

struct told {
	char *why;
};
HEPH_CODEC(told, struct told, HEPH_FIELD(why));

enum colour { RED, GREEN };

/* Two types of actors whose messages have references to each other. */
struct ask;
struct note;
HEPH_ACTOR(asked, struct ask, struct sum);
HEPH_ACTOR(noted, struct note, void);
HEPH_ACTOR(deaf, void, void);
HEPH_REMOTE_LATER(asked);
HEPH_REMOTE_LATER(noted);
HEPH_REMOTE_LATER(asked); /* twice does no harm */
HEPH_REMOTE(deaf, void);

struct note {
	asked_ref about;
};
HEPH_CODEC(note, struct note, HEPH_FIELD_REF_OF(about, asked));

struct part {
	int n;
	HEPH_REPLY(bool) done;
};
HEPH_CODEC(part, struct part, HEPH_FIELD(n), HEPH_FIELD_REPLY(done));

struct ask {
	heph_ref any;
	noted_ref one;
	deaf_ref deaf;
	noted_ref some[3];
	uint8_t n_some;
	heph_ref both[2];
	unsigned n_both;
	noted_ref *many;
	unsigned n_many;
	heph_ref *all;
	size_t n_all;
	bool has_two;
	noted_ref two;
	HEPH_REPLY(int) count;
	HEPH_REPLY(enum colour) colour;
	HEPH_REPLY(struct sum) sum;
	HEPH_REPLY(struct told) told;
	HEPH_REPLY(noted_ref) made;
	struct part part;
	struct part *parts;
	unsigned n_parts;
};
HEPH_CODEC(ask, struct ask, HEPH_FIELD_REF(any), HEPH_FIELD_REF_OF(one, noted),
	   HEPH_FIELD_REF_OF(deaf, deaf),
	   HEPH_ARRAY_REF_OF(some, n_some, noted), HEPH_ARRAY_REF(both, n_both),
	   HEPH_LIST_REF_OF(many, n_many, noted), HEPH_LIST_REF(all, n_all),
	   HEPH_FIELD_REF_OF(two, noted, HEPH_IF(has_two)),
	   HEPH_FIELD_REPLY(count), HEPH_FIELD_REPLY(colour),
	   HEPH_FIELD_REPLY_OF(sum, sum), HEPH_FIELD_REPLY_OF(told, told),
	   HEPH_FIELD_REPLY_REF(made, noted), HEPH_FIELD_OF(part, part),
	   HEPH_LIST_OF(parts, n_parts, part, .max = 4));

HEPH_REMOTE_SPAWN(asked, ask, sum);
HEPH_REMOTE_SPAWN(noted, note, void);

static const struct heph_field *field_of(const char *name)
{
	const struct heph_codec *codec = ask_codec();

	for (unsigned i = 0; i < codec->n; i++)
		if (strcmp(codec->fields[i].name, name) == 0)
			return &codec->fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static const enum heph_format formats[] = { HEPH_CBOR, HEPH_JSON };

#define each_format(f_)                                                        \
	for (const enum heph_format *f_ = formats; f_ < formats + 2; f_++)

/* ---- who carries it: notes what it was told ----------------------------------------- */

struct carrier {
	struct heph_codec_refs refs;
	unsigned n_out, n_in, n_reply_out, n_reply_in;
	const struct heph_field *field; /* the last one */
	uint64_t call;                  /* the last one that came in */
	struct heph_reply *member;
	int err;                        /* what is said to all from now on */
	uint64_t says;                  /* the number of the next call that leaves */
};

static struct carrier *of(const struct heph_codec_refs *refs)
{
	return (struct carrier *)(uintptr_t)refs; /* its first member */
}

static int out(const struct heph_codec_refs *refs,
	       const struct heph_field *field, struct heph_addr addr,
	       uint8_t wire[HEPH_WIRE_REF])
{
	struct carrier *carrier = of(refs);

	carrier->n_out++;
	carrier->field = field;
	memset(wire, 0x5a, HEPH_WIRE_REF);
	memcpy(wire, &addr, sizeof(addr));
	return carrier->err;
}

static int in(const struct heph_codec_refs *refs, const struct heph_field *field,
	      const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	struct carrier *carrier = of(refs);

	carrier->n_in++;
	carrier->field = field;
	memcpy(ret_addr, wire, sizeof(*ret_addr));
	return carrier->err;
}

static int reply_out(const struct heph_codec_refs *refs,
		     const struct heph_field *field, struct heph_reply reply,
		     uint64_t *ret_call)
{
	struct carrier *carrier = of(refs);

	assert_true(reply.call);
	carrier->n_reply_out++;
	carrier->field = field;
	*ret_call = carrier->says;
	return carrier->err;
}

static int reply_in(const struct heph_codec_refs *refs,
		    const struct heph_field *field, uint64_t call,
		    struct heph_reply *member)
{
	struct carrier *carrier = of(refs);

	carrier->n_reply_in++;
	carrier->field = field;
	carrier->call = call;
	carrier->member = member;
	return carrier->err;
}

static struct carrier a_carrier(void)
{
	return (struct carrier){ .refs = { out, in, reply_out, reply_in },
				 .says = 900 };
}

static struct heph_addr actor(uint64_t id)
{
	return (struct heph_addr){ .id = id, .slot = 3, .node = 1 };
}

/* What a test says of `error`. */
static struct heph_codec_error error;

static struct heph_bytes written(struct carrier *carrier, enum heph_format format,
				 const struct ask *ask)
{
	struct heph_bytes bytes;
	int err = heph_codec_write(ask_codec(), format, ask, &carrier->refs,
				   &bytes, &error);

	if (err < 0)
		fail_msg("%d: %s: %s", err, error.field, error.why);
	return bytes;
}

static int read_again(struct carrier *carrier, enum heph_format format,
		      struct heph_bytes bytes, struct ask *ret_ask)
{
	return heph_codec_read(ask_codec(), format, bytes.data, bytes.size,
			       carrier ? &carrier->refs : NULL, ret_ask, &error);
}

/* jansson's bytes are not of mem.h. */
static void give_back(enum heph_format format, struct heph_bytes bytes)
{
	if (format == HEPH_CBOR)
		heph_remote_mem_free(bytes.data);
	else
		free(bytes.data);
}

/* ---- references ---------------------------------------------------------------------- */

static void references_travel_with_their_types(void **state)
{
	noted_ref many[] = { { { actor(8) } }, { { { 0 } } }, { { actor(9) } } };
	heph_ref all[] = { { actor(10) } };
	struct ask ask = { .any = { actor(1) },
			   .one = { { actor(2) } },
			   .deaf = { { actor(3) } },
			   .some = { { { actor(4) } }, { { actor(5) } } },
			   .n_some = 2,
			   .both = { { actor(6) } },
			   .n_both = 1,
			   .many = many,
			   .n_many = 3,
			   .all = all,
			   .n_all = 1,
			   .has_two = true,
			   .two = { { actor(11) } } };
	struct carrier carrier;
	struct heph_bytes bytes;
	struct ask other;

	(void)state;
	each_format(f) {
		carrier = a_carrier();
		bytes = written(&carrier, *f, &ask);
		assert_int_equal(carrier.n_out, 10);
		assert_ptr_equal(carrier.field, field_of("two"));
		assert_int_equal(read_again(&carrier, *f, bytes, &other), 0);
		assert_int_equal(carrier.n_in, 10);
		assert_ptr_equal(carrier.field, field_of("two"));
		assert_int_equal(other.any.addr.id, 1);
		assert_int_equal(other.one.addr.id, 2);
		assert_int_equal(other.deaf.addr.id, 3);
		assert_int_equal(other.some[1].addr.id, 5);
		assert_int_equal(other.both[0].addr.id, 6);
		assert_int_equal(other.n_many, 3);
		assert_int_equal(other.many[0].addr.id, 8);
		assert_int_equal(other.many[1].addr.id, 0);
		assert_int_equal(other.many[2].addr.id, 9);
		assert_int_equal(other.all[0].addr.id, 10);
		assert_int_equal(other.two.addr.id, 11);
		assert_int_equal(carrier.n_reply_out + carrier.n_reply_in, 0);
		ask_drop(&other);
		give_back(*f, bytes);
	}
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void fields_know_whose_references_they_are(void **state)
{
	(void)state;
	assert_null(field_of("any")->remote);
	assert_string_equal(field_of("one")->remote()->name, "noted");
	assert_string_equal(field_of("many")->remote()->name, "noted");
	assert_string_equal(field_of("made")->remote()->name, "noted");
	assert_ptr_equal(note_codec()->fields[0].remote(), asked_remote());
}

static void references_may_be_refused(void **state)
{
	struct ask ask = { .one = { { actor(2) } } }, other;
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes, none;

	(void)state;
	each_format(f) {
		carrier.err = -EACCES;
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask,
						  &carrier.refs, &none, &error),
				 -EACCES);
		assert_string_equal(error.field, "one");
		assert_string_equal(error.why, "the reference may not leave");
		carrier.err = 0;
		bytes = written(&carrier, *f, &ask);
		carrier.err = -EPERM;
		assert_int_equal(read_again(&carrier, *f, bytes, &other),
				 -EPERM);
		assert_string_equal(error.why, "the reference is refused");
		assert_int_equal(read_again(NULL, *f, bytes, &other), -EBADMSG);
		assert_string_equal(error.why,
				    "references cannot come in here");
		give_back(*f, bytes);
	}
}

static void without_functions_there_are_no_references(void **state)
{
	static const struct heph_codec_refs none = { NULL, NULL, NULL, NULL };
	struct ask ask = { .one = { { actor(2) } } }, other;
	struct heph_bytes bytes;

	(void)state;
	each_format(f) {
		ask.one.addr.id = 2;
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask, &none,
						  &bytes, &error),
				 -EINVAL);
		ask.one.addr.id = 0;
		ask.count.raw.call = 5; /* nobody waits */
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask, &none,
						  &bytes, &error),
				 0);
		assert_int_equal(heph_codec_read(ask_codec(), *f, bytes.data,
						 bytes.size, &none, &other,
						 &error),
				 0);
		assert_int_equal(other.count.raw.call, 0);
		give_back(*f, bytes);
	}
}

static void there_are_not_too_many_references(void **state)
{
	static heph_ref all[HEPH_CODEC_REFS + 1];
	struct ask ask = { .all = all, .n_all = HEPH_CODEC_REFS }, other;
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;
	char *data, *more;
	size_t head;

	(void)state;
	for (size_t i = 0; i <= HEPH_CODEC_REFS; i++)
		all[i].addr = actor(i + 1);
	each_format(f) {
		bytes = written(&carrier, *f, &ask);
		assert_int_equal(read_again(&carrier, *f, bytes, &other), 0);
		assert_int_equal(other.n_all, HEPH_CODEC_REFS);
		ask_drop(&other);
		give_back(*f, bytes);
		ask.n_all++;
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask,
						  &carrier.refs, &bytes, &error),
				 -EMSGSIZE);
		assert_string_equal(error.why, "too many references");
		ask.n_all--;
	}
	/* One more in a message that somebody else has made: one within `any`. */
	bytes = written(&carrier, HEPH_JSON, &ask);
	data = bytes.data;
	head = (size_t)(strstr(data, "null") - data);
	more = malloc(bytes.size + 64);
	assert_non_null(more);
	sprintf(more, "%.*s\"%.44s\"%.*s", (int)head, data,
		strstr(data, "\"all\":[\"") + 8, (int)(bytes.size - head - 4),
		data + head + 4);
	assert_int_equal(heph_codec_read(ask_codec(), HEPH_JSON, more,
					 strlen(more), &carrier.refs, &other,
					 &error),
			 -EBADMSG);
	assert_string_equal(error.why, "too many references");
	assert_string_equal(error.field, "all[1023]");
	free(more);
	free(bytes.data);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- replies --------------------------------------------------------------------------- */

static void one_reply_travels(const char *name, struct heph_reply *reply,
			      struct ask *ask)
{
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;
	struct ask other;

	carrier.says = UINT64_MAX - 7; /* a text in JSON */
	reply->call = 77;
	each_format(f) {
		carrier.field = NULL;
		bytes = written(&carrier, *f, ask);
		assert_ptr_equal(carrier.field, field_of(name));
		carrier.field = NULL;
		assert_int_equal(read_again(&carrier, *f, bytes, &other), 0);
		assert_ptr_equal(carrier.field, field_of(name));
		assert_true(carrier.call == UINT64_MAX - 7);
		assert_int_equal((char *)carrier.member - (char *)&other,
				 (char *)reply - (char *)ask);
		assert_int_equal(carrier.member->call, 0);
		give_back(*f, bytes);
	}
	assert_int_equal(carrier.n_reply_out, 2);
	assert_int_equal(carrier.n_reply_in, 2);
	reply->call = 0;
}

static void replies_travel_as_numbers(void **state)
{
	struct ask ask = { 0 };

	(void)state;
	one_reply_travels("count", &ask.count.raw, &ask);
	one_reply_travels("colour", &ask.colour.raw, &ask);
	one_reply_travels("sum", &ask.sum.raw, &ask);
	one_reply_travels("made", &ask.made.raw, &ask);
}

static void a_reply_may_be_within_a_struct(void **state)
{
	struct ask ask = { .part = { .done.raw = { .call = 5 } } }, other;
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;

	(void)state;
	each_format(f) {
		bytes = written(&carrier, *f, &ask);
		assert_int_equal(read_again(&carrier, *f, bytes, &other), 0);
		assert_ptr_equal(carrier.member, &other.part.done.raw);
		assert_int_equal(carrier.call, 900);
		give_back(*f, bytes);
	}
}

static void a_reply_is_not_in_a_list(void **state)
{
	static const char json[] =
		"{\"any\":null,\"one\":null,\"deaf\":null,\"some\":[],"
		"\"both\":[],\"many\":[],\"all\":[],\"count\":null,"
		"\"colour\":0,\"sum\":0,\"told\":0,\"made\":0,"
		"\"part\":{\"n\":0,\"done\":0},"
		"\"parts\":[{\"n\":1,\"done\":0},{\"n\":1,\"done\":7}]}";
	struct part parts[] = { { .n = 1 }, { .done.raw = { .call = 5 } } };
	struct ask ask = { .parts = parts, .n_parts = 2 }, other;
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;

	(void)state;
	each_format(f) {
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask,
						  &carrier.refs, &bytes, &error),
				 -EINVAL);
		assert_string_equal(error.field, "parts[1].done");
		assert_string_equal(error.why,
				    "an answer is asked for in a list");
	}
	assert_int_equal(heph_codec_read(ask_codec(), HEPH_JSON, json,
					 sizeof(json) - 1, &carrier.refs, &other,
					 &error),
			 -EBADMSG);
	assert_string_equal(error.field, "parts[1].done");
	assert_int_equal(carrier.n_reply_in, 0);
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void one_answer_is_asked_for_at_a_time(void **state)
{
	struct ask ask = { .count.raw = { .call = 5 }, .sum.raw = { .call = 6 } };
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;
	struct ask other;
	char *call;

	(void)state;
	each_format(f) {
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask,
						  &carrier.refs, &bytes, &error),
				 -EINVAL);
		assert_string_equal(error.field, "sum");
		assert_string_equal(error.why, "two answers are asked for");
	}
	carrier.says = 0; /* those that nobody waits for do not count */
	bytes = written(&carrier, HEPH_JSON, &ask);
	call = strstr(bytes.data, "\"count\":0");
	memcpy(call + 8, "4", 1);
	call = strstr(bytes.data, "\"made\":0");
	memcpy(call + 7, "4", 1);
	assert_int_equal(read_again(&carrier, HEPH_JSON, bytes, &other),
			 -EBADMSG);
	assert_string_equal(error.field, "made");
	assert_string_equal(error.why, "two answers are asked for");
	free(bytes.data);
}

static void replies_may_be_refused(void **state)
{
	struct ask ask = { .count.raw = { .call = 5 } }, other;
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes, none;

	(void)state;
	each_format(f) {
		carrier.err = 0;
		bytes = written(&carrier, *f, &ask);
		carrier.err = -EDQUOT;
		assert_int_equal(heph_codec_write(ask_codec(), *f, &ask,
						  &carrier.refs, &none, &error),
				 -EDQUOT);
		assert_string_equal(error.why, "the call may not leave");
		assert_int_equal(read_again(&carrier, *f, bytes, &other),
				 -EDQUOT);
		assert_string_equal(error.field, "count");
		assert_string_equal(error.why, "the call is refused");
		give_back(*f, bytes);
	}
}

static void what_is_no_number_of_a_call_is_refused(void **state)
{
	static const char *const wrong[] = { "-1", "\"x\"", "1.5", "[]", "true",
					     "\"18446744073709551616\"" };
	struct carrier carrier = a_carrier();
	struct heph_codec_error why;
	struct part part;
	char json[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(json, sizeof(json), "{\"n\":1,\"done\":%s}", wrong[i]);
		assert_int_equal(heph_codec_read(part_codec(), HEPH_JSON, json,
						 strlen(json), &carrier.refs,
						 &part, &why),
				 -EBADMSG);
		assert_string_equal(why.field, "done");
	}
	/* [1, -1] and [1, false] */
	assert_int_equal(heph_codec_read(part_codec(), HEPH_CBOR, "\x82\x01\x20",
					 3, &carrier.refs, &part, &why),
			 -EBADMSG);
	assert_string_equal(why.why, "not the number of a call");
	assert_int_equal(heph_codec_read(part_codec(), HEPH_CBOR, "\x82\x01\xf4",
					 3, &carrier.refs, &part, &why),
			 -EBADMSG);
	/* [1, null] and [1, 7] */
	assert_int_equal(heph_codec_read(part_codec(), HEPH_CBOR, "\x82\x01\xf6",
					 3, &carrier.refs, &part, &why),
			 0);
	assert_int_equal(carrier.n_reply_in, 0);
	assert_int_equal(heph_codec_read(part_codec(), HEPH_CBOR, "\x82\x01\x07",
					 3, &carrier.refs, &part, &why),
			 0);
	assert_int_equal(carrier.call, 7);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void answer_travels(const char *name, const void *value, void *room,
			   const char *json)
{
	const struct heph_field *field = field_of(name);
	size_t size = heph_codec_answer_size(field);
	struct carrier carrier = a_carrier();
	struct heph_bytes bytes;

	each_format(f) {
		assert_int_equal(heph_codec_write_answer(field, *f, value,
							 &carrier.refs, &bytes,
							 &error),
				 0);
		if (*f == HEPH_JSON && json)
			assert_string_equal(bytes.data, json);
		memset(room, 0xff, size);
		assert_int_equal(heph_codec_read_answer(field, *f, bytes.data,
							bytes.size,
							&carrier.refs, room,
							&error),
				 0);
		assert_memory_equal(room, value, size);
		give_back(*f, bytes);
	}
}

static void answers_travel(void **state)
{
	enum colour colour = GREEN, other_colour;
	struct sum sum = { 7, "mm" }, other_sum;
	noted_ref ref = { { actor(6) } }, other_ref;
	int n = -5, other;

	(void)state;
	assert_int_equal(heph_codec_answer_size(field_of("count")), sizeof(n));
	assert_int_equal(heph_codec_answer_size(field_of("sum")), sizeof(sum));
	answer_travels("count", &n, &other, "{\"value\":-5}");
	answer_travels("colour", &colour, &other_colour, "{\"value\":1}");
	answer_travels("sum", &sum, &other_sum,
		       "{\"total\":7,\"unit\":\"mm\"}");
	answer_travels("made", &ref, &other_ref, NULL);
}

static void wrong_answers_are_refused(void **state)
{
	static const char json[] = "{\"value\":2147483648}";
	const struct heph_field *field = field_of("count");
	int n = 5;

	(void)state;
	assert_int_equal(heph_codec_read_answer(field, HEPH_JSON, json,
						sizeof(json) - 1, NULL, &n,
						&error),
			 -EBADMSG);
	assert_string_equal(error.field, "value");
	assert_string_equal(error.why, "the number is out of range");
	assert_int_equal(heph_codec_read_answer(field, HEPH_CBOR, "\x80", 1,
						NULL, &n, &error),
			 -EBADMSG);
	assert_int_equal(heph_codec_read_answer(field, HEPH_CBOR, "", 0, NULL,
						&n, NULL),
			 -EBADMSG);
}

static void answers_own_nothing(void **state)
{
	const struct heph_field *field = field_of("told");
	struct told told = { NULL };
	struct heph_bytes bytes;

	(void)state;
	assert_int_equal(heph_codec_write_answer(field, HEPH_CBOR, &told, NULL,
						 &bytes, &error),
			 -EINVAL);
	assert_string_equal(error.field, "");
	assert_string_equal(error.why, "an answer may not own anything");
	assert_int_equal(heph_codec_read_answer(field, HEPH_CBOR, "\x81\xf6", 2,
						NULL, &told, NULL),
			 -EINVAL);
}

static void nothing_owned_is_plain(void **state)
{
	(void)state;
	assert_true(heph_codec_is_plain(sum_codec()));
	assert_true(heph_codec_is_plain(part_codec()));
	assert_true(heph_codec_is_plain(note_codec()));
	assert_false(heph_codec_is_plain(told_codec()));
	assert_false(heph_codec_is_plain(ask_codec()));
}

/* ---- in words, copied, and as a number ------------------------------------------------------ */

static void they_can_be_read(void **state)
{
	struct note note = { .about = { { actor(7) } } };
	struct part part = { .n = 1, .done.raw = { .call = 9 } };
	char text[100];

	(void)state;
	heph_codec_print(note_codec(), &note, text, sizeof(text));
	assert_string_equal(text, "note{about=<asked 7>}");
	note.about.addr.id = 0;
	heph_codec_print(note_codec(), &note, text, sizeof(text));
	assert_string_equal(text, "note{about=nobody}");
	heph_codec_print(part_codec(), &part, text, sizeof(text));
	assert_string_equal(text, "part{n=1 done=<call 9>}");
	part.done.raw.call = 0;
	heph_codec_print(part_codec(), &part, text, sizeof(text));
	assert_string_equal(text, "part{n=1 done=unasked}");
}

static void they_are_copied(void **state)
{
	heph_ref all[] = { { actor(10) }, { actor(11) } };
	struct ask ask = { .one = { { actor(2) } },
			   .all = all,
			   .n_all = 2,
			   .count.raw = { .call = 4 } };
	struct ask copy;

	(void)state;
	assert_int_equal(ask_copy(&copy, &ask), 0);
	assert_int_equal(copy.one.addr.id, 2);
	assert_int_equal(copy.count.raw.call, 4);
	assert_ptr_not_equal(copy.all, all);
	assert_int_equal(copy.all[1].addr.id, 11);
	ask_drop(&copy);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* Members of the same name, and of types that are not quite the same. */
struct other {
	struct {
		asked_ref about;
		HEPH_REPLY(int) n;
	} a;
	struct {
		noted_ref about;
		HEPH_REPLY(long) n;
	} b;
	struct {
		heph_ref about;
		HEPH_REPLY(struct sum) n;
	} c;
	struct {
		HEPH_REPLY(struct part) n;
	} d;
	struct {
		HEPH_REPLY(noted_ref) n;
	} e;
	struct {
		HEPH_REPLY(asked_ref) n;
	} f;
};
#define VARIANT(name_, ...) HEPH_CODEC(name_, struct other, __VA_ARGS__)
VARIANT(v0, HEPH_FIELD_REF_OF(a.about, asked));
VARIANT(v1, HEPH_FIELD_REF_OF(b.about, noted));
VARIANT(v2, HEPH_FIELD_REF(c.about));
VARIANT(v3, HEPH_FIELD_REPLY(a.n));
VARIANT(v4, HEPH_FIELD_REPLY(b.n));
VARIANT(v5, HEPH_FIELD_REPLY_OF(c.n, sum));
VARIANT(v6, HEPH_FIELD_REPLY_OF(d.n, part));
VARIANT(v7, HEPH_FIELD_REPLY_REF(e.n, noted));
VARIANT(v8, HEPH_FIELD_REPLY_REF(f.n, asked));

static uint64_t hash_without_name(heph_codec_fn *fn)
{
	struct heph_codec codec = *fn();

	codec.name = "v";
	return heph_codec_hash(&codec);
}

static void the_hash_knows_them(void **state)
{
	static heph_codec_fn *const all[] = { v0_codec, v1_codec, v2_codec,
					      v3_codec, v4_codec, v5_codec,
					      v6_codec, v7_codec, v8_codec };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (size_t j = 0; j < i; j++)
			assert_true(hash_without_name(all[i]) !=
				    hash_without_name(all[j]));
}

/* ---- types of actors ------------------------------------------------------------------------ */

static int noted_main(heph_ctx ctx, noted_inbox in)
{
	(void)ctx, (void)in;
	return 0;
}
HEPH_ACTOR_MAIN(noted, noted_main);

static void an_actor_is_where_its_function_is(void **state)
{
	(void)state;
	assert_ptr_equal(noted_remote()->actor, &noted_actor);
	assert_null(asked_remote()->actor);
	assert_null(deaf_remote()->actor);
	assert_string_equal(asked_remote()->name, "asked");
	assert_ptr_equal(asked_remote()->msg, ask_codec);
	assert_ptr_equal(asked_remote()->arg, sum_codec);
	assert_true(asked_remote()->spawnable);
	assert_null(deaf_remote()->msg);
	assert_null(deaf_remote()->arg);
	assert_false(deaf_remote()->spawnable);
	assert_true(noted_remote()->spawnable);
	assert_null(noted_remote()->arg);
}

static void types_of_actors_have_a_number(void **state)
{
	struct heph_remote_actor other = *asked_remote();
	uint64_t hash = heph_remote_hash(&other);

	(void)state;
	assert_true(hash == heph_remote_hash(asked_remote()));
	assert_true(hash != heph_remote_hash(noted_remote()));
	assert_true(hash != heph_remote_hash(deaf_remote()));
	other.name = "other";
	assert_true(hash != heph_remote_hash(&other));
	other = *asked_remote();
	other.msg = note_codec;
	assert_true(hash != heph_remote_hash(&other));
	other = *asked_remote();
	other.arg = NULL;
	assert_true(hash != heph_remote_hash(&other));
	other = *asked_remote();
	other.spawnable = false;
	assert_true(hash != heph_remote_hash(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_travel_with_their_types),
		cmocka_unit_test(fields_know_whose_references_they_are),
		cmocka_unit_test(references_may_be_refused),
		cmocka_unit_test(without_functions_there_are_no_references),
		cmocka_unit_test(there_are_not_too_many_references),
		cmocka_unit_test(replies_travel_as_numbers),
		cmocka_unit_test(a_reply_may_be_within_a_struct),
		cmocka_unit_test(a_reply_is_not_in_a_list),
		cmocka_unit_test(one_answer_is_asked_for_at_a_time),
		cmocka_unit_test(replies_may_be_refused),
		cmocka_unit_test(what_is_no_number_of_a_call_is_refused),
		cmocka_unit_test(answers_travel),
		cmocka_unit_test(wrong_answers_are_refused),
		cmocka_unit_test(answers_own_nothing),
		cmocka_unit_test(nothing_owned_is_plain),
		cmocka_unit_test(they_can_be_read),
		cmocka_unit_test(they_are_copied),
		cmocka_unit_test(the_hash_knows_them),
		cmocka_unit_test(an_actor_is_where_its_function_is),
		cmocka_unit_test(types_of_actors_have_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
