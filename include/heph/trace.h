/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a runtime does, written to a file as it happens
 *
 * A trace is on from the start (`trace` in struct heph_config, or HEPH_TRACE in
 * the environment), or for a while: heph_trace_start(), heph_trace_stop(). The
 * runtime writes what its workers do; a program adds spans of its own:
 *
 *     struct heph_span span = heph_span_begin(ctx);
 *     ...
 *     heph_span_end(ctx, span, "Resized a picture",
 *                   HEPH_SPAN_U64("bytes", n), HEPH_SPAN_STR("name", name));
 *
 * While nothing is traced both calls do nothing, and what stands for the values
 * of attributes is not evaluated.
 *
 * `heph trace convert FILE` makes of such a file one that Chrome's tracing page
 * and Perfetto show: a process for each worker, in it a line for what the worker
 * does and one for each actor, with its calls and spans.
 *
 * Nobody waits for the disk: events go into a buffer of the thread, and a thread
 * of the trace writes them, at least once a second, at the end of the runtime,
 * and, as far as it can, when the process crashes. An event that finds the
 * buffer full is lost, and counted. A worker that has more to tell than a
 * hundred thousand events in a second tells how many actors it ran instead of
 * each one; spans are always written.
 *
 * The file has the format of Heph's traces, version 0.1.0. A description, the
 * name of an attribute and a text have 65,535 bytes at most and are cut there;
 * they should be UTF-8.
 */
#ifndef HEPH_TRACE_H
#define HEPH_TRACE_H

#include <heph/runtime.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- on and off ------------------------------------------------------------ */

/*
 * Begins to trace a runtime into a new file. Blocks the thread while the file is
 * made. Any thread.
 * Returns 0; -EEXIST (there is such a file: the log names it); -EALREADY (it is
 * being traced); -EOPNOTSUPP (a simulated runtime, or one that a test runs);
 * -ENOMEM, -EAGAIN (no more threads); what open(2) and write(2) say.
 */
HEPH_API HEPH_MUST int heph_trace_start(struct heph *heph, const char *path);

/*
 * Writes what there is, and ends the trace. Blocks the thread until that is
 * done. Any thread. Returns 0; -EALREADY (it is not being traced); or the first
 * error that writing met, after which nothing was written: -ENOSPC, -EIO, ...
 */
HEPH_API HEPH_MUST int heph_trace_stop(struct heph *heph);

struct heph_trace_info {
	bool on;
	int err;          /* the first error of writing; 0: none so far */
	uint64_t written; /* events in the file; of this trace or the last one */
	uint64_t lost;    /* events that found a buffer full */
	uint64_t bytes;   /* of the file */
};

/* How it goes. Any thread. */
HEPH_API struct heph_trace_info heph_trace_info(struct heph *heph);

/* ---- spans ------------------------------------------------------------------ */

/* When something began. Plain data: it may be copied, ended several times, which
 * writes it as often, or never, which writes nothing. { 0 } is none. */
struct heph_span {
	uint64_t start;
};

/* Begins a span; { 0 } if nothing is traced. Does not wait. By the owner of the
 * context: an actor of any kind, or a plain thread. */
HEPH_API struct heph_span heph_span_begin(heph_ctx ctx);

/* What is told with a span: a name and a value. Made by the macros below. */
struct heph_span_attr {
	const char *key;
	int kind;
	uint32_t n; /* of an array */
	union {
		uint64_t u64;
		int64_t i64;
		double f64;
		const char *str;
		char *text; /* ours */
		const uint64_t *u64s;
		const int64_t *i64s;
		const double *f64s;
		const char *const *strs;
	} value;
};

/*
 * heph_span_end(ctx, span, description[, attribute...]): ends a span, and writes
 * it as one of the actor (or thread) that says so. Attributes are HEPH_SPAN_...,
 * any number; they are evaluated if the span is not { 0 }. All is copied. Does
 * not wait. By the owner of the context.
 * Returns 0, also if there is nothing to write; -ENOBUFS (the buffer is full: the
 * event is lost, and counted); -EMSGSIZE (more than 128 KiB: the same).
 */
#define heph_span_end(ctx_, span_, ...)                                        \
	heph_span_end__(ctx_, span_, __VA_ARGS__,                              \
			heph_span_attr__(NULL, HEPH_SPAN_LAST__, 0))

/* A whole number, with and without a sign; one with a fraction; a text. */
#define HEPH_SPAN_U64(key_, value_) heph_span_u64__((key_), (value_))
#define HEPH_SPAN_I64(key_, value_) heph_span_i64__((key_), (value_))
#define HEPH_SPAN_F64(key_, value_) heph_span_f64__((key_), (value_))
#define HEPH_SPAN_STR(key_, value_) heph_span_str__((key_), (value_))

/* A text as printf(3) makes it: HEPH_SPAN_FMT("at", "%s:%d", file, line). It is
 * "<fmt error>" where that fails. */
#define HEPH_SPAN_FMT(key_, ...)                                               \
	heph_span_fmt__((key_), heph_raw_span_text(__VA_ARGS__))

/* Arrays of `n` of them, 65,535 at most: const uint64_t *, const int64_t *,
 * const double *, const char *const *. */
#define HEPH_SPAN_U64S(key_, values_, n_)                                      \
	heph_span_u64s__((key_), (values_), (n_))
#define HEPH_SPAN_I64S(key_, values_, n_)                                      \
	heph_span_i64s__((key_), (values_), (n_))
#define HEPH_SPAN_F64S(key_, values_, n_)                                      \
	heph_span_f64s__((key_), (values_), (n_))
#define HEPH_SPAN_STRS(key_, values_, n_)                                      \
	heph_span_strs__((key_), (values_), (n_))

/* ---- what the macros are made of ---------------------------------------------- */

/* `attrs` ends with one of the kind HEPH_SPAN_LAST__. */
HEPH_API int heph_raw_span_end(heph_ctx ctx, struct heph_span span,
			       const char *description,
			       const struct heph_span_attr *attrs);

/* A text that heph_raw_span_end() frees; NULL: no memory, or a wrong format. */
HEPH_API char *heph_raw_span_text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The format's types; an array's is one of the first four, plus 128. */
enum {
	HEPH_SPAN_LAST__,
	HEPH_SPAN_U64__,
	HEPH_SPAN_I64__,
	HEPH_SPAN_F64__,
	HEPH_SPAN_STR__,
	HEPH_SPAN_TEXT__, /* a STR that is freed */
	HEPH_SPAN_ARRAY__ = 128,
};

static inline struct heph_span_attr heph_span_attr__(const char *key, int kind,
						     size_t n)
{
	struct heph_span_attr attr;

	attr.key = key;
	attr.kind = kind;
	attr.n = n > UINT16_MAX ? UINT16_MAX : (uint32_t)n;
	attr.value.u64 = 0;
	return attr;
}

#define HEPH_SPAN_MAKE__(name_, kind_, type_, member_)                         \
	static inline struct heph_span_attr heph_span_##name_##__(             \
		const char *key, type_ value) {                                \
		struct heph_span_attr attr = heph_span_attr__(key, kind_, 0);  \
		attr.value.member_ = value;                                    \
		return attr;                                                   \
	}
#define HEPH_SPAN_MAKE_ARRAY__(name_, kind_, type_, member_)                   \
	static inline struct heph_span_attr heph_span_##name_##__(             \
		const char *key, type_ values, size_t n) {                     \
		struct heph_span_attr attr =                                   \
			heph_span_attr__(key, kind_ + HEPH_SPAN_ARRAY__, n);   \
		attr.value.member_ = values;                                   \
		return attr;                                                   \
	}
HEPH_SPAN_MAKE__(u64, HEPH_SPAN_U64__, uint64_t, u64)
HEPH_SPAN_MAKE__(i64, HEPH_SPAN_I64__, int64_t, i64)
HEPH_SPAN_MAKE__(f64, HEPH_SPAN_F64__, double, f64)
HEPH_SPAN_MAKE__(str, HEPH_SPAN_STR__, const char *, str)
HEPH_SPAN_MAKE__(fmt, HEPH_SPAN_TEXT__, char *, text)
HEPH_SPAN_MAKE_ARRAY__(u64s, HEPH_SPAN_U64__, const uint64_t *, u64s)
HEPH_SPAN_MAKE_ARRAY__(i64s, HEPH_SPAN_I64__, const int64_t *, i64s)
HEPH_SPAN_MAKE_ARRAY__(f64s, HEPH_SPAN_F64__, const double *, f64s)
HEPH_SPAN_MAKE_ARRAY__(strs, HEPH_SPAN_STR__, const char *const *, strs)

#ifdef __cplusplus
}

extern "C++" {
template <class... Attrs>
int heph_span_end_cxx__(heph_ctx ctx, struct heph_span span,
			const char *description, Attrs... attrs)
{
	const struct heph_span_attr all[] = { attrs... };

	return heph_raw_span_end(ctx, span, description, all);
}
}

#define heph_span_end__(ctx_, span_, description_, ...)                        \
	__extension__({                                                        \
		struct heph_span heph_span_x__ = (span_);                      \
		heph_span_x__.start ?                                          \
			heph_span_end_cxx__((ctx_), heph_span_x__,             \
					    (description_), __VA_ARGS__) :     \
			0;                                                     \
	})
#else
#define heph_span_end__(ctx_, span_, description_, ...)                        \
	__extension__({                                                        \
		struct heph_span heph_span_x__ = (span_);                      \
		heph_span_x__.start ?                                          \
			heph_raw_span_end((ctx_), heph_span_x__,               \
					  (description_),                      \
					  (const struct heph_span_attr[]){     \
						  __VA_ARGS__ }) :             \
			0;                                                     \
	})
#endif
#endif
