/* SPDX-License-Identifier: MIT */
/* dir.h - a directory of its own for each test of the file system */
#ifndef TEST_DIR_H
#define TEST_DIR_H

#include "task.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

/* Where it is, and the directory itself, a number. */
static char dir_path[64];
static int dir_number = -1;

static inline int dir_remove(const char *path, const struct stat *info,
			     int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int dir_begin(void **state)
{
	strcpy(dir_path, "/tmp/heph-test-XXXXXX");
	if (!mkdtemp(dir_path))
		return -1;
	dir_number = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_number < 0;
}

static inline int dir_end(void **state)
{
	close(dir_number);
	return nftw(dir_path, dir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* All that is in it, so that a test can run again. */
static inline void dir_clear(void)
{
	char command[100];

	snprintf(command, sizeof(command), "find %s -mindepth 1 -delete",
		 dir_path);
	must_be(system(command), 0);
}

/* The directory as a descriptor of the caller. */
static inline heph_fd dir_fd(heph_ctx ctx)
{
	heph_fd fd;
	int number = fcntl(dir_number, F_DUPFD_CLOEXEC, 0);

	must_be(lseek(number, 0, SEEK_SET), 0);
	must_be(heph_fd_adopt(ctx, number, &fd), 0);
	return fd;
}

/* A name in it as a whole path, in memory that the next four calls leave. */
static inline const char *dir_name(const char *name)
{
	static _Thread_local char paths[4][PATH_MAX];
	static _Thread_local int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", dir_path, name);
	return path;
}

/* Makes a file there with a text in it. */
static inline void dir_file(const char *name, const char *text)
{
	int number = openat(dir_number, name,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(number >= 0);
	must_be(write(number, text, strlen(text)), strlen(text));
	close(number);
}

static inline bool dir_has(const char *name)
{
	return faccessat(dir_number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
