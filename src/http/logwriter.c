/* SPDX-License-Identifier: MIT */
/*
 * Two buffers: lines are added to one while the thread writes the other. What
 * cannot be written is lost; how many lines that were is said in a line when the
 * next ones are written.
 */
#include "http/logwriter.h"

#include "http/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct buffer {
	char *at;
	size_t used;
	unsigned long long lines;
};

struct heph_http_logwriter {
	int fd;
	size_t size;
	const char *lost_line;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t some;
	struct buffer adding;
	unsigned long long lost;
	bool asleep, ending;

	struct buffer writing; /* the thread's */
};

/* Returns 0; a negative errno. */
static int write_all(int fd, const char *at, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EAGAIN && poll(&poll_fd, 1, -1) >= 0)
			continue;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* Without the lock. Returns how many lines were lost. */
static unsigned long long write_out(struct heph_http_logwriter *writer,
				    unsigned long long lost)
{
	struct buffer *buffer = &writer->writing;
	char line[64];

	if (lost) {
		snprintf(line, sizeof(line), writer->lost_line, lost);
		if (write_all(writer->fd, line, strlen(line)) < 0)
			return lost + buffer->lines;
	}
	return write_all(writer->fd, buffer->at, buffer->used) < 0 ?
		       buffer->lines :
		       0;
}

static void *run(void *arg)
{
	struct heph_http_logwriter *writer = arg;
	struct buffer full;

	pthread_mutex_lock(&writer->lock);
	while (writer->adding.used || writer->lost || !writer->ending) {
		unsigned long long lost = writer->lost;
		bool ending = writer->ending;

		if (!writer->adding.used && !ending) {
			writer->asleep = true;
			pthread_cond_wait(&writer->some, &writer->lock);
			writer->asleep = false;
			continue;
		}
		full = writer->adding;
		writer->adding = writer->writing;
		writer->adding.used = writer->adding.lines = 0;
		writer->writing = full;
		writer->lost = 0;
		pthread_mutex_unlock(&writer->lock);
		lost = write_out(writer, lost);
		pthread_mutex_lock(&writer->lock);
		writer->lost += lost;
		if (ending)
			break;
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static int start(struct heph_http_logwriter *writer)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err == 0)
		pthread_setname_np(writer->thread, "access-log");
	return -err;
}

static void release(struct heph_http_logwriter *writer)
{
	heph_http_mem_free(writer->adding.at);
	heph_http_mem_free(writer->writing.at);
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->some);
	heph_http_mem_free(writer);
}

int heph_http_logwriter_new(int fd, size_t size, const char *lost,
			    struct heph_http_logwriter **ret_writer)
{
	struct heph_http_logwriter *writer =
		heph_http_mem_alloc(sizeof(*writer));
	int err = -ENOMEM;

	if (!writer)
		return err;
	memset(writer, 0, sizeof(*writer));
	writer->fd = fd;
	writer->size = size;
	writer->lost_line = lost;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->some, NULL);
	writer->adding.at = heph_http_mem_alloc(size);
	writer->writing.at = heph_http_mem_alloc(size);
	if (writer->adding.at && writer->writing.at)
		err = start(writer);
	if (err < 0)
		release(writer);
	else
		*ret_writer = writer;
	return err;
}

void heph_http_logwriter_free(struct heph_http_logwriter *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->ending = true;
	pthread_cond_signal(&writer->some);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	release(writer);
}

void heph_http_logwriter_add(struct heph_http_logwriter *writer,
			     const char *line, size_t size)
{
	struct buffer *buffer = &writer->adding;
	bool wake = false;

	pthread_mutex_lock(&writer->lock);
	if (size > writer->size - buffer->used) {
		writer->lost++;
	} else {
		memcpy(buffer->at + buffer->used, line, size);
		buffer->used += size;
		buffer->lines++;
		wake = writer->asleep;
		writer->asleep = false;
	}
	pthread_mutex_unlock(&writer->lock);
	if (wake)
		pthread_cond_signal(&writer->some);
}
