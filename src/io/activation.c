/* SPDX-License-Identifier: MIT */
#include <heph/activation.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/driver.h"
#include "io/file.h"
#include "io/socket.h"

enum { FIRST = 3, PASSED_MAX = 1024 };

/* What the environment said, read once. */
static struct {
	pthread_once_t once;
	int n;       /* or an error */
	char *names; /* one after the other, each with its nul; NULL: none */
	atomic_bool taken[PASSED_MAX];
} passed = { .once = PTHREAD_ONCE_INIT };

/* ---- the environment ------------------------------------------------------------ */

/* A decimal number from 1 to `max`, or -EINVAL. */
static long parse_number(const char *text, long max)
{
	long number = 0;

	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	for (; *text && number <= max; text++)
		number = number * 10 + (*text - '0');
	return number && number <= max ? number : -EINVAL;
}

/* Whether the descriptors are meant for this process: 1, 0; -EINVAL. */
static int is_ours(const char *pid)
{
	long number = pid ? parse_number(pid, INT32_MAX) : 0;

	return number < 0 ? (int)number : pid && number == getpid();
}

/* `text` has as many names as there are descriptors. */
static int keep_names(const char *text, int n)
{
	size_t size = strlen(text) + 1;
	int names = 1;

	passed.names = heph_mem_alloc_raw(size);
	if (!passed.names)
		return -ENOMEM;
	memcpy(passed.names, text, size);
	for (char *at = passed.names; (at = strchr(at, ':')); names++)
		*at++ = '\0';
	return names == n ? 0 : -EINVAL;
}

static int close_on_exec(int n)
{
	int flags;

	for (int number = FIRST; number < FIRST + n; number++) {
		flags = fcntl(number, F_GETFD);
		if (flags < 0 || fcntl(number, F_SETFD, flags | FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

static int read_variables(void)
{
	const char *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int n = is_ours(getenv("LISTEN_PID")), err;

	if (n <= 0 || !count || strcmp(count, "0") == 0)
		return n < 0 ? n : 0;
	n = (int)parse_number(count, PASSED_MAX);
	if (n < 0)
		return n;
	err = close_on_exec(n);
	if (err == 0 && names)
		err = keep_names(names, n);
	return err < 0 ? err : n;
}

static void read_once(void)
{
	passed.n = read_variables();
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* How many there are; or an error. */
static int count_all(void)
{
	pthread_once(&passed.once, read_once);
	return passed.n;
}

static const char *next_name(const char *name)
{
	return passed.names ? name + strlen(name) + 1 : name;
}

static const char *first_name(void)
{
	return passed.names ? passed.names : "unknown";
}

/* ---- taking ------------------------------------------------------------------------ */

/* The place of one, from 0; or -ENOENT, or an error. */
static int find(const char *wanted, unsigned index)
{
	const char *name;
	int n = count_all();

	if (n < 0)
		return n;
	name = first_name();
	for (int i = 0; i < n; i++, name = next_name(name))
		if ((!wanted || strcmp(name, wanted) == 0) && index-- == 0)
			return i;
	return -ENOENT;
}

/* An option that is a number; what has none is no socket. */
static bool has_option(heph_ctx ctx, int number, int option, int wanted)
{
	int value = 0;

	return heph_socket_get_raw(ctx.self, number, SOL_SOCKET, option, &value,
				   sizeof(value)) >= 0 &&
	       value == wanted;
}

static bool is_what(heph_ctx ctx, int number, enum heph_activation what)
{
	switch (what) {
	case HEPH_ACTIVATION_LISTENER:
		return has_option(ctx, number, SO_ACCEPTCONN, 1);
	case HEPH_ACTIVATION_DATAGRAM:
		return has_option(ctx, number, SO_TYPE, SOCK_DGRAM);
	default:
		return true;
	}
}

static int adopt_listener(heph_ctx ctx, int number, struct heph_fd *ret_fd)
{
	bool readiness = heph_io_of(ctx.self->thread->heph)->by_readiness;
	unsigned flags = heph_socket_inspect(ctx.self, number) |
			 HEPH_FILE_LISTENER;
	int err = heph_socket_set_status(ctx.self, number,
					 readiness ? O_NONBLOCK : 0);

	if (readiness)
		flags |= HEPH_FILE_NONBLOCK;
	return err < 0 ? err : heph_file_open(ctx.self, number, flags, ret_fd);
}

static int adopt(heph_ctx ctx, int number, enum heph_activation what,
		 struct heph_fd *ret_fd)
{
	if (!is_what(ctx, number, what))
		return -EPROTOTYPE;
	return what == HEPH_ACTIVATION_LISTENER ?
		       adopt_listener(ctx, number, ret_fd) :
		       heph_fd_adopt(ctx, number, ret_fd);
}

/* ---- public --------------------------------------------------------------------------- */

int heph_activation_count(const char *name)
{
	unsigned n = 0;
	int place;

	if (!name)
		return count_all();
	while ((place = find(name, n)) >= 0)
		n++;
	return place == -ENOENT ? (int)n : place;
}

int heph_activation_take(heph_ctx ctx, const char *name, unsigned index,
			 enum heph_activation what, struct heph_fd *ret_fd)
{
	int place = find(name, index), err;

	if (place < 0)
		return place;
	if (ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	if (atomic_exchange(&passed.taken[place], true))
		return -EBUSY;
	err = adopt(ctx, FIRST + place, what, ret_fd);
	if (err < 0)
		atomic_store(&passed.taken[place], false);
	return err;
}
