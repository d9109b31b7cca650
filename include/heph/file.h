/* SPDX-License-Identifier: MIT */
/*
 * file.h - files, directories, links, attributes, locks
 *
 * A path is given in one of two ways: as text, which the kernel looks up from
 * the working directory of the process, or as heph_at(dir, text), from a
 * directory that is open. What needs no name but only a file takes a descriptor
 * as well: heph_stat(ctx, fd, ...) or heph_stat(ctx, "name", ...).
 * heph_nofollow(path) is about a symbolic link itself, not what it leads to.
 *
 * Nothing here blocks a worker. A stop or a deadline ends the wait, except that
 * a call which already had its effect returns it; what the kernel is busy with
 * on a disk is awaited.
 *
 * Besides what is listed, all return -EBADF (a descriptor that is not open, or
 * not the caller's), -EINVAL (no text), -ENAMETOOLONG, -ETIME, -ECANCELED,
 * -ENOMEM, and the errors of the system call that their manual page lists.
 */
#ifndef HEPH_FILE_H
#define HEPH_FILE_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- paths ------------------------------------------------------------------ */

/* Which file. Plain data; the text is copied by the call that gets it. */
typedef struct heph_path {
	const char *text; /* NULL: what `at` is itself */
	heph_fd at;       /* a directory; { 0 }: the working directory */
	bool nofollow;    /* if it is a symbolic link: the link */
} heph_path;

/* A name that is looked up from a directory. { 0 }: the working directory. */
static inline heph_path heph_at(heph_fd dir, const char *text)
{
	heph_path path = { text, dir, false };

	return path;
}

static inline heph_path heph_path_of_text__(const char *text)
{
	heph_path path = { text, { 0, 0 }, false };

	return path;
}

static inline heph_path heph_path_of_fd__(heph_fd fd)
{
	heph_path path = { NULL, fd, false };

	return path;
}

static inline heph_path heph_path_as_it_is__(heph_path path)
{
	return path;
}

static inline heph_path heph_nofollow__(heph_path path)
{
	path.nofollow = true;
	return path;
}

/* What a `path` parameter is made of: text or a heph_path; and a `which`:
 * a descriptor, too. */
#ifdef __cplusplus
}
extern "C++" {
static inline heph_path heph_path__(const char *text)
{
	return heph_path_of_text__(text);
}
static inline heph_path heph_path__(heph_path path)
{
	return path;
}
static inline heph_path heph_which__(heph_fd fd)
{
	return heph_path_of_fd__(fd);
}
template <typename T> static inline heph_path heph_which__(T path)
{
	return heph_path__(path);
}
}
#define HEPH_PATH__(path_) heph_path__(path_)
#define HEPH_WHICH__(path_) heph_which__(path_)
extern "C" {
#else
#define HEPH_PATH__(path_)                                                     \
	_Generic((path_), char *: heph_path_of_text__,                         \
		 const char *: heph_path_of_text__,                            \
		 heph_path: heph_path_as_it_is__)(path_)
#define HEPH_WHICH__(path_)                                                    \
	_Generic((path_), char *: heph_path_of_text__,                         \
		 const char *: heph_path_of_text__,                            \
		 heph_path: heph_path_as_it_is__,                              \
		 heph_fd: heph_path_of_fd__)(path_)
#endif

/* If the last name of the path is a symbolic link, the link is meant. */
#define heph_nofollow(path) heph_nofollow__(HEPH_PATH__(path))

/* ---- opening ---------------------------------------------------------------- */

/* Waits. Opens a file: `flags` are those of open(2), O_CLOEXEC is added; `mode`
 * counts if it is created. Returns 0. */
#define heph_open(ctx, path, flags, mode, ret_fd)                              \
	heph_raw_open((ctx), HEPH_PATH__(path), (flags), (mode), (ret_fd))
HEPH_API HEPH_MUST int heph_raw_open(heph_ctx ctx, heph_path path, int flags,
				     unsigned mode, heph_fd *ret_fd);

struct heph_stat;

/*
 * Waits. The same, of a name that is looked up from a directory and stays below
 * it: for names that somebody else has chosen. Neither "..", nor an absolute path,
 * nor a symbolic link leads out of there (RESOLVE_BENEATH of openat2(2); where
 * the kernel has no such call ".." and symbolic links are refused as such: -EXDEV,
 * -ELOOP, -ENOTDIR). `dir` is the kernel's number, so that any number of actors
 * can share one; it stays open. `ret_stat`, which may be NULL, is all that is known
 * of the file. Returns 0; -EXDEV (it would lead out); -EAGAIN (something was renamed
 * meanwhile, in each of a hundred attempts).
 */
HEPH_API HEPH_MUST int heph_open_beneath(heph_ctx ctx, int dir,
					 const char *name, int flags,
					 unsigned mode, heph_fd *ret_fd,
					 struct heph_stat *ret_stat);

/*
 * Waits. Opens a new file that has no name (O_TMPFILE), for reading and
 * writing, on the file system of that directory; only its owner may read and
 * write it, and it goes when it is closed, unless heph_hard_link() gives it a
 * name. Where the file system cannot do that the file has a name for a moment,
 * and heph_hard_link() is -ENOENT. Returns 0.
 */
#define heph_open_temporary(ctx, dir, ret_fd)                                  \
	heph_raw_open_temporary((ctx), HEPH_WHICH__(dir), (ret_fd))
HEPH_API HEPH_MUST int heph_raw_open_temporary(heph_ctx ctx, heph_path dir,
					       heph_fd *ret_fd);

/*
 * Waits. Creates a file with a name that nothing there has, and opens it for
 * reading and writing; only its owner may. `name` is looked up from `dir`; its
 * last six letters, which are "XXXXXX", are replaced. The file stays until
 * it is removed. Returns 0; -EINVAL (they are not); -EEXIST (no free name was
 * found).
 */
HEPH_API HEPH_MUST int heph_mkstemp(heph_ctx ctx, heph_fd dir, char *name,
				    heph_fd *ret_fd);

/* Waits. The same for a directory, which is created and not opened. */
HEPH_API HEPH_MUST int heph_mkdtemp(heph_ctx ctx, heph_fd dir, char *name);

/* ---- what the file system knows ---------------------------------------------- */

/* Bits of `mask` and `want`: those of STATX_... in statx(2). */
enum {
	HEPH_STAT_TYPE = 0x1,
	HEPH_STAT_MODE = 0x2,
	HEPH_STAT_LINKS = 0x4,
	HEPH_STAT_UID = 0x8,
	HEPH_STAT_GID = 0x10,
	HEPH_STAT_ACCESSED = 0x20,
	HEPH_STAT_MODIFIED = 0x40,
	HEPH_STAT_CHANGED = 0x80,
	HEPH_STAT_INODE = 0x100,
	HEPH_STAT_SIZE = 0x200,
	HEPH_STAT_BLOCKS = 0x400,
	HEPH_STAT_CREATED = 0x800,
	HEPH_STAT_ALL = 0xfff,
};

/* Times are nanoseconds since 1970. What is not in `mask` is 0 or a guess of
 * the kernel. */
struct heph_stat {
	uint32_t mask;       /* HEPH_STAT_...: what the file system told */
	uint32_t mode;       /* type and permissions, for S_ISDIR() and such */
	uint32_t links;      /* hard links */
	uint32_t uid, gid;
	uint32_t block_size; /* best for reading and writing */
	uint64_t inode, size;
	uint64_t blocks;     /* of 512 bytes, in use */
	uint64_t device;     /* that it is on: a dev_t */
	uint64_t special;    /* that it is, if it is one */
	uint64_t attributes; /* STATX_ATTR_... */
	int64_t accessed, modified, changed, created;
};

/* Waits. Asks for the `want` of a file, HEPH_STAT_...; the file system may tell
 * less or more. Returns 0. */
#define heph_stat(ctx, which, want, ret_stat)                                  \
	heph_raw_stat((ctx), HEPH_WHICH__(which), (want), (ret_stat))
HEPH_API HEPH_MUST int heph_raw_stat(heph_ctx ctx, heph_path which,
				     unsigned want, struct heph_stat *ret_stat);

/* Waits. Sets the permissions. Returns 0; -EOPNOTSUPP (of a symbolic link). */
#define heph_chmod(ctx, which, mode)                                           \
	heph_raw_chmod((ctx), HEPH_WHICH__(which), (mode))
HEPH_API HEPH_MUST int heph_raw_chmod(heph_ctx ctx, heph_path which,
				      unsigned mode);

/* Waits. Sets owner and group; -1 leaves one as it is. Returns 0. */
#define heph_chown(ctx, which, uid, gid)                                       \
	heph_raw_chown((ctx), HEPH_WHICH__(which), (uid), (gid))
HEPH_API HEPH_MUST int heph_raw_chown(heph_ctx ctx, heph_path which,
				      uint32_t uid, uint32_t gid);

/* Instead of a time. */
#define HEPH_UTIME_NOW INT64_MIN
#define HEPH_UTIME_KEEP (INT64_MIN + 1)

/* Waits. Sets the times of the last access and the last change of the contents,
 * in nanoseconds since 1970. Returns 0. */
#define heph_utimes(ctx, which, accessed, modified)                            \
	heph_raw_utimes((ctx), HEPH_WHICH__(which), (accessed), (modified))
HEPH_API HEPH_MUST int heph_raw_utimes(heph_ctx ctx, heph_path which,
				       int64_t accessed, int64_t modified);

/* ---- names -------------------------------------------------------------------- */

/* Waits. Gives a file another name; `flags` are those of renameat2(2). What had
 * that name is gone, unless they say otherwise. Returns 0. */
#define heph_rename(ctx, from, to, flags)                                      \
	heph_raw_rename((ctx), HEPH_PATH__(from), HEPH_PATH__(to), (flags))
HEPH_API HEPH_MUST int heph_raw_rename(heph_ctx ctx, heph_path from,
				       heph_path to, unsigned flags);

/* Waits. Gives a file a further name, link(2). The file may be a descriptor.
 * A symbolic link is followed, unless heph_nofollow(). Returns 0. */
#define heph_hard_link(ctx, which, to)                                         \
	heph_raw_hard_link((ctx), HEPH_WHICH__(which), HEPH_PATH__(to))
HEPH_API HEPH_MUST int heph_raw_hard_link(heph_ctx ctx, heph_path which,
					  heph_path to);

/* Waits. Makes a symbolic link that leads to `text`. Returns 0. */
#define heph_symlink(ctx, text, path)                                          \
	heph_raw_symlink((ctx), (text), HEPH_PATH__(path))
HEPH_API HEPH_MUST int heph_raw_symlink(heph_ctx ctx, const char *text,
					heph_path path);

/* Waits. Where a symbolic link leads to, with a nul behind it. Returns the
 * length of the text; -ENAMETOOLONG (it does not fit). */
#define heph_read_link(ctx, path, buf, size)                                   \
	heph_raw_read_link((ctx), HEPH_PATH__(path), (buf), (size))
HEPH_API HEPH_MUST int heph_raw_read_link(heph_ctx ctx, heph_path path,
					  char *buf, size_t size);

/* Waits. Removes a name, unlink(2), and with its last name a file that nobody
 * has open. Not a directory: -EISDIR. Returns 0. */
#define heph_remove(ctx, path) heph_raw_remove((ctx), HEPH_PATH__(path))
HEPH_API HEPH_MUST int heph_raw_remove(heph_ctx ctx, heph_path path);

/* ---- directories ---------------------------------------------------------------- */

/* Waits. Makes a directory. Returns 0. */
#define heph_mkdir(ctx, path, mode)                                            \
	heph_raw_mkdir((ctx), HEPH_PATH__(path), (mode))
HEPH_API HEPH_MUST int heph_raw_mkdir(heph_ctx ctx, heph_path path,
				      unsigned mode);

/* Waits. The same, with those above it that are missing; it may be there
 * already. Returns 0; -ENOTDIR. What was made before an error stays. */
#define heph_mkdir_all(ctx, path, mode)                                        \
	heph_raw_mkdir_all((ctx), HEPH_PATH__(path), (mode))
HEPH_API HEPH_MUST int heph_raw_mkdir_all(heph_ctx ctx, heph_path path,
					  unsigned mode);

/* Waits. Removes a directory. Returns 0; -ENOTEMPTY. */
#define heph_rmdir(ctx, path) heph_raw_rmdir((ctx), HEPH_PATH__(path))
HEPH_API HEPH_MUST int heph_raw_rmdir(heph_ctx ctx, heph_path path);

/*
 * Waits. Removes a file, or a directory with all that is in it. Follows no
 * symbolic link below the last name of `path`, even if somebody puts one there
 * meanwhile. Returns 0, also if there is no such name; -EINVAL (no name, or "."
 * or ".."), -EXDEV (somebody moves things in it). After an error something is
 * left.
 */
#define heph_remove_all(ctx, path) heph_raw_remove_all((ctx), HEPH_PATH__(path))
HEPH_API HEPH_MUST int heph_raw_remove_all(heph_ctx ctx, heph_path path);

/*
 * Waits. Reads the next entries of an open directory into `buf`, which
 * heph_dir_next() takes apart: some hundred bytes at least, 32 KiB is good.
 * Returns how many bytes; 0: there are no more; -EINVAL (too small for the next
 * one), -ENOTDIR.
 */
HEPH_API HEPH_MUST int heph_dir_read(heph_ctx ctx, heph_fd dir, void *buf,
				     size_t size);

/* Waits. Begins again with the first entry. Returns 0. */
HEPH_API HEPH_MUST int heph_dir_rewind(heph_ctx ctx, heph_fd dir);

/* One name in a directory. */
struct heph_dir_entry {
	const char *name; /* in the buffer */
	uint64_t inode;
	unsigned char type; /* DT_... of <dirent.h>; DT_UNKNOWN: ask heph_stat() */
};

/* The next of the `n` bytes that heph_dir_read() returned; `at` is 0 before the
 * first. "." and ".." are left out. False: there are no more in them. Does not
 * wait. Any thread. */
HEPH_API bool heph_dir_next(const void *buf, size_t n, size_t *at,
			    struct heph_dir_entry *ret_entry);

/* ---- files ---------------------------------------------------------------------- */

/* Waits. Until all that was written is on the disk, fsync(2). Returns 0; -EIO:
 * some of it may be lost. */
HEPH_API HEPH_MUST int heph_file_sync(heph_ctx ctx, heph_fd fd);

/* Waits. The same, without what is not needed to read it again: fdatasync(2). */
HEPH_API HEPH_MUST int heph_file_sync_data(heph_ctx ctx, heph_fd fd);

/* Waits. Makes a file that long: cut off, or with zeros. Returns 0. */
HEPH_API HEPH_MUST int heph_file_truncate(heph_ctx ctx, heph_fd fd,
					  uint64_t size);

/* Waits. fallocate(2): `mode` 0 reserves room, FALLOC_FL_... does other things.
 * Returns 0; -ENOSPC, -EOPNOTSUPP. */
HEPH_API HEPH_MUST int heph_file_allocate(heph_ctx ctx, heph_fd fd, int mode,
					  uint64_t offset, uint64_t size);

/* Waits. Says how some of the file will be used: POSIX_FADV_...; a `size` of 0
 * is to the end. Returns 0. */
HEPH_API HEPH_MUST int heph_file_advise(heph_ctx ctx, heph_fd fd,
					uint64_t offset, uint64_t size,
					int advice);

/* Waits. Moves the position, lseek(2); also SEEK_DATA and SEEK_HOLE.
 * `ret_offset`, where it is now, may be NULL. Returns 0; -ENXIO, -ESPIPE. */
HEPH_API HEPH_MUST int heph_file_seek(heph_ctx ctx, heph_fd fd, int64_t offset,
				      int whence, uint64_t *ret_offset);

/* ---- copying --------------------------------------------------------------------- */

/*
 * Waits. Copies a file: its contents, and, if `to` is not there yet, its
 * permissions. Blocks are shared where the file system can do that, holes stay
 * holes. Returns 0; -EISDIR; -EINVAL (they are the same file). After an error
 * `to` may be there in part.
 */
#define heph_copy_file(ctx, from, to)                                          \
	heph_raw_copy_file((ctx), HEPH_PATH__(from), HEPH_PATH__(to))
HEPH_API HEPH_MUST int heph_raw_copy_file(heph_ctx ctx, heph_path from,
					  heph_path to);

/* Waits. Copies what follows the position of `in`, to its end, to `out`: files,
 * pipes, sockets; within the kernel if it can. `ret_copied`, which may be NULL,
 * is how many bytes, also when an error is returned. Returns 0. */
HEPH_API HEPH_MUST int heph_file_copy(heph_ctx ctx, heph_fd in, heph_fd out,
				      uint64_t *ret_copied);

/* Waits. copy_file_range(2): at most `size` bytes, and 16 MiB; an offset of -1
 * is the position, which moves on. Returns how many; 0 at the end; -EXDEV and
 * others if the kernel cannot do it with these files. */
HEPH_API HEPH_MUST int heph_file_copy_range(heph_ctx ctx, heph_fd in,
					    int64_t in_offset, heph_fd out,
					    int64_t out_offset, size_t size);

/*
 * Waits. splice(2): moves at most `size` bytes, of which one side is a pipe; an
 * offset of -1 is the position, and the only one that pipes and sockets have.
 * `flags`: SPLICE_F_MOVE, SPLICE_F_MORE; SPLICE_F_NONBLOCK: -EAGAIN instead of
 * waiting for a pipe. Returns how many; 0 at the end; -EINVAL (none is a pipe),
 * -EPIPE.
 */
HEPH_API HEPH_MUST int heph_splice(heph_ctx ctx, heph_fd in, int64_t in_offset,
				   heph_fd out, int64_t out_offset, size_t size,
				   unsigned flags);

/* ---- locks ---------------------------------------------------------------------- */

enum heph_lock { HEPH_LOCK_SHARED, HEPH_LOCK_EXCLUSIVE };

/*
 * Waits. Locks some bytes of a file, or with a `size` of 0 all from `offset` on,
 * against everybody who asks for such a lock and has opened the file
 * by himself: other actors and other processes. It is an open file description
 * lock (F_OFD_SETLK in fcntl(2)), which goes when the descriptor is closed. What
 * it locks already is converted. The kernel tells nobody when a lock is free:
 * it is asked for again after a millisecond, and after at most fifty later
 * on, in no order among those who wait. Returns 0; -EBADF also if the file is
 * not open for reading (shared), or writing (exclusive).
 */
HEPH_API HEPH_MUST int heph_file_lock(heph_ctx ctx, heph_fd fd,
				      enum heph_lock lock, uint64_t offset,
				      uint64_t size);

/* Waits, but not for the lock. Returns 0; -EAGAIN: somebody has it. */
HEPH_API HEPH_MUST int heph_file_try_lock(heph_ctx ctx, heph_fd fd,
					  enum heph_lock lock, uint64_t offset,
					  uint64_t size);

/* Waits, for the file system only. Gives it back. Returns 0. */
HEPH_API HEPH_MUST int heph_file_unlock(heph_ctx ctx, heph_fd fd,
					uint64_t offset, uint64_t size);

/* ---- extended attributes ----------------------------------------------------------- */

/* Waits. The value of an attribute, xattr(7). Returns its size, also if `size` is
 * 0; -ENODATA (there is none), -ERANGE (it does not fit), -EOPNOTSUPP. */
#define heph_xattr_get(ctx, which, name, buf, size)                            \
	heph_raw_xattr_get((ctx), HEPH_WHICH__(which), (name), (buf), (size))
HEPH_API HEPH_MUST int heph_raw_xattr_get(heph_ctx ctx, heph_path which,
					  const char *name, void *buf,
					  size_t size);

/* Waits. Sets one; `flags`: XATTR_CREATE, XATTR_REPLACE or 0. Returns 0;
 * -EEXIST, -ENODATA. */
#define heph_xattr_set(ctx, which, name, value, size, flags)                   \
	heph_raw_xattr_set((ctx), HEPH_WHICH__(which), (name), (value),        \
			   (size), (flags))
HEPH_API HEPH_MUST int heph_raw_xattr_set(heph_ctx ctx, heph_path which,
					  const char *name, const void *value,
					  size_t size, int flags);

/* Waits. The names of all, each with a nul behind it. Returns the size of that,
 * also if `size` is 0; -ERANGE. */
#define heph_xattr_list(ctx, which, buf, size)                                 \
	heph_raw_xattr_list((ctx), HEPH_WHICH__(which), (buf), (size))
HEPH_API HEPH_MUST int heph_raw_xattr_list(heph_ctx ctx, heph_path which,
					   char *buf, size_t size);

/* Waits. Removes one. Returns 0; -ENODATA. */
#define heph_xattr_remove(ctx, which, name)                                    \
	heph_raw_xattr_remove((ctx), HEPH_WHICH__(which), (name))
HEPH_API HEPH_MUST int heph_raw_xattr_remove(heph_ctx ctx, heph_path which,
					     const char *name);

/* ---- memory ------------------------------------------------------------------------- */

/* Waits. madvise(2): says how whole pages of memory will be used. Not the
 * caller's stack: -EINVAL. Returns 0. */
HEPH_API HEPH_MUST int heph_memory_advise(heph_ctx ctx, void *ptr, size_t size,
					  int advice);

#ifdef __cplusplus
}
#endif
#endif
