/* SPDX-License-Identifier: MIT */
/*
 * Kinds of operations: about names in the file system.
 *
 * A path is `number`, a directory or AT_FDCWD, and the text in `buf`; a second
 * one is `number2` and `buf2`. Where `buf` may be NULL `number` is what is meant
 * itself. What comes back, or goes in, besides texts lies at the start of the
 * room, `size` bytes of it.
 */
#include <fcntl.h>
#include <limits.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/kinds.h"

static int result_of(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

/* Some system calls know paths from the working directory only; others go by
 * way of /proc. */
enum { PROC_MAX = 32 };

static const char *path_of(const struct heph_op *op,
			   char text[PROC_MAX + PATH_MAX])
{
	const char *name = op->buf;

	if (name && (op->number == AT_FDCWD || *name == '/'))
		return name;
	snprintf(text, PROC_MAX + PATH_MAX, "/proc/self/fd/%d%s%s", op->number,
		 name ? "/" : "", name ? name : "");
	return text;
}

/* ---- opening ---------------------------------------------------------------------- */

/* `flags`: O_..., `events`: the mode. If `offset2` is not 0 the room has a struct
 * open_how instead. */
void heph_prepare_open(struct io_uring_sqe *sqe, struct heph_op *op)
{
	if (op->offset2) {
		io_uring_prep_openat2(sqe, op->number, op->buf, op->room);
		return;
	}
	io_uring_prep_openat(sqe, op->number, op->buf, (int)op->flags,
			     op->events);
}

/* One name on the way: a directory, unless it is the last one. */
static int step(int dir, const char *name, size_t size, bool last,
		const struct open_how *how)
{
	char text[NAME_MAX + 1];

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(text, name, size);
	text[size] = '\0';
	if (strcmp(text, "..") == 0)
		return -EXDEV;
	return result_of(openat(dir, text,
				last ? (int)how->flags | O_NOFOLLOW :
				       O_PATH | O_DIRECTORY | O_NOFOLLOW |
					       O_CLOEXEC,
				(mode_t)how->mode));
}

/* Where there is no openat2(2): name by name, and neither ".." nor a symbolic link
 * at all. */
static int open_by_steps(const struct heph_op *op)
{
	const char *at = op->buf;
	int dir = op->number, next;
	bool last = false;

	if (*at == '/')
		return -EXDEV;
	do {
		size_t size = strcspn(at, "/");
		const char *rest = at + size + strspn(at + size, "/");

		last = !*rest;
		next = step(dir, at, size, last, op->room);
		if (dir != op->number)
			close(dir);
		dir = next;
		at = rest;
	} while (dir >= 0 && !last);
	return dir;
}

static int open_beneath(const struct heph_op *op)
{
	int result = result_of(syscall(SYS_openat2, op->number, op->buf,
				       op->room, sizeof(struct open_how)));

	return result == -ENOSYS ? open_by_steps(op) : result;
}

int heph_attempt_open(struct heph_op *op)
{
	if (op->offset2)
		return open_beneath(op);
	return result_of(
		openat(op->number, op->buf, (int)op->flags, op->events));
}

/* ---- what the file system knows ------------------------------------------------------ */

/* `flags`: AT_..., `events`: the mask; the room: a struct statx. */
void heph_prepare_statx(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_statx(sqe, op->number, op->buf ? op->buf : "",
			    (int)op->flags, op->events, op->room);
}

int heph_attempt_statx(struct heph_op *op)
{
	return result_of(statx(op->number, op->buf ? op->buf : "",
			       (int)op->flags, op->events, op->room));
}

/* `flags`: AT_SYMLINK_NOFOLLOW, `events`: the mode. */
int heph_attempt_chmod(struct heph_op *op)
{
	if (!op->buf)
		return result_of(fchmod(op->number, op->events));
	return result_of(
		fchmodat(op->number, op->buf, op->events, (int)op->flags));
}

/* `offset` and `offset2`: whom it belongs to. */
int heph_attempt_chown(struct heph_op *op)
{
	int flags = (int)op->flags | (op->buf ? 0 : AT_EMPTY_PATH);

	return result_of(fchownat(op->number, op->buf ? op->buf : "",
				  (uid_t)op->offset, (gid_t)op->offset2,
				  flags));
}

/* The room: two of struct timespec. */
int heph_attempt_utimes(struct heph_op *op)
{
	if (!op->buf)
		return result_of(futimens(op->number, op->room));
	return result_of(
		utimensat(op->number, op->buf, op->room, (int)op->flags));
}

/* ---- names ---------------------------------------------------------------------------- */

void heph_prepare_rename(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_renameat(sqe, op->number, op->buf, op->number2, op->buf2,
			       op->flags);
}

int heph_attempt_rename(struct heph_op *op)
{
	return result_of(renameat2(op->number, op->buf, op->number2, op->buf2,
				   op->flags));
}

void heph_prepare_link(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_linkat(sqe, op->number, op->buf, op->number2, op->buf2,
			     (int)op->flags);
}

/* AT_EMPTY_PATH would need a privilege; this way into /proc does not. */
int heph_attempt_link(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	return result_of(linkat(op->number,
				op->buf ? op->buf : path_of(op, text),
				op->number2, op->buf2, (int)op->flags));
}

/* It leads to `buf2`. */
void heph_prepare_symlink(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_symlinkat(sqe, op->buf2, op->number, op->buf);
}

int heph_attempt_symlink(struct heph_op *op)
{
	return result_of(symlinkat(op->buf2, op->number, op->buf));
}

int heph_attempt_read_link(struct heph_op *op)
{
	return result_of(readlinkat(op->number, op->buf, op->room, op->size));
}

/* `flags`: AT_REMOVEDIR. */
void heph_prepare_remove(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_unlinkat(sqe, op->number, op->buf, (int)op->flags);
}

int heph_attempt_remove(struct heph_op *op)
{
	return result_of(unlinkat(op->number, op->buf, (int)op->flags));
}

void heph_prepare_mkdir(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_mkdirat(sqe, op->number, op->buf, op->events);
}

int heph_attempt_mkdir(struct heph_op *op)
{
	return result_of(mkdirat(op->number, op->buf, op->events));
}

/* ---- notification ----------------------------------------------------------------------- */

int heph_attempt_notify_open(struct heph_op *op)
{
	(void)op;
	return result_of(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

int heph_attempt_notify_add(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	return result_of(
		inotify_add_watch(op->number2, path_of(op, text), op->flags));
}

int heph_attempt_notify_remove(struct heph_op *op)
{
	return result_of(inotify_rm_watch(op->number, op->number2));
}

/* ---- extended attributes --------------------------------------------------------------- */

/* `buf2`: the name, `events`: AT_SYMLINK_NOFOLLOW. */

void heph_prepare_xattr_get(struct io_uring_sqe *sqe, struct heph_op *op)
{
	if (op->buf)
		io_uring_prep_getxattr(sqe, op->buf2, op->room, op->buf,
				       op->size);
	else
		io_uring_prep_fgetxattr(sqe, op->number, op->buf2, op->room,
					op->size);
}

int heph_attempt_xattr_get(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	if (!op->buf)
		return result_of(
			fgetxattr(op->number, op->buf2, op->room, op->size));
	return result_of((op->events ? lgetxattr : getxattr)(
		path_of(op, text), op->buf2, op->room, op->size));
}

void heph_prepare_xattr_set(struct io_uring_sqe *sqe, struct heph_op *op)
{
	if (op->buf)
		io_uring_prep_setxattr(sqe, op->buf2, op->room, op->buf,
				       (int)op->flags, op->size);
	else
		io_uring_prep_fsetxattr(sqe, op->number, op->buf2, op->room,
					(int)op->flags, op->size);
}

int heph_attempt_xattr_set(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	if (!op->buf)
		return result_of(fsetxattr(op->number, op->buf2, op->room,
					   op->size, (int)op->flags));
	return result_of((op->events ? lsetxattr : setxattr)(
		path_of(op, text), op->buf2, op->room, op->size,
		(int)op->flags));
}

int heph_attempt_xattr_list(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	if (!op->buf)
		return result_of(flistxattr(op->number, op->room, op->size));
	return result_of((op->events ? llistxattr : listxattr)(
		path_of(op, text), op->room, op->size));
}

int heph_attempt_xattr_remove(struct heph_op *op)
{
	char text[PROC_MAX + PATH_MAX];

	if (!op->buf)
		return result_of(fremovexattr(op->number, op->buf2));
	return result_of((op->events ? lremovexattr : removexattr)(
		path_of(op, text), op->buf2));
}
