/* SPDX-License-Identifier: MIT */
/*
 * The one who logs renders the line straight into a slot of the ring, and wakes
 * the writer if it sleeps. All that may block is done by the writer: a thread,
 * or where there is none (before it could be started, after it has ended, in a
 * child after fork) the caller of heph_log_flush.
 *
 * No wake-up is lost: the writer says that it sleeps and then looks at the
 * ring, we publish and then look whether it sleeps, all seq_cst. So one of the
 * two sees the other.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/helper.h"
#include "base/logconfig.h"
#include "base/logfilter.h"
#include "base/logline.h"
#include "base/logout.h"
#include "base/logring.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	STACK_SIZE = 256 * 1024,
};

#define FLUSH_TIME HEPH_SEC

enum writer_state {
	WRITER_NONE,
	WRITER_STARTING,
	WRITER_RUNNING,
	WRITER_ENDED, /* the process exits: write at once */
};

const char *(*heph_log_who)(uint64_t *ret_id);

static struct heph_logring ring;
static struct heph_logout out = { .fd = STDERR_FILENO };
static _Atomic(uint64_t) lost;

static struct writer {
	_Atomic(enum writer_state) state;
	pthread_t thread;
	atomic_uint asleep; /* a futex: 1 while it sleeps */
	atomic_bool stop, stopped;
	atomic_flag lock;   /* held while lines are written */
	uint64_t lost_told; /* under the lock */
} writer;

static void configure(void);
static pthread_once_t configured = PTHREAD_ONCE_INIT;

/* ---- lines into the ring ---- */

static int64_t real_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * HEPH_SEC + now.tv_nsec;
}

static void render(struct heph_logslot *slot, const struct heph_logline *line)
{
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, slot->text, sizeof(slot->text));
	slot->level = (int8_t)line->level;
	slot->journal = atomic_load(&out.journal);
	if (slot->journal)
		heph_logline_journal(&fmt, line);
	else
		heph_logline_logfmt(&fmt, line);
	slot->len = (uint16_t)fmt.len;
}

/* Returns false if there is no room: the line is lost, and counted. */
static bool put(struct heph_logline *line)
{
	struct heph_logslot *slot = heph_logring_claim(&ring);

	if (!slot) {
		atomic_fetch_add(&lost, 1);
		return false;
	}
	if (heph_log_who)
		line->who = heph_log_who(&line->id);
	render(slot, line);
	heph_logring_publish(slot);
	return true;
}

/* A line of the log itself. */
static void put_own(const struct heph_kv *kvs)
{
	struct heph_logline line = { .time = real_time(),
				     .level = HEPH_LOG_WARN,
				     .kvs = kvs };

	put(&line);
}

/* One of the program, if it is not one too many. */
static void put_line(struct heph_log_site *site, enum heph_log_level level,
		     const struct heph_kv *kvs)
{
	struct heph_logline line = {
		.time = real_time(), .at = heph_time_virtual, .level = level,
		.site = site, .kvs = kvs
	};

	if (!heph_logfilter_pass(site, (uint64_t)(line.time / HEPH_SEC),
				 &line.suppressed))
		return;
	if (!put(&line) && line.suppressed)
		heph_logfilter_untell(site, line.suppressed);
}

/* ---- the writer ---- */

static void nap(void)
{
	const struct timespec length = { .tv_nsec = HEPH_MSEC / 5 };

	nanosleep(&length, NULL);
}

static bool try_lock(void)
{
	return !atomic_flag_test_and_set_explicit(&writer.lock,
						  memory_order_acquire);
}

static void unlock(void)
{
	atomic_flag_clear_explicit(&writer.lock, memory_order_release);
}

/* Returns false if the lock was not to be had before `deadline`. */
static bool lock_until(heph_time deadline)
{
	while (!try_lock()) {
		if (heph_clock_now() >= deadline)
			return false;
		nap();
	}
	return true;
}

/* Tells how many lines were lost since it was told before. */
static void tell_lost(heph_time deadline)
{
	uint64_t sum = atomic_load(&lost);
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "log lines lost"),
		HEPH_KV_UINT("lost", sum - writer.lost_told),
		heph_kv_end__(),
	};
	const struct heph_logline line = { .time = real_time(),
					   .level = HEPH_LOG_WARN,
					   .kvs = kvs };
	struct heph_logslot slot;

	if (sum == writer.lost_told)
		return;
	render(&slot, &line);
	if (heph_logout_write(&out, &slot, deadline) == 0)
		writer.lost_told = sum;
}

/* Writes what is in the ring, but at most one ring full. Under the lock. */
static void write_lines(heph_time deadline)
{
	struct heph_logslot *slot;
	int err;

	for (int i = 0; i < HEPH_LOGRING_SLOTS; i++) {
		slot = heph_logring_front(&ring);
		if (!slot)
			break;
		err = heph_logout_write(&out, slot, deadline);
		if (err == -ETIME)
			return;
		if (err < 0)
			atomic_fetch_add(&lost, 1);
		heph_logring_advance(&ring);
	}
	tell_lost(deadline);
}

static void sleep_until_woken(void)
{
	atomic_store(&writer.asleep, 1);
	if (!heph_logring_front(&ring) && !atomic_load(&writer.stop))
		syscall(SYS_futex, &writer.asleep, FUTEX_WAIT_PRIVATE, 1, NULL,
			NULL, 0);
	atomic_store(&writer.asleep, 0);
}

static void wake_writer(void)
{
	if (atomic_load(&writer.asleep) && atomic_exchange(&writer.asleep, 0))
		syscall(SYS_futex, &writer.asleep, FUTEX_WAKE_PRIVATE, 1, NULL,
			NULL, 0);
}

static void *writer_main(void *unused)
{
	(void)unused;
	while (!atomic_load(&writer.stop) || heph_logring_front(&ring)) {
		if (lock_until(HEPH_NEVER)) {
			write_lines(HEPH_NEVER);
			unlock();
		}
		if (!heph_logring_front(&ring))
			sleep_until_woken();
	}
	atomic_store(&writer.stopped, true);
	return NULL;
}

static int create_thread(void)
{
	int err = heph_helper_start(&writer.thread, STACK_SIZE, writer_main,
				    NULL);

	if (err == 0)
		pthread_setname_np(writer.thread, "heph-log");
	return err;
}

/* If the thread cannot be created the next line tries again. */
static void start_writer(void)
{
	enum writer_state state = WRITER_NONE;

	if (!atomic_compare_exchange_strong(&writer.state, &state,
					    WRITER_STARTING))
		return;
	state = create_thread() < 0 ? WRITER_NONE : WRITER_RUNNING;
	atomic_store(&writer.state, state);
}

/* Writes lines on the calling thread, where there is no writer. */
static void write_here(heph_time deadline)
{
	if (!try_lock())
		return;
	write_lines(deadline);
	unlock();
}

/* After the deadline as well: what can be written without waiting is. */
static void flush_until(heph_time deadline)
{
	uint64_t target = heph_logring_claimed(&ring);
	enum writer_state state;

	while (heph_logring_written(&ring) < target) {
		state = atomic_load(&writer.state);
		if (state == WRITER_NONE || state == WRITER_ENDED)
			write_here(deadline);
		else
			wake_writer();
		if (heph_logring_written(&ring) >= target ||
		    heph_clock_now() >= deadline)
			break;
		nap();
	}
}

/* ---- the end of the process, and fork ---- */

/* A writer that does not get rid of its lines is left behind. */
static void stop_writer(heph_time deadline)
{
	atomic_store(&writer.stop, true);
	wake_writer();
	while (!atomic_load(&writer.stopped) && heph_clock_now() < deadline)
		nap();
	if (atomic_load(&writer.stopped))
		pthread_join(writer.thread, NULL);
	else
		pthread_detach(writer.thread);
}

/* How many lines came too fast and had none after them that says so. */
static void tell_suppressed(void)
{
	uint64_t n = heph_logfilter_take_untold();
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "log lines came too fast"),
		HEPH_KV_UINT("suppressed", n),
		heph_kv_end__(),
	};

	if (n)
		put_own(kvs);
}

static void at_exit(void)
{
	heph_time deadline = heph_clock_now() + FLUSH_TIME;

	tell_suppressed();
	flush_until(deadline);
	if (atomic_load(&writer.state) == WRITER_RUNNING)
		stop_writer(deadline);
	atomic_store(&writer.state, WRITER_ENDED);
	flush_until(deadline);
}

/* In the child there is one thread: this one. What is in the ring is for the
 * parent to write. */
static void after_fork(void)
{
	heph_logring_reset(&ring);
	heph_logfilter_after_fork();
	heph_logfilter_take_untold();
	unlock();
	writer.lost_told = atomic_load(&lost);
	atomic_store(&writer.asleep, 0);
	if (atomic_load(&writer.state) != WRITER_ENDED)
		atomic_store(&writer.state, WRITER_NONE);
}

/* ---- the environment ---- */

static void complain(const char *text, const char *key, const char *value)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", text),
		HEPH_KV_STR(key, value),
		heph_kv_end__(),
	};

	put_own(kvs);
}

/* Runs once, before the first line. */
static void configure(void)
{
	pthread_atfork(NULL, NULL, after_fork);
	atexit(at_exit);
	heph_logconfig_read(&out, complain);
}

static void configure_once(void)
{
	pthread_once(&configured, configure);
}

/* ---- the interface ---- */

bool heph_log_site_on(struct heph_log_site *site, enum heph_log_level level)
{
	configure_once();
	return (int)level <= heph_logfilter_limit(site);
}

void heph_log_write(struct heph_log_site *site, enum heph_log_level level,
		    const struct heph_kv *kvs)
{
	put_line(site, level, kvs);
	switch (atomic_load(&writer.state)) {
	case WRITER_NONE:
		start_writer();
		break;
	case WRITER_STARTING:
	case WRITER_RUNNING:
		wake_writer();
		break;
	case WRITER_ENDED:
		heph_log_flush();
		break;
	}
}

void heph_log_set_level(enum heph_log_level limit)
{
	heph_logfilter_set(heph_log_level_name(limit), false);
}

int heph_log_set_filter(const char *filter)
{
	return heph_logfilter_set(filter, false);
}

enum heph_log_level heph_log_level_of(const char *target)
{
	configure_once();
	return (enum heph_log_level)heph_logfilter_level(target);
}

size_t heph_log_filter(char *buf, size_t size)
{
	char text[HEPH_LOG_FILTER_MAX];
	struct heph_fmt fmt;

	configure_once();
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_logfilter_print(&fmt);
	if (size > 0) {
		size = fmt.len < size ? fmt.len : size - 1;
		memcpy(buf, text, size);
		buf[size] = '\0';
	}
	return fmt.len;
}

void heph_log_set_rate(unsigned lines)
{
	configure_once();
	heph_logfilter_set_rate(lines);
}

void heph_log_flush(void)
{
	flush_until(heph_clock_now() + FLUSH_TIME);
}

static void change_out(int fd, heph_log_fn fn)
{
	heph_time deadline = heph_clock_now() + FLUSH_TIME;
	bool locked;

	configure_once();
	flush_until(deadline);
	/* With the lock, nobody uses the one before any more. */
	locked = lock_until(deadline);
	atomic_store(&out.fd, fd);
	atomic_store(&out.fn, fn);
	atomic_store(&out.journal, false);
	if (locked)
		unlock();
}

void heph_log_to(int fd)
{
	change_out(fd, NULL);
}

void heph_log_to_fn(heph_log_fn fn)
{
	change_out(STDERR_FILENO, fn);
}

int heph_log_to_journal(const char *path)
{
	heph_time deadline = heph_clock_now() + FLUSH_TIME;
	int err;

	configure_once();
	flush_until(deadline);
	if (!lock_until(deadline))
		return -EBUSY;
	err = heph_logout_open_journal(&out, path);
	unlock();
	return err;
}

void heph_log_fault(const char *signal)
{
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "the process crashes"),
		HEPH_KV_STR("signal", signal),
		heph_kv_end__(),
	};

	if (atomic_load(&out.journal))
		put_own(kvs);
	heph_log_flush();
}

uint64_t heph_log_lost(void)
{
	return atomic_load(&lost);
}

uint64_t heph_log_suppressed(void)
{
	return heph_logfilter_suppressed();
}
