/* SPDX-License-Identifier: MIT */
/*
 * log.h - structured log lines that never hold up the one who writes them
 *
 *   heph_log_warn("accept failed", HEPH_KV_STR("name", name),
 *                 HEPH_KV_ERR("err", -EMFILE));
 *
 * becomes, on standard error,
 *
 *   ts=2024-05-01T12:00:00.000000Z level=warn msg="accept failed" actor=conn
 *   name=web err=EMFILE
 *
 * in one line, or an entry with fields in the journal. A line is put into a
 * ring of fixed size, and a thread of its own writes it. It starts with the
 * first line. If the ring is full the line is lost, and a later line says
 * lost=N. Long lines end in "...".
 *
 * The environment decides, when the first line is logged:
 *   HEPH_LOG        logfmt, journal or off; if not set, journal when standard
 *                   error is connected to it (JOURNAL_STREAM), else logfmt
 *   HEPH_LOG_LEVEL  error, warn, info (the default) or debug
 *
 * Thread     All calls may be made from any thread and any actor, but not from
 *            a signal handler. After fork a child begins with an empty ring.
 * Ownership  All texts are copied before the call returns.
 */
#ifndef HEPH_BASE_LOG_H
#define HEPH_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum heph_log_level {
	HEPH_LOG_OFF = -1, /* as a limit only */
	HEPH_LOG_ERROR,
	HEPH_LOG_WARN,
	HEPH_LOG_INFO,
	HEPH_LOG_DEBUG,
};

enum heph_kv_kind {
	HEPH_KV_END_,
	HEPH_KV_STR_,
	HEPH_KV_INT_,
	HEPH_KV_UINT_,
	HEPH_KV_HEX_,
	HEPH_KV_ERR_,
};

/* One key and its value. Made by the macros below. Keys are lower-case words
 * of letters, digits and '_'. */
struct heph_kv {
	const char *key;
	enum heph_kv_kind kind;
	union {
		const char *str;
		int64_t num;
		uint64_t unum;
	};
};

/* A text; NULL is written as (null). */
#define HEPH_KV_STR(key_, value_)                                              \
	((struct heph_kv){ (key_), HEPH_KV_STR_, { .str = (value_) } })
/* A number: signed, unsigned, or unsigned and written as 0x... */
#define HEPH_KV_INT(key_, value_)                                              \
	((struct heph_kv){ (key_), HEPH_KV_INT_, { .num = (value_) } })
#define HEPH_KV_UINT(key_, value_)                                             \
	((struct heph_kv){ (key_), HEPH_KV_UINT_, { .unum = (value_) } })
#define HEPH_KV_HEX(key_, value_)                                              \
	((struct heph_kv){ (key_), HEPH_KV_HEX_, { .unum = (value_) } })
/* An errno, positive or negative, written as its name. */
#define HEPH_KV_ERR(key_, value_)                                              \
	((struct heph_kv){ (key_), HEPH_KV_ERR_, { .num = (value_) } })

/* Logs `text` and any number of HEPH_KV_... Nothing is evaluated if the level
 * is not wanted. Does not wait, does not fail. */
#define heph_log(level_, text_, ...)                                           \
	(heph_log_on(level_) ?                                                 \
		 heph_log_write((level_),                                      \
				(const struct heph_kv[]){                      \
					HEPH_KV_STR("msg", (text_)),           \
					##__VA_ARGS__,                         \
					{ 0, HEPH_KV_END_, { 0 } } }) :        \
		 (void)0)
#define heph_log_error(...) heph_log(HEPH_LOG_ERROR, __VA_ARGS__)
#define heph_log_warn(...) heph_log(HEPH_LOG_WARN, __VA_ARGS__)
#define heph_log_info(...) heph_log(HEPH_LOG_INFO, __VA_ARGS__)
#define heph_log_debug(...) heph_log(HEPH_LOG_DEBUG, __VA_ARGS__)

/* Set by an upper layer before any thread starts, or NULL: the name of the
 * actor that runs on this thread, or NULL. It is copied at once. */
extern const char *(*heph_log_who)(void);

/* The most talkative level that is written; see heph_log_on. */
extern atomic_int heph_log_limit;

/* What heph_log calls. `kvs` begins with msg and ends with HEPH_KV_END_. */
void heph_log_write(enum heph_log_level level, const struct heph_kv *kvs);

/* Changes the level, or turns all off with HEPH_LOG_OFF, whatever the
 * environment says. */
void heph_log_set_level(enum heph_log_level limit);

/*
 * Waits until all lines that were logged before are written, a second at most.
 * Blocks the thread: for the end of the process and for tests, not for actors.
 */
void heph_log_flush(void);

/*
 * Writes what there is, then sends all lines to `fd` as logfmt; 2 is standard
 * error. The caller keeps `fd` open until it has called again. If what there is
 * cannot be written within a second, it goes to the new `fd` as well.
 */
void heph_log_to(int fd);

/*
 * Writes what there is, then sends all lines to the socket of the journal at
 * `path`; NULL is the usual one. Returns 0; or -ENAMETOOLONG, -EBUSY if what
 * there is cannot be written, or the error of socket(2) or connect(2): then
 * nothing has changed.
 */
int heph_log_to_journal(const char *path);

/* How many lines were lost since the process began. */
uint64_t heph_log_lost(void);

/* Whether lines of this level are written. True as well while nobody has
 * looked at the environment yet: heph_log_write then does. */
static inline bool heph_log_on(enum heph_log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&heph_log_limit, memory_order_relaxed);
}

#endif
