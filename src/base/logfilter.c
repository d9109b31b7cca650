/* SPDX-License-Identifier: MIT */
#include "base/logfilter.h"

#include <pthread.h>
#include <string.h>

enum { NO_LEVEL = HEPH_LOG_OFF - 1 };

struct rule {
	char target[HEPH_LOG_TARGET_MAX];
	int level;
};

struct rules {
	struct rule rule[HEPH_LOG_TARGETS_MAX];
	unsigned n;
	int others; /* the level of targets without a rule */
};

int heph_log_limit = HEPH_LOG_UNSET;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock; the generation is read without. */
static struct rules rules = { .others = HEPH_LOG_INFO };
static uint64_t generation;

static unsigned max_rate = HEPH_LOG_RATE_DEFAULT;
static uint64_t suppressed, untold;

static const char *const names[] = { "off", "error", "warn", "info", "debug" };

const char *heph_log_level_name(int level)
{
	return names[level + 1];
}

/* ---- targets ------------------------------------------------------------------ */

/* "src/io/conn.c" is "conn". */
static void append_stem(char *target, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *stem = slash ? slash + 1 : file;
	size_t at = strlen(target), len = strcspn(stem, ".");

	if (len > HEPH_LOG_TARGET_MAX - 1 - at)
		len = HEPH_LOG_TARGET_MAX - 1 - at;
	memcpy(target + at, stem, len);
	target[at + len] = '\0';
}

void heph_logfilter_target(const struct heph_log_site *site,
			   char ret_target[HEPH_LOG_TARGET_MAX])
{
	size_t len = strnlen(site->target, HEPH_LOG_TARGET_MAX - 1);

	memcpy(ret_target, site->target, len);
	ret_target[len] = '\0';
	if (len == 0 || ret_target[len - 1] == '.')
		append_stem(ret_target, site->file);
}

/* Whether a rule is for that target: "shop" is for "shop.conn" as well. */
static bool is_for(const struct rule *rule, const char *target)
{
	size_t len = strlen(rule->target);

	return strncmp(rule->target, target, len) == 0 &&
	       (!target[len] || target[len] == '.');
}

/* Under the lock. */
static int level_of(const char *target)
{
	size_t len, best = 0;
	int level = rules.others;

	for (unsigned i = 0; i < rules.n; i++) {
		len = strlen(rules.rule[i].target);
		if (len < best || !is_for(&rules.rule[i], target))
			continue;
		best = len;
		level = rules.rule[i].level;
	}
	return level;
}

/* ---- reading a filter ------------------------------------------------------------ */

static int parse_level(const char *text, size_t len)
{
	for (int level = HEPH_LOG_OFF; level <= HEPH_LOG_DEBUG; level++)
		if (strlen(names[level + 1]) == len &&
		    memcmp(names[level + 1], text, len) == 0)
			return level;
	return NO_LEVEL;
}

static int add_rule(struct rules *to, const char *target, size_t len, int level)
{
	struct rule *rule = to->rule + to->n;

	if (len == 0)
		return -EINVAL;
	if (to->n == HEPH_LOG_TARGETS_MAX || len >= HEPH_LOG_TARGET_MAX)
		return -E2BIG;
	memcpy(rule->target, target, len);
	rule->target[len] = '\0';
	rule->level = level;
	to->n++;
	return 0;
}

/* LEVEL, or TARGET=LEVEL. */
static int parse_item(struct rules *to, const char *item, size_t len)
{
	const char *equals = memchr(item, '=', len);
	size_t before = equals ? (size_t)(equals + 1 - item) : 0;
	int level = parse_level(item + before, len - before);

	if (level == NO_LEVEL)
		return -EINVAL;
	if (equals)
		return add_rule(to, item, before - 1, level);
	to->others = level;
	return 0;
}

static int parse(struct rules *to, const char *text)
{
	size_t len;
	int err;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		err = parse_item(to, text, len);
		if (err < 0 || !text[len])
			return err;
	}
}

/* Under the lock. */
static int most_talkative(void)
{
	int most = rules.others;

	for (unsigned i = 0; i < rules.n; i++)
		if (rules.rule[i].level > most)
			most = rules.rule[i].level;
	return most;
}

int heph_logfilter_set(const char *filter, bool first)
{
	struct rules made = { .others = HEPH_LOG_INFO };
	int err = filter ? parse(&made, filter) : -EINVAL;

	if (err < 0)
		return err;
	pthread_mutex_lock(&lock);
	if (!first || generation == 0) {
		rules = made;
		__atomic_store_n(&generation, generation + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&heph_log_limit, most_talkative(),
				 __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

/* ---- asking it --------------------------------------------------------------------- */

/* The limit is read after its number, which is written last. */
int heph_logfilter_limit(struct heph_log_site *site)
{
	uint64_t now = __atomic_load_n(&generation, __ATOMIC_RELAXED);
	char target[HEPH_LOG_TARGET_MAX];
	int level;

	if (__atomic_load_n(&site->generation, __ATOMIC_ACQUIRE) == now)
		return __atomic_load_n(&site->limit, __ATOMIC_RELAXED);
	heph_logfilter_target(site, target);
	pthread_mutex_lock(&lock);
	level = level_of(target);
	__atomic_store_n(&site->limit, level, __ATOMIC_RELAXED);
	__atomic_store_n(&site->generation, generation, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	return level;
}

int heph_logfilter_level(const char *target)
{
	int level;

	pthread_mutex_lock(&lock);
	level = target ? level_of(target) : rules.others;
	pthread_mutex_unlock(&lock);
	return level;
}

void heph_logfilter_print(struct heph_fmt *fmt)
{
	pthread_mutex_lock(&lock);
	heph_fmt_str(fmt, heph_log_level_name(rules.others));
	for (unsigned i = 0; i < rules.n; i++) {
		heph_fmt_char(fmt, ',');
		heph_fmt_str(fmt, rules.rule[i].target);
		heph_fmt_char(fmt, '=');
		heph_fmt_str(fmt, heph_log_level_name(rules.rule[i].level));
	}
	pthread_mutex_unlock(&lock);
}

void heph_logfilter_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
}

/* ---- how many ------------------------------------------------------------------------ */

/* Counts a line of this second. Returns how many it is then. */
static uint32_t count_line(struct heph_log_site *site, uint32_t second)
{
	uint64_t before = __atomic_load_n(&site->second_rate, __ATOMIC_RELAXED);
	uint64_t after;

	do {
		after = (before >> 32 == second ? before :
						  (uint64_t)second << 32) +
			1;
		if ((uint32_t)after == 0)
			return UINT32_MAX;
	} while (!__atomic_compare_exchange_n(&site->second_rate, &before,
					      after, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return (uint32_t)after;
}

void heph_logfilter_set_rate(unsigned lines)
{
	__atomic_store_n(&max_rate, lines, __ATOMIC_RELAXED);
}

bool heph_logfilter_pass(struct heph_log_site *site, uint64_t second,
			 uint64_t *ret_suppressed)
{
	unsigned max = __atomic_load_n(&max_rate, __ATOMIC_RELAXED);

	*ret_suppressed = 0;
	if (max && count_line(site, (uint32_t)second) > max) {
		__atomic_fetch_add(&suppressed, 1, __ATOMIC_RELAXED);
		heph_logfilter_untell(site, 1);
		return false;
	}
	if (__atomic_load_n(&site->suppressed, __ATOMIC_RELAXED)) {
		*ret_suppressed = __atomic_exchange_n(&site->suppressed, 0,
						      __ATOMIC_ACQUIRE);
		__atomic_fetch_sub(&untold, *ret_suppressed, __ATOMIC_RELAXED);
	}
	return true;
}

void heph_logfilter_untell(struct heph_log_site *site, uint64_t n)
{
	/* In this order: who takes them from the place subtracts. */
	__atomic_fetch_add(&untold, n, __ATOMIC_RELAXED);
	__atomic_fetch_add(&site->suppressed, n, __ATOMIC_RELEASE);
}

uint64_t heph_logfilter_take_untold(void)
{
	return __atomic_exchange_n(&untold, 0, __ATOMIC_RELAXED);
}

uint64_t heph_logfilter_suppressed(void)
{
	return __atomic_load_n(&suppressed, __ATOMIC_RELAXED);
}
