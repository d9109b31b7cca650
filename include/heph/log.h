/* SPDX-License-Identifier: MIT */
/*
 * log.h - structured log lines that never hold up the one who writes them
 *
 *     heph_log_warn("accept failed", HEPH_KV_STR("name", name),
 *                   HEPH_KV_ERR("err", -EMFILE));
 *
 * becomes, on standard error,
 *
 *     ts=2024-05-01T12:00:00.000000Z level=warn msg="accept failed" target=conn
 *     actor=conn actor_id=17 name=web err=EMFILE
 *
 * in one line, or an entry with fields in the journal. A line is put into a ring
 * of fixed size, and a thread of the log's own, which starts with the first line,
 * writes it. If the ring is full the line is lost, and a later line says lost=N.
 * A line holds about 1,000 bytes; what is longer ends in "...".
 *
 * Who has written a line is added to it: the actor that runs, its name and id;
 * and the target, a word for the part of the program. That is the name of the
 * source file, "conn" for src/conn.c, unless HEPH_LOG_TARGET is defined before
 * its lines (at the top of the file, or with -D): "shop" is the target then, and
 * "shop." puts the word before the file's: "shop.conn". Lines of the library are
 * of "heph.runtime", "heph.resolver", and the like.
 *
 * A filter says which lines are written: "info,conn=debug,shop=off" is info for
 * all but those of conn and those of shop and shop.anything. A line that is not
 * wanted costs a load and a comparison, and nothing in it is evaluated.
 *
 * No more than 1,000 lines a second are written from one place in the source:
 * the others are counted, and the next line from there says suppressed=N.
 *
 * The environment decides, when the first line is logged:
 *   HEPH_LOG        logfmt, journal or off; if not set, journal when standard
 *                   error is connected to it (JOURNAL_STREAM), else logfmt
 *   HEPH_LOG_LEVEL  a filter; "info" if not set
 *   HEPH_LOG_RATE   lines a second and place; 0: no limit
 *
 * When the process exits, aborts or crashes, what is in the ring is written
 * before it ends; after a second of trying it ends without. _exit(2) and a
 * SIGKILL do not wait.
 *
 * Thread     All calls may be made from any thread and any actor, but not from a
 *            signal handler. After fork a child begins with an empty ring.
 * Waiting    Those that block the thread, a second at most, say so: they are for
 *            main(), not for actors. The others do not wait.
 * Ownership  All texts are copied before a call returns.
 */
#ifndef HEPH_LOG_H
#define HEPH_LOG_H

#include <heph/address.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heph_log_level {
	HEPH_LOG_OFF = -1, /* as a limit only */
	HEPH_LOG_ERROR,
	HEPH_LOG_WARN,
	HEPH_LOG_INFO,
	HEPH_LOG_DEBUG,
};

enum {
	HEPH_LOG_TARGETS_MAX = 32, /* that a filter can name */
	HEPH_LOG_TARGET_MAX = 40, /* bytes of a target, with its end */
	HEPH_LOG_FILTER_MAX = 2048, /* bytes of a filter, with its end */
};

/* ---- lines ----------------------------------------------------------------- */

/*
 * heph_log_error(text, HEPH_KV_...), heph_log_warn(), heph_log_info(),
 * heph_log_debug(): logs `text` and any number of keys with values. Do not wait,
 * do not fail. These are statements, in C and in C++.
 */
#define heph_log_error(...) heph_log(HEPH_LOG_ERROR, __VA_ARGS__)
#define heph_log_warn(...) heph_log(HEPH_LOG_WARN, __VA_ARGS__)
#define heph_log_info(...) heph_log(HEPH_LOG_INFO, __VA_ARGS__)
#define heph_log_debug(...) heph_log(HEPH_LOG_DEBUG, __VA_ARGS__)

/* The same of a level that is an argument; it is evaluated more than once. */
#define heph_log(level_, ...)                                                  \
	do {                                                                   \
		static struct heph_log_site heph_site__ = {                    \
			HEPH_LOG_TARGET, __FILE__, __LINE__, 0, 0, 0, 0        \
		};                                                             \
		if (heph_log_on(level_) &&                                     \
		    heph_log_site_on(&heph_site__, (level_))) {                \
			const struct heph_kv heph_kvs__[] = { HEPH_LOG_KVS__(  \
				__VA_ARGS__, heph_kv_end__()) };               \
			heph_log_write(&heph_site__, (level_), heph_kvs__);    \
		}                                                              \
	} while (0)
#define HEPH_LOG_KVS__(text_, ...) heph_kv_str("msg", (text_)), __VA_ARGS__

#ifndef HEPH_LOG_TARGET
#define HEPH_LOG_TARGET ""
#endif

enum heph_kv_kind {
	HEPH_KV_END__,
	HEPH_KV_STR__,
	HEPH_KV_INT__,
	HEPH_KV_UINT__,
	HEPH_KV_HEX__,
	HEPH_KV_ERR__,
	HEPH_KV_BOOL__,
	HEPH_KV_DOUBLE__,
	HEPH_KV_TIME__,
	HEPH_KV_ADDRESS__,
};

/* One key and its value. Keys are lower-case words of letters, digits and '_';
 * they live as long as the call. */
struct heph_kv {
	const char *key;
	enum heph_kv_kind kind;
	union {
		const char *str;
		int64_t num;
		uint64_t unum;
		double real;
		const struct heph_address *address;
	} value;
};

/* A text; NULL is written as (null). */
#define HEPH_KV_STR(key_, value_) heph_kv_str((key_), (value_))
/* A number: signed, unsigned, or unsigned and written as 0x... */
#define HEPH_KV_INT(key_, value_) heph_kv_int((key_), (value_))
#define HEPH_KV_UINT(key_, value_) heph_kv_uint((key_), (value_))
#define HEPH_KV_HEX(key_, value_) heph_kv_hex((key_), (value_))
/* An errno, positive or negative, written as its name. */
#define HEPH_KV_ERR(key_, value_) heph_kv_err((key_), (value_))
/* true or false. */
#define HEPH_KV_BOOL(key_, value_) heph_kv_bool((key_), (value_))
/* A number with a fraction, about seven digits of it; nan and inf too. */
#define HEPH_KV_DOUBLE(key_, value_) heph_kv_double((key_), (value_))
/* A length of time: 1.5s, 20ms, 3us, 7ns, with at most three digits after the
 * point. */
#define HEPH_KV_TIME(key_, value_) heph_kv_time((key_), (value_))
/* A struct heph_address *, as heph_address_print() writes it. */
#define HEPH_KV_ADDRESS(key_, value_) heph_kv_address((key_), (value_))

/* ---- which lines ------------------------------------------------------------ */

/* Lines of all targets up to that level, or none with HEPH_LOG_OFF, whatever the
 * environment says. */
HEPH_API void heph_log_set_level(enum heph_log_level limit);

/*
 * A filter, whatever the environment says: levels (off, error, warn, info, debug)
 * and TARGET=LEVEL, separated by commas. Of targets that fit a line the longest
 * name counts; a level alone is for all others, info if there is none. Returns 0;
 * -EINVAL (it is no filter), -E2BIG (too many targets, or too long a name), and
 * then nothing has changed.
 */
HEPH_API HEPH_MUST int heph_log_set_filter(const char *filter);

/* The filter as a text, as much of it as `size` bytes hold, with its end; returns
 * the length that it has or would have. */
HEPH_API size_t heph_log_filter(char *buf, size_t size);

/* The level of lines of that target; NULL: of those that the filter does not
 * name. */
HEPH_API enum heph_log_level heph_log_level_of(const char *target);

/* How many lines a second may come from one place; 0: any number. */
HEPH_API void heph_log_set_rate(unsigned lines);

/* ---- where to ---------------------------------------------------------------- */

/*
 * Writes what there is, then sends all lines to `fd` as logfmt; 2 is standard
 * error. The caller keeps `fd` open until it has called again. If what there is
 * cannot be written within a second, it goes to the new `fd` as well. Blocks.
 */
HEPH_API void heph_log_to(int fd);

/*
 * Writes what there is, then sends all lines to the socket of the journal at
 * `path`; NULL is the usual one. Returns 0; or -ENAMETOOLONG, -EBUSY if what
 * there is cannot be written, or the error of socket(2) or connect(2): then
 * nothing has changed. Blocks.
 */
HEPH_API HEPH_MUST int heph_log_to_journal(const char *path);

/*
 * Writes what there is, then gives all lines to `fn`, as logfmt with a newline
 * and an end, one at a time. It is called by the thread of the log, or by one
 * that flushes, also while the process ends: it may block, which holds up other
 * lines and no actor, and must not log. NULL: as heph_log_to(2). Blocks.
 */
typedef void (*heph_log_fn)(enum heph_log_level level, const char *line,
			    size_t size);
HEPH_API void heph_log_to_fn(heph_log_fn fn);

/* Waits until all lines that were logged before are written. Blocks. */
HEPH_API void heph_log_flush(void);

/* How many lines were lost since the process began, because the ring was full or
 * they could not be written; and how many came too fast from one place. */
HEPH_API uint64_t heph_log_lost(void);
HEPH_API uint64_t heph_log_suppressed(void);

/* ---- inside ------------------------------------------------------------------- */

/* A place in the source that logs. Made by the macros; the log's. */
struct heph_log_site {
	const char *target; /* HEPH_LOG_TARGET */
	const char *file;
	int line;
	int limit;	      /* its level, by the filter of ... */
	uint64_t generation;  /* ... that number; 0: not looked up */
	uint64_t second_rate; /* the second, and lines in it, in 32 bits each */
	uint64_t suppressed;  /* not told yet */
};

/* The most talkative level of all targets. */
HEPH_API extern int heph_log_limit;

/* Whether lines of this level are written for any target. True as well while
 * nobody has looked at the environment yet. */
static inline bool heph_log_on(enum heph_log_level level)
{
	return (int)level <= __atomic_load_n(&heph_log_limit, __ATOMIC_RELAXED);
}

/* Whether those of a place are. Any thread. */
HEPH_API bool heph_log_site_on(struct heph_log_site *site,
			       enum heph_log_level level);

/* What the macros call. `kvs` begins with msg and ends with heph_kv_end__(). Any
 * thread. */
HEPH_API void heph_log_write(struct heph_log_site *site,
			     enum heph_log_level level,
			     const struct heph_kv *kvs);

static inline struct heph_kv heph_kv_end__(void)
{
	struct heph_kv kv;

	kv.key = NULL;
	kv.kind = HEPH_KV_END__;
	kv.value.num = 0;
	return kv;
}

#define HEPH_KV_MAKE__(name_, type_, kind_, member_)                           \
	static inline struct heph_kv name_(const char *key, type_ value)       \
	{                                                                      \
		struct heph_kv kv;                                             \
		kv.key = key;                                                  \
		kv.kind = kind_;                                               \
		kv.value.member_ = value;                                      \
		return kv;                                                     \
	}                                                                      \
	struct heph_kv /* takes the semicolon */

HEPH_KV_MAKE__(heph_kv_str, const char *, HEPH_KV_STR__, str);
HEPH_KV_MAKE__(heph_kv_int, int64_t, HEPH_KV_INT__, num);
HEPH_KV_MAKE__(heph_kv_uint, uint64_t, HEPH_KV_UINT__, unum);
HEPH_KV_MAKE__(heph_kv_hex, uint64_t, HEPH_KV_HEX__, unum);
HEPH_KV_MAKE__(heph_kv_err, int, HEPH_KV_ERR__, num);
HEPH_KV_MAKE__(heph_kv_bool, bool, HEPH_KV_BOOL__, num);
HEPH_KV_MAKE__(heph_kv_double, double, HEPH_KV_DOUBLE__, real);
HEPH_KV_MAKE__(heph_kv_time, heph_time, HEPH_KV_TIME__, num);
HEPH_KV_MAKE__(heph_kv_address, const struct heph_address *, HEPH_KV_ADDRESS__,
	       address);

#ifdef __cplusplus
}
#endif
#endif
