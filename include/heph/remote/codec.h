/* SPDX-License-Identifier: MIT */
/*
 * codec.h - how a message travels, declared once beside its type
 *
 *     struct order {
 *             uint64_t id;
 *             char customer[32];
 *             struct line *lines;
 *             unsigned n_lines;
 *             bool has_rebate;
 *             double rebate;
 *             invoice_ref invoices;
 *             HEPH_REPLY(bool) taken;
 *     };
 *     HEPH_CODEC(order, struct order,
 *             HEPH_FIELD(id),
 *             HEPH_FIELD(customer),
 *             HEPH_LIST_OF(lines, n_lines, line, .max = 100),
 *             HEPH_FIELD(rebate, HEPH_IF(has_rebate)),
 *             HEPH_FIELD_REF_OF(invoices, invoice),
 *             HEPH_FIELD_REPLY(taken));
 *
 * makes the function order_codec(), which gives the table that all of the
 * functions here want, and order_drop() and order_copy() for HEPH_ACTOR_MAIN().
 * Of it come JSON, CBOR (RFC 8949), a line of text, a hash of the schema, copies
 * and the end of what a message owns.
 *
 * A field is an integer, a bool, a float or double, a char array (text with a nul
 * at its end), a char * (text on the heap that the message owns; NULL travels,
 * too), a struct heph_bytes (owned, too), another struct, a reference, or where
 * an answer goes. What is declared of another type does not compile. Text is
 * UTF-8.
 *
 * Any thread may use a codec. Nothing here waits.
 */
#ifndef HEPH_REMOTE_CODEC_H
#define HEPH_REMOTE_CODEC_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes on the heap, by malloc(3). In a message they are its own. */
struct heph_bytes {
	void *data; /* NULL: none */
	size_t size;
};

/* ---- tables; made by the macros below ------------------------------------------ */

enum heph_field_kind {
	HEPH_KIND_NONE__, /* a type that is not known: does not compile */
	HEPH_KIND_BOOL,
	HEPH_KIND_INT,    /* signed, of 1, 2, 4 or 8 bytes */
	HEPH_KIND_UINT,
	HEPH_KIND_FLOAT,  /* of 4 or 8 bytes */
	HEPH_KIND_CHARS,  /* an array of char */
	HEPH_KIND_TEXT,   /* a char *, owned */
	HEPH_KIND_BYTES,  /* a struct heph_bytes, owned */
	HEPH_KIND_STRUCT, /* has a codec */
	HEPH_KIND_REF,    /* begins with a struct heph_addr */
	HEPH_KIND_REPLY,  /* begins with a struct heph_reply */
};

enum heph_field_shape {
	HEPH_SHAPE_ONE,
	HEPH_SHAPE_ARRAY, /* within the message, with a count or full */
	HEPH_SHAPE_LIST,  /* a pointer to elements on the heap, owned, and a count */
};

struct heph_codec;
typedef const struct heph_codec *heph_codec_fn(void);

struct heph_remote_actor; /* actor.h */
typedef const struct heph_remote_actor *heph_remote_fn(void);

struct heph_field {
	const char *name;    /* the member, "price" or "u.price" */
	heph_codec_fn *codec; /* of a struct, also as an answer; NULL: it is none */
	heph_remote_fn *remote; /* of a reference, also as an answer; NULL: to any
				 * actor */
	uint32_t at;         /* where the member is */
	uint32_t size;       /* of one element */
	uint32_t max;        /* elements of an array or a list; bytes of text and
			      * bytes; 0: HEPH_CODEC_MAX. The largest value of an
			      * integer, whose smallest is 0 then; 0: any */
	uint32_t count_at;   /* of the number of elements */
	uint32_t when_at;    /* it is there if this member ... */
	int64_t when;        /* ... is that */
	uint8_t count_size;  /* 0: an array that is always full */
	uint8_t when_size;   /* 0: it is always there */
	uint8_t kind, shape;
	uint8_t answer;       /* kind of what a HEPH_KIND_REPLY is answered with */
	uint32_t answer_size; /* of that */
};

enum {
	HEPH_CODEC_MAX = 65536, /* elements, bytes of text: if nothing is said */
	HEPH_CODEC_DEPTH = 32,  /* structs within structs */
	HEPH_CODEC_MEMORY = 16 << 20, /* bytes that a decoded message owns */
	HEPH_CODEC_REFS = 1024, /* references in a message */
};

struct heph_codec {
	const char *name; /* "order" */
	size_t size;      /* of the struct */
	const struct heph_field *fields;
	unsigned n;
	const struct heph_codec_own *own; /* NULL: by the fields */
};

/* Makes another message of one. Returns 0; -ENOMEM, and nothing was made. */
HEPH_API HEPH_MUST int heph_codec_copy(const struct heph_codec *codec, void *to,
				       const void *from);

/* Whether its messages own nothing. */
HEPH_API bool heph_codec_is_plain(const struct heph_codec *codec);

/* Frees what a message owns, and makes it all zero. */
HEPH_API void heph_codec_drop(const struct heph_codec *codec, void *msg);

/* The declaration; see above. Goes where the type is declared. */
#define HEPH_CODEC(name_, type_, ...)                                          \
	HEPH_CODEC_BEGINS__(name_, type_)                                      \
	{                                                                      \
		typedef type_ heph_codec_type__;                               \
		static const struct heph_field fields[] = { __VA_ARGS__ };     \
		static const struct heph_codec codec = {                       \
			#name_, sizeof(type_), fields,                         \
			sizeof(fields) / sizeof(fields[0]), 0                  \
		};                                                             \
		return &codec;                                                 \
	}                                                                      \
	HEPH_CODEC_ENDS__(name_, type_)

/* One whose bytes are made by functions of the user: HEPH_CODEC_OWN(order,
 * struct order, &order_protobuf). */
#define HEPH_CODEC_OWN(name_, type_, own_)                                     \
	HEPH_CODEC_BEGINS__(name_, type_)                                      \
	{                                                                      \
		static const struct heph_codec codec = { #name_, sizeof(type_), \
							 0, 0, (own_) };       \
		return &codec;                                                 \
	}                                                                      \
	HEPH_CODEC_ENDS__(name_, type_)

#define HEPH_CODEC_BEGINS__(name_, type_)                                      \
	typedef type_ name_##_codec_of__;                                      \
	__attribute__((unused)) static inline const struct heph_codec          \
		*name_##_codec(void)

#define HEPH_CODEC_ENDS__(name_, type_)                                        \
	__attribute__((unused)) static inline void name_##_drop(type_ *msg)                            \
	{                                                                      \
		heph_codec_drop(name_##_codec(), msg);                         \
	}                                                                      \
	__attribute__((unused)) static inline int name_##_copy(                \
		type_ *to, const type_ *from)                                  \
	{                                                                      \
		return heph_codec_copy(name_##_codec(), to, from);             \
	}                                                                      \
	struct heph_codec /* for the semicolon */

#define HEPH_IN__(m_) (((heph_codec_type__ *)0)->m_)
#define HEPH_IS_CHARS__(m_)                                                    \
	__builtin_types_compatible_p(__typeof__(m_), char[])
#define HEPH_KIND_OF__(m_)                                                     \
	_Generic((m_),                                                         \
		bool: HEPH_KIND_BOOL,                                          \
		signed char: HEPH_KIND_INT,                                    \
		short: HEPH_KIND_INT,                                          \
		int: HEPH_KIND_INT,                                            \
		long: HEPH_KIND_INT,                                           \
		long long: HEPH_KIND_INT,                                      \
		unsigned char: HEPH_KIND_UINT,                                 \
		unsigned short: HEPH_KIND_UINT,                                \
		unsigned int: HEPH_KIND_UINT,                                  \
		unsigned long: HEPH_KIND_UINT,                                 \
		unsigned long long: HEPH_KIND_UINT,                            \
		float: HEPH_KIND_FLOAT,                                        \
		double: HEPH_KIND_FLOAT,                                       \
		char *: HEPH_KIND_TEXT,                                        \
		struct heph_bytes: HEPH_KIND_BYTES,                            \
		default: HEPH_KIND_NONE__)
/* 0, if that holds. */
#define HEPH_MUST__(holds_, text_)                                             \
	(0 * sizeof(struct {                                                   \
		_Static_assert((holds_), text_);                               \
		int it;                                                        \
	}))
#define HEPH_ALIKE_TYPES__(a_, b_)                                             \
	__builtin_types_compatible_p(__typeof__(a_), __typeof__(b_))
#define HEPH_ANY_KIND__(m_)                                                    \
	(HEPH_IS_CHARS__(m_) ? HEPH_KIND_CHARS : HEPH_KIND_OF__(m_))
#define HEPH_KNOWN__(m_)                                                       \
	(HEPH_ANY_KIND__(m_) +                                                 \
	 HEPH_MUST__(HEPH_ANY_KIND__(m_) != HEPH_KIND_NONE__,                  \
		     "HEPH_FIELD: a member of this type cannot travel"))
#define HEPH_AT__(m_)                                                          \
	.name = #m_, .at = offsetof(heph_codec_type__, m_)
#define HEPH_COUNT__(n_)                                                       \
	.count_at = offsetof(heph_codec_type__, n_),                           \
	.count_size = sizeof(HEPH_IN__(n_)) +                                  \
		      HEPH_MUST__(HEPH_KIND_OF__(HEPH_IN__(n_)) ==             \
						  HEPH_KIND_INT ||             \
					  HEPH_KIND_OF__(HEPH_IN__(n_)) ==     \
						  HEPH_KIND_UINT,              \
				  "HEPH_ARRAY, HEPH_LIST: " #n_                \
				  " is not a number of elements")
/* An array of the message; a list. */
#define HEPH_WITHIN__(m_)                                                      \
	.shape = HEPH_SHAPE_ARRAY,                                             \
	.max = sizeof(HEPH_IN__(m_)) / sizeof(HEPH_IN__(m_)[0]) +              \
	       HEPH_MUST__(!HEPH_ALIKE_TYPES__(HEPH_IN__(m_),                  \
					       &HEPH_IN__(m_)[0]),             \
			   "HEPH_ARRAY: " #m_ " is a pointer, not an array")
#define HEPH_ON_HEAP__(m_)                                                     \
	.shape = HEPH_SHAPE_LIST +                                             \
		 HEPH_MUST__(HEPH_ALIKE_TYPES__(HEPH_IN__(m_),                 \
						&HEPH_IN__(m_)[0]),            \
			     "HEPH_LIST: " #m_ " is an array, not a pointer")
#define HEPH_REF__(it_)                                                        \
	.kind = HEPH_KIND_REF,                                                 \
	.size = sizeof(struct heph_addr) +                                     \
		HEPH_MUST__(HEPH_ALIKE_TYPES__(it_, heph_ref),                 \
			    "HEPH_FIELD_REF: this is not a heph_ref; "         \
			    "HEPH_FIELD_REF_OF() takes one to a type of "      \
			    "actors")
#define HEPH_REF_TO__(it_, name_)                                              \
	.kind = HEPH_KIND_REF, .remote = name_##_remote,                       \
	.size = sizeof(struct heph_addr) +                                     \
		HEPH_MUST__(HEPH_ALIKE_TYPES__(it_, name_##_ref),              \
			    "HEPH_FIELD_REF_OF: this is not a " #name_ "_ref")
#define HEPH_ANSWER__(m_) (*HEPH_IN__(m_).value_t)
#define HEPH_ANSWER_KIND__(m_) HEPH_KIND_OF__(HEPH_ANSWER__(m_))
#define HEPH_OF__(name_, type_)                                                \
	.kind = HEPH_KIND_STRUCT,                                              \
	.codec = name_##_codec,                                                \
	.size = HEPH_SIZE_OF__(name_, type_)
#define HEPH_SIZE_OF__(name_, type_)                                           \
	sizeof(name_##_codec_of__) +                                           \
		HEPH_MUST__(HEPH_ALIKE_TYPES__(type_, name_##_codec_of__),     \
			    "HEPH_FIELD_OF: the codec " #name_                 \
			    " is of another type")

/* A member, with options: .max = n, HEPH_IF(), HEPH_CASE(). An integer with .max
 * is from 0 to that: so a tag that nobody knows is refused. */
#define HEPH_FIELD(...) HEPH_FIELD__(__VA_ARGS__, )
#define HEPH_FIELD__(m_, ...) \
	{                                                                      \
		HEPH_AT__(m_), .size = sizeof(HEPH_IN__(m_)),              \
		.kind = HEPH_KNOWN__(HEPH_IN__(m_)), __VA_ARGS__               \
	}

/* One that is another struct, whose codec is named. */
#define HEPH_FIELD_OF(...) HEPH_FIELD_OF__(__VA_ARGS__, )
#define HEPH_FIELD_OF__(m_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_OF__(name_, HEPH_IN__(m_)),            \
		__VA_ARGS__                                                    \
	}

/*
 * A reference to a type of actors, a counter_ref for HEPH_FIELD_REF_OF(m, counter):
 * it can be used where it arrives, also for calls. It takes HEPH_REMOTE(counter)
 * or HEPH_REMOTE_LATER(counter) before; see actor.h.
 */
#define HEPH_FIELD_REF_OF(...) HEPH_FIELD_REF_OF__(__VA_ARGS__, )
#define HEPH_FIELD_REF_OF__(m_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_REF_TO__(HEPH_IN__(m_), name_),            \
		__VA_ARGS__                                                    \
	}
/* A heph_ref: the actor can be stopped, joined, watched where it arrives. */
#define HEPH_FIELD_REF(...) HEPH_FIELD_REF__(__VA_ARGS__, )
#define HEPH_FIELD_REF__(m_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_REF__(HEPH_IN__(m_)), __VA_ARGS__          \
	}

/*
 * Where an answer goes: of a HEPH_REPLY() of a number, bool or enum; of a struct,
 * whose codec is named and which owns nothing; of a reference to a type of actors.
 * It is not in a list, and a message asks for one answer at a time.
 */
#define HEPH_FIELD_REPLY(...) HEPH_FIELD_REPLY__(__VA_ARGS__, )
#define HEPH_FIELD_REPLY__(m_, ...) \
	{                                                                      \
		HEPH_AT__(m_), .size = sizeof(HEPH_IN__(m_).raw),              \
		.kind = HEPH_KIND_REPLY,                                       \
		.answer_size = sizeof(HEPH_ANSWER__(m_)),                      \
		.answer = HEPH_ANSWER_KIND__(m_) +                             \
			  HEPH_MUST__(HEPH_ANSWER_KIND__(m_) !=                \
						      HEPH_KIND_NONE__ &&      \
					      HEPH_ANSWER_KIND__(m_) <=        \
						      HEPH_KIND_FLOAT,         \
				      "HEPH_FIELD_REPLY: an answer of this "   \
				      "type cannot travel"),                   \
		__VA_ARGS__                                                    \
	}
#define HEPH_FIELD_REPLY_OF(...) HEPH_FIELD_REPLY_OF__(__VA_ARGS__, )
#define HEPH_FIELD_REPLY_OF__(m_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), .size = sizeof(HEPH_IN__(m_).raw),              \
		.kind = HEPH_KIND_REPLY, .codec = name_##_codec,               \
		.answer = HEPH_KIND_STRUCT,                                    \
		.answer_size = HEPH_SIZE_OF__(name_, HEPH_ANSWER__(m_)),       \
		__VA_ARGS__                                                    \
	}
#define HEPH_FIELD_REPLY_REF(...) HEPH_FIELD_REPLY_REF__(__VA_ARGS__, )
#define HEPH_FIELD_REPLY_REF__(m_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), .remote = name_##_remote,                       \
		.size = sizeof(HEPH_IN__(m_).raw), .kind = HEPH_KIND_REPLY,    \
		.answer = HEPH_KIND_REF,                                       \
		.answer_size =                                                 \
			sizeof(struct heph_addr) +                             \
			HEPH_MUST__(HEPH_ALIKE_TYPES__(HEPH_ANSWER__(m_),      \
						       name_##_ref),           \
				    "HEPH_FIELD_REPLY_REF: the answer is not " \
				    "a " #name_ "_ref"),                       \
		__VA_ARGS__                                                    \
	}

/* An array in the message; `n_` is the member that says how much of it is used. */
#define HEPH_ARRAY(...) HEPH_ARRAY__(__VA_ARGS__, )
#define HEPH_ARRAY__(m_, n_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_WITHIN__(m_),            \
		.size = sizeof(HEPH_IN__(m_)[0]),                              \
		.kind = HEPH_KNOWN__(HEPH_IN__(m_)[0]), __VA_ARGS__            \
	}
#define HEPH_ARRAY_OF(...) HEPH_ARRAY_OF__(__VA_ARGS__, )
#define HEPH_ARRAY_OF__(m_, n_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_WITHIN__(m_),            \
		HEPH_OF__(name_, HEPH_IN__(m_)[0]), __VA_ARGS__                \
	}
#define HEPH_ARRAY_REF(...) HEPH_ARRAY_REF__(__VA_ARGS__, )
#define HEPH_ARRAY_REF__(m_, n_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_WITHIN__(m_),            \
		HEPH_REF__(HEPH_IN__(m_)[0]), __VA_ARGS__                      \
	}
#define HEPH_ARRAY_REF_OF(...) HEPH_ARRAY_REF_OF__(__VA_ARGS__, )
#define HEPH_ARRAY_REF_OF__(m_, n_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_WITHIN__(m_),            \
		HEPH_REF_TO__(HEPH_IN__(m_)[0], name_), __VA_ARGS__            \
	}
/* The same, always full. */
#define HEPH_ARRAY_FULL(...) HEPH_ARRAY_FULL__(__VA_ARGS__, )
#define HEPH_ARRAY_FULL__(m_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_WITHIN__(m_),                              \
		.size = sizeof(HEPH_IN__(m_)[0]),                              \
		.kind = HEPH_KNOWN__(HEPH_IN__(m_)[0]), __VA_ARGS__            \
	}

/* A list on the heap, which the message owns: a pointer and how many; NULL if
 * there are none. */
#define HEPH_LIST(...) HEPH_LIST__(__VA_ARGS__, )
#define HEPH_LIST__(m_, n_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_ON_HEAP__(m_),           \
		.size = sizeof(*HEPH_IN__(m_)),                                \
		.kind = HEPH_KNOWN__(*HEPH_IN__(m_)), __VA_ARGS__              \
	}
#define HEPH_LIST_OF(...) HEPH_LIST_OF__(__VA_ARGS__, )
#define HEPH_LIST_OF__(m_, n_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_ON_HEAP__(m_),           \
		HEPH_OF__(name_, *HEPH_IN__(m_)), __VA_ARGS__                  \
	}
#define HEPH_LIST_REF(...) HEPH_LIST_REF__(__VA_ARGS__, )
#define HEPH_LIST_REF__(m_, n_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_ON_HEAP__(m_),           \
		HEPH_REF__(*HEPH_IN__(m_)), __VA_ARGS__                        \
	}
#define HEPH_LIST_REF_OF(...) HEPH_LIST_REF_OF__(__VA_ARGS__, )
#define HEPH_LIST_REF_OF__(m_, n_, name_, ...) \
	{                                                                      \
		HEPH_AT__(m_), HEPH_COUNT__(n_), HEPH_ON_HEAP__(m_),           \
		HEPH_REF_TO__(*HEPH_IN__(m_), name_), __VA_ARGS__              \
	}

/* The member is there only if that bool is true; if that other member, a tag, has
 * that value, which decides what is in a union. The bool is set by its arrival;
 * the tag is a field of its own, which stands before. A NULL text with a HEPH_IF() is
 * one that is not there. */
#define HEPH_IF(flag_)                                                         \
	.when_at = offsetof(heph_codec_type__, flag_), .when = 1,              \
	.when_size = sizeof(HEPH_IN__(flag_)) +                                \
		     HEPH_MUST__(HEPH_KIND_OF__(HEPH_IN__(flag_)) ==           \
					 HEPH_KIND_BOOL,                       \
				 "HEPH_IF: " #flag_ " is no bool")
#define HEPH_CASE(tag_, value_)                                                \
	.when_at = offsetof(heph_codec_type__, tag_), .when = (value_),        \
	.when_size = 0x80 | sizeof(HEPH_IN__(tag_))

/* ---- what goes wrong ------------------------------------------------------------ */

/* Where, and why: "lines[3].price", "not a number". */
struct heph_codec_error {
	char field[96]; /* "": the message as a whole */
	char why[64];
};

/*
 * How references leave a process and come in, and replies; of whoever carries the
 * message. `field` is that of the declaration: whose references, which answer. A
 * function that is NULL: there are no references; nobody waits for an answer.
 */
enum { HEPH_WIRE_REF = 32 };
struct heph_codec_refs {
	/* Returns 0; -EACCES (it may not leave), -EINVAL and others. */
	int (*out)(const struct heph_codec_refs *refs,
		   const struct heph_field *field, struct heph_addr addr,
		   uint8_t wire[HEPH_WIRE_REF]);
	/* Returns 0; -EBADMSG, -ENOMEM and others. */
	int (*in)(const struct heph_codec_refs *refs,
		  const struct heph_field *field,
		  const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr);

	/* The number by which the answer comes back; 0: nobody waits for it. */
	int (*reply_out)(const struct heph_codec_refs *refs,
			 const struct heph_field *field,
			 struct heph_reply reply, uint64_t *ret_call);
	/* That number, not 0. `member` is where it belongs, in the message that is
	 * read, and all zero: so it stays if nothing is done. */
	int (*reply_in)(const struct heph_codec_refs *refs,
			const struct heph_field *field, uint64_t call,
			struct heph_reply *member);
};

/* ---- bytes and back ---------------------------------------------------------------- */

enum heph_format {
	HEPH_CBOR, /* an array of the fields in their order; RFC 8949 */
	HEPH_JSON, /* an object; RFC 8259. Integers beyond 2^53 are strings, bytes
		    * and references are base64 */
};

/*
 * Makes the bytes of a message: `ret_bytes->data` is freed by the caller with
 * free(3). With `refs` NULL a reference in it is an error, and nobody waits for
 * an answer; `ret_error` may be NULL.
 * Returns 0; -ENOMEM; -EMSGSIZE (a list or text is longer than it may be, there are
 * more than HEPH_CODEC_REFS references, or all together is more than
 * HEPH_CODEC_MEMORY); -EILSEQ (text is not UTF-8); -EINVAL (a number out of its
 * range; too deep; two answers are asked for, or one within a list); what
 * `refs->out` and `refs->reply_out` say.
 */
HEPH_API HEPH_MUST int heph_codec_write(const struct heph_codec *codec,
					enum heph_format format,
					const void *msg,
					const struct heph_codec_refs *refs,
					struct heph_bytes *ret_bytes,
					struct heph_codec_error *ret_error);

/*
 * Makes a message of bytes that somebody sent: all of it is checked, nothing that
 * is not declared is accepted, and no more than HEPH_CODEC_MEMORY is allocated.
 * Returns 0, and `ret_msg` is to be dropped; -EBADMSG, and `ret_msg` owns nothing;
 * -EMSGSIZE, -ENOMEM; what `refs->in` and `refs->reply_in` say.
 */
HEPH_API HEPH_MUST int heph_codec_read(const struct heph_codec *codec,
				       enum heph_format format,
				       const void *data, size_t size,
				       const struct heph_codec_refs *refs,
				       void *ret_msg,
				       struct heph_codec_error *ret_error);

/* ---- answers ---------------------------------------------------------------------------- */

/* Bytes of the answer that belongs to a HEPH_FIELD_REPLY(). */
HEPH_API size_t heph_codec_answer_size(const struct heph_field *field);

/*
 * The same for an answer: of a struct as above, else {"value": ...} or an array of
 * one element. An answer that owns something is -EINVAL: calls carry plain data.
 */
HEPH_API HEPH_MUST int
heph_codec_write_answer(const struct heph_field *field, enum heph_format format,
			const void *value, const struct heph_codec_refs *refs,
			struct heph_bytes *ret_bytes,
			struct heph_codec_error *ret_error);
HEPH_API HEPH_MUST int
heph_codec_read_answer(const struct heph_field *field, enum heph_format format,
		       const void *data, size_t size,
		       const struct heph_codec_refs *refs, void *ret_value,
		       struct heph_codec_error *ret_error);

/* ---- what a declaration is, and what a message says ------------------------------------- */

/* A number that is the same for the same fields: names, types, order, cases. Of
 * references it has the name of the type of actors, not what those receive. Two
 * programs with the same one understand each other's CBOR. */
HEPH_API uint64_t heph_codec_hash(const struct heph_codec *codec);

/* A line for people and logs, "order{id=7 customer="x"}", cut off with "..." if
 * it does not fit; what is secret is not left out. Returns its length. */
HEPH_API size_t heph_codec_print(const struct heph_codec *codec, const void *msg,
				 char *buf, size_t size);

/* ---- other formats -------------------------------------------------------------------- */

/* Functions that stand in for all fields: Protobuf, for example. */
struct heph_codec_own {
	uint64_t hash; /* another one for each version that does not fit */
	int (*write)(const void *msg, const struct heph_codec_refs *refs,
		     struct heph_bytes *ret_bytes, struct heph_codec_error *error);
	int (*read)(const void *data, size_t size,
		    const struct heph_codec_refs *refs, void *ret_msg,
		    struct heph_codec_error *error);
	int (*copy)(void *to, const void *from); /* NULL: plain data */
	void (*drop)(void *msg);                 /* NULL: it owns nothing */
	size_t (*print)(const void *msg, char *buf, size_t size); /* NULL: "order" */
};

#ifdef __cplusplus
}
#endif
#endif
