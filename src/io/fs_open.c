/* SPDX-License-Identifier: MIT */
/* Opening files, and such that are there for a while only. */

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include "base/rand.h"
#include "io/fs.h"

enum {
	LETTERS = 6,
	TRIES = 100, /* for a name that nobody has, or a look-up without a rename */
};

/* What it is, is asked once it is open: that takes no time any more. */
static int admit(heph_ctx ctx, int number, heph_fd *ret_fd)
{
	int flags;

	if (number < 0) {
		heph_file_scarce(ctx.self, number);
		return number;
	}
	flags = heph_file_inspect(ctx.self, number);
	return heph_file_admit(ctx.self, number,
			       flags < 0 ? 0 : (unsigned)flags, ret_fd);
}

int heph_fs_open(heph_ctx ctx, const heph_path *path, unsigned flags,
		 unsigned mode, heph_fd *ret_fd)
{
	struct heph_op *op;
	int err;

	if (!path->text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_OPEN, path, NULL, 0, &op);
	if (err < 0)
		return err;
	op->flags = flags | O_CLOEXEC | (path->nofollow ? O_NOFOLLOW : 0);
	op->events = mode;
	return admit(ctx, heph_op_finish(ctx, op), ret_fd);
}

int heph_raw_open(heph_ctx ctx, heph_path path, int flags, unsigned mode,
		  heph_fd *ret_fd)
{
	return heph_fs_open(ctx, &path, (unsigned)flags, mode, ret_fd);
}

static bool creates(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_beneath(heph_ctx ctx, int dir, const char *name, int flags,
			unsigned mode, heph_fd *ret_fd)
{
	heph_path path = { .text = name };
	struct open_how *how;
	struct heph_op *op;
	int err;

	err = heph_fs_op(ctx, HEPH_OP_OPEN, &path, NULL, sizeof(*how), &op);
	if (err < 0)
		return err;
	how = op->room;
	how->flags = (unsigned)flags | O_CLOEXEC;
	how->mode = creates(flags) ? mode : 0;
	how->resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	op->number = dir;
	op->flags = (uint32_t)how->flags; /* for the simulated kernel */
	op->events = mode;
	op->offset2 = how->resolve;
	return admit(ctx, heph_op_finish(ctx, op), ret_fd);
}

int heph_open_beneath(heph_ctx ctx, int dir, const char *name, int flags,
		      unsigned mode, heph_fd *ret_fd, struct heph_stat *ret_stat)
{
	heph_fd fd = { 0, 0 };
	int err = name ? -EAGAIN : -EINVAL;

	/* A rename, of whatever it was on this machine, while a ".." was looked up:
	 * the kernel cannot tell where it led to. */
	for (int i = 0; err == -EAGAIN && i < TRIES; i++)
		err = open_beneath(ctx, dir, name, flags, mode, &fd);
	if (err == 0 && ret_stat)
		err = heph_fs_stat_new(ctx, fd, ret_stat);
	if (err == 0)
		*ret_fd = fd;
	else
		heph_close(fd);
	return err;
}

/* ---- for a while ------------------------------------------------------------------ */

/* Letters and digits, five bits each. */
static void choose_letters(char *letters)
{
	static const char from[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t bits = heph_rand_entropy();

	for (int i = 0; i < LETTERS; i++, bits >>= 5)
		letters[i] = from[bits & 31];
}

/* The end of the name, which is to be replaced; NULL: that is not there. */
static char *letters_of(char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (n < LETTERS || strcmp(name + n - LETTERS, "XXXXXX") != 0)
		return NULL;
	return name + n - LETTERS;
}

static int try_create(heph_ctx ctx, heph_path path, heph_fd *ret_fd)
{
	return heph_fs_open(ctx, &path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
			    0600, ret_fd);
}

int heph_mkstemp(heph_ctx ctx, heph_fd dir, char *name, heph_fd *ret_fd)
{
	char *letters = letters_of(name);
	int err = letters ? -EEXIST : -EINVAL;

	for (int i = 0; err == -EEXIST && i < TRIES; i++) {
		choose_letters(letters);
		err = try_create(ctx, heph_at(dir, name), ret_fd);
	}
	return err;
}

int heph_mkdtemp(heph_ctx ctx, heph_fd dir, char *name)
{
	char *letters = letters_of(name);
	int err = letters ? -EEXIST : -EINVAL;

	for (int i = 0; err == -EEXIST && i < TRIES; i++) {
		choose_letters(letters);
		err = heph_mkdir(ctx, heph_at(dir, name), 0700);
	}
	return err;
}

/* It has a name until it is removed, which must not be left out. */
static int create_and_remove(heph_ctx ctx, heph_fd dir, heph_fd *ret_fd)
{
	char name[] = ".heph-XXXXXX";
	int err = heph_mkstemp(ctx, dir, name, ret_fd);

	if (err < 0)
		return err;
	err = heph_remove(heph_fs_certainly(ctx), heph_at(dir, name));
	if (err < 0)
		heph_close(*ret_fd);
	return err;
}

static int open_named(heph_ctx ctx, const heph_path *dir, heph_fd *ret_fd)
{
	heph_fd at;
	int err = heph_fs_open(ctx, dir, O_PATH | O_DIRECTORY, 0, &at);

	if (err < 0)
		return err;
	err = create_and_remove(ctx, at, ret_fd);
	heph_close(at);
	return err;
}

int heph_raw_open_temporary(heph_ctx ctx, heph_path dir, heph_fd *ret_fd)
{
	int err;

	if (!dir.text)
		dir.text = ".";
	err = heph_fs_open(ctx, &dir, O_RDWR | O_TMPFILE, 0600, ret_fd);
	if (err == -EOPNOTSUPP || err == -EISDIR) /* the file system's word */
		err = open_named(ctx, &dir, ret_fd);
	return err;
}
