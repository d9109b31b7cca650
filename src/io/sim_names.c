/* SPDX-License-Identifier: MIT */
/* Kinds of operations about names in the file system; see op_fs.c. */
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>

#include "io/op.h"
#include "io/sim_disk.h"
#include "io/sim_file.h"

static int fails(struct heph_sim *sim)
{
	return heph_sim_fault(sim, HEPH_SIM_KIND(disk)) ? -EIO : 0;
}

/* What an operation is about: a path, or an open file. */
static int find(struct heph_sim *sim, const struct heph_op *op, bool follow,
		struct heph_sim_path *ret_path)
{
	int err = fails(sim);

	if (err < 0)
		return err;
	if (op->buf)
		return heph_sim_path_find(sim, op->number, op->buf, follow,
					  ret_path);
	*ret_path = (struct heph_sim_path){ .node = heph_sim_node_at(
						    sim, op->number) };
	return ret_path->node ? 0 : -EBADF;
}

/* The same; it must be there. */
static int find_node(struct heph_sim *sim, const struct heph_op *op, bool follow,
		     struct heph_sim_node **ret_node)
{
	struct heph_sim_path path;
	int err = find(sim, op, follow, &path);

	if (err == 0 && !path.node)
		err = -ENOENT;
	*ret_node = err < 0 ? NULL : path.node;
	return err;
}

/* Where a new name shall be. */
static int find_free(struct heph_sim *sim, int number, const char *text,
		     struct heph_sim_path *ret_path)
{
	int err = fails(sim);

	if (err == 0)
		err = heph_sim_path_find(sim, number, text, false, ret_path);
	return err == 0 && ret_path->node ? -EEXIST : err;
}

static uint64_t new_group(struct heph_sim *sim)
{
	return ++heph_sim_disk(sim)->last_group;
}

static void set(struct heph_sim *sim, const struct heph_sim_path *path,
		struct heph_sim_node *node)
{
	heph_sim_entry_set(heph_sim_disk(sim), path->dir, path->name, node,
			   new_group(sim));
}

/* ---- opening --------------------------------------------------------------------- */

static int create(struct heph_sim *sim, const struct heph_op *op,
		  struct heph_sim_path *path)
{
	if (!(op->flags & O_CREAT))
		return -ENOENT;
	path->node = heph_sim_node_new(heph_sim_disk(sim),
				       S_IFREG | (op->events & 07777));
	set(sim, path, path->node);
	return 0;
}

static int check_open(const struct heph_op *op, const struct heph_sim_node *node)
{
	bool writes = (op->flags & O_ACCMODE) != O_RDONLY;

	if ((op->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (S_ISLNK(node->mode) && !(op->flags & O_PATH))
		return -ELOOP;
	if ((op->flags & O_DIRECTORY) && !S_ISDIR(node->mode))
		return -ENOTDIR;
	return S_ISDIR(node->mode) && writes ? -EISDIR : 0;
}

/* One without a name. */
static int open_unnamed(struct heph_sim *sim, const struct heph_op *op,
			const struct heph_sim_node *dir)
{
	struct heph_sim_node *node;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (!heph_sim_may_open(sim))
		return -EMFILE;
	node = heph_sim_node_new(heph_sim_disk(sim),
				 S_IFREG | (op->events & 07777));
	return heph_sim_node_open(sim, node, (int)op->flags);
}

/* Whether a path has led out of the directory that it begins in. */
static bool has_left(struct heph_sim *sim, const struct heph_op *op,
		     const struct heph_sim_path *path)
{
	const char *text = op->buf;
	struct heph_sim_node *from = heph_sim_node_at(sim, op->number);
	struct heph_sim_node *at = path->dir ? path->dir : path->node;

	while (at && at != from)
		at = at->parent == at ? NULL : at->parent;
	return !at || text[0] == '/';
}

int heph_sim_do_open(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_path path;
	bool excl = (op->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	int err = find(sim, op, !(op->flags & O_NOFOLLOW) && !excl, &path);

	if (err == 0 && op->offset2 && has_left(sim, op, &path))
		err = -EXDEV;
	if (err < 0)
		return err;
	if (!heph_sim_may_open(sim))
		return -EMFILE;
	if ((op->flags & O_TMPFILE) == O_TMPFILE)
		return path.node ? open_unnamed(sim, op, path.node) : -ENOENT;
	err = path.node ? check_open(op, path.node) : create(sim, op, &path);
	if (err == 0 && (op->flags & O_TRUNC) && S_ISREG(path.node->mode) &&
	    path.node->size)
		err = heph_sim_node_resize(heph_sim_disk(sim), path.node, 0);
	return err < 0 ? err :
			 heph_sim_node_open(sim, path.node, (int)op->flags);
}

/* ---- what the file system knows ----------------------------------------------------- */

static struct statx_timestamp stamp(struct timespec time)
{
	return (struct statx_timestamp){ .tv_sec = time.tv_sec,
					 .tv_nsec = (uint32_t)time.tv_nsec };
}

int heph_sim_do_statx(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	struct statx info = { .stx_mask = STATX_BASIC_STATS | STATX_BTIME };
	int err = find_node(sim, op, !(op->flags & AT_SYMLINK_NOFOLLOW), &node);

	if (err < 0)
		return err;
	info.stx_blksize = 4096;
	info.stx_nlink = node->links + (S_ISDIR(node->mode) ? 1 : 0);
	info.stx_uid = node->uid;
	info.stx_gid = node->gid;
	info.stx_mode = (uint16_t)node->mode;
	info.stx_ino = node->number;
	info.stx_size = node->size;
	info.stx_blocks = (node->size + 511) / 512;
	info.stx_atime = stamp(node->accessed);
	info.stx_btime = stamp(node->born);
	info.stx_ctime = stamp(node->changed);
	info.stx_mtime = stamp(node->modified);
	memcpy(op->room, &info, sizeof(info));
	return 0;
}

int heph_sim_do_chmod(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	int err = find_node(sim, op, !(op->flags & AT_SYMLINK_NOFOLLOW), &node);

	if (err < 0)
		return err;
	node->mode = (node->mode & S_IFMT) | (op->events & 07777);
	heph_sim_node_touch(heph_sim_disk(sim), node);
	return 0;
}

int heph_sim_do_chown(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	int err = find_node(sim, op, !(op->flags & AT_SYMLINK_NOFOLLOW), &node);

	if (err < 0)
		return err;
	if ((uid_t)op->offset != (uid_t)-1)
		node->uid = (uid_t)op->offset;
	if ((gid_t)op->offset2 != (gid_t)-1)
		node->gid = (gid_t)op->offset2;
	heph_sim_node_touch(heph_sim_disk(sim), node);
	return 0;
}

static void set_time(struct timespec *time, const struct timespec *to,
		     struct timespec now)
{
	if (to->tv_nsec == UTIME_NOW)
		*time = now;
	else if (to->tv_nsec != UTIME_OMIT)
		*time = *to;
}

int heph_sim_do_utimes(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	struct timespec times[2];
	int err = find_node(sim, op, !(op->flags & AT_SYMLINK_NOFOLLOW), &node);

	if (err < 0)
		return err;
	memcpy(times, op->room, sizeof(times));
	heph_sim_node_touch(heph_sim_disk(sim), node);
	set_time(&node->accessed, &times[0], node->changed);
	set_time(&node->modified, &times[1], node->changed);
	return 0;
}

/* ---- names ------------------------------------------------------------------------------ */

static bool within(const struct heph_sim_node *dir, const struct heph_sim_node *of)
{
	for (; dir != dir->parent; dir = dir->parent)
		if (dir == of)
			return true;
	return dir == of;
}

/* Whether `to` may take the place of what is there. */
static int check_rename(const struct heph_op *op, const struct heph_sim_path *from,
			const struct heph_sim_path *to)
{
	if (!from->node)
		return -ENOENT;
	if (to->node && (op->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!to->node && (op->flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (S_ISDIR(from->node->mode) && within(to->dir, from->node))
		return -EINVAL;
	if (!to->node || (op->flags & RENAME_EXCHANGE))
		return 0;
	if (S_ISDIR(from->node->mode) && !S_ISDIR(to->node->mode))
		return -ENOTDIR;
	if (!S_ISDIR(from->node->mode) && S_ISDIR(to->node->mode))
		return -EISDIR;
	return S_ISDIR(to->node->mode) && !heph_list_empty(&to->node->entries) ?
		       -ENOTEMPTY :
		       0;
}

int heph_sim_do_rename(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_disk *disk = heph_sim_disk(sim);
	struct heph_sim_path from, to;
	uint64_t group = new_group(sim);
	int err = find(sim, op, false, &from);

	if (err == 0)
		err = heph_sim_path_find(sim, op->number2, op->buf2, false, &to);
	if (err == 0)
		err = check_rename(op, &from, &to);
	if (err < 0 || from.node == to.node)
		return err;
	heph_sim_node_use(from.node);
	heph_sim_entry_set(disk, from.dir, from.name,
			   op->flags & RENAME_EXCHANGE ? to.node : NULL, group);
	heph_sim_entry_set(disk, to.dir, to.name, from.node, group);
	heph_sim_node_unuse(disk, from.node);
	return 0;
}

int heph_sim_do_link(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	struct heph_sim_path to;
	int err = find_node(sim, op, op->flags & AT_SYMLINK_FOLLOW, &node);

	if (err == 0)
		err = find_free(sim, op->number2, op->buf2, &to);
	if (err == 0 && S_ISDIR(node->mode))
		err = -EPERM;
	if (err == 0)
		set(sim, &to, node);
	return err;
}

int heph_sim_do_symlink(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_path path;
	struct heph_sim_node *node;
	int err = find_free(sim, op->number, op->buf, &path);

	if (err < 0)
		return err;
	node = heph_sim_node_new(heph_sim_disk(sim), S_IFLNK | 0777);
	node->size = strlen(op->buf2);
	node->data = heph_sim_memory(node->size + 1);
	memcpy(node->data, op->buf2, node->size);
	set(sim, &path, node);
	return 0;
}

int heph_sim_do_read_link(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_node *node;
	int err = find_node(sim, op, false, &node);
	size_t size;

	if (err < 0)
		return err;
	if (!S_ISLNK(node->mode))
		return -EINVAL;
	size = node->size < op->size ? node->size : op->size;
	memcpy(op->room, node->data, size);
	return (int)size;
}

int heph_sim_do_remove(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_path path;
	int err = find(sim, op, false, &path);
	bool directory = op->flags & AT_REMOVEDIR;

	if (err < 0)
		return err;
	if (!path.node)
		return -ENOENT;
	if (directory && !S_ISDIR(path.node->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(path.node->mode))
		return -EISDIR;
	if (directory && !heph_list_empty(&path.node->entries))
		return -ENOTEMPTY;
	set(sim, &path, NULL);
	return 0;
}

int heph_sim_do_mkdir(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_path path;
	int err = find_free(sim, op->number, op->buf, &path);

	if (err < 0)
		return err;
	set(sim, &path,
	    heph_sim_node_new(heph_sim_disk(sim),
			      S_IFDIR | (op->events & 07777)));
	return 0;
}
