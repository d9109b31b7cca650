/* SPDX-License-Identifier: MIT */
/*
 * sim_disk.h - a file system in memory, and what of it survives
 *
 * Names are changed in a journal, in order: a sync of anything makes all of it
 * last, a crash undoes what came after a point that is drawn. The contents of a
 * file last when that file is synced; of later ones a crash takes some sectors
 * and leaves others.
 */
#ifndef HEPH_IO_SIM_DISK_H
#define HEPH_IO_SIM_DISK_H

#include <sys/stat.h>

#include "io/sim.h"

struct heph_op;

/* A file, directory or symbolic link. */
struct heph_sim_node {
	struct heph_list all; /* in disk->nodes */
	uint64_t number;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned links; /* names */
	unsigned uses;  /* open files, entries of the journal */
	struct timespec born, changed, modified, accessed;

	/* a file; a link: where it leads to */
	unsigned char *data;
	size_t size, max;
	unsigned char *kept; /* of a file that has changed since its sync */
	size_t kept_size;
	bool dirty;

	/* a directory */
	struct heph_list entries;
	struct heph_sim_node *parent;

	struct heph_list attributes;
};

struct heph_sim_entry {
	struct heph_list node; /* in heph_sim_node.entries */
	struct heph_sim_node *to;
	uint64_t place; /* of reading the directory: it does not change */
	char name[];
};

struct heph_sim_disk {
	struct heph_sim *sim;
	struct heph_sim_node *root;
	struct heph_list nodes;
	struct heph_list journal;
	uint64_t last_number, last_place, last_group;
	uint64_t used; /* bytes of files */
	uint32_t crashes;
};

/* The disk of a world, made if there was none. */
struct heph_sim_disk *heph_sim_disk(struct heph_sim *sim);
void heph_sim_disk_free(struct heph_sim_disk *disk);

/* ---- nodes ---- */

struct heph_sim_node *heph_sim_node_new(struct heph_sim_disk *disk, mode_t mode);
void heph_sim_node_use(struct heph_sim_node *node);
void heph_sim_node_unuse(struct heph_sim_disk *disk, struct heph_sim_node *node);

/* What changes it does so now. */
void heph_sim_node_touch(struct heph_sim_disk *disk, struct heph_sim_node *node);

/* Makes it longer or shorter. Returns 0; -ENOSPC. */
int heph_sim_node_resize(struct heph_sim_disk *disk, struct heph_sim_node *node,
			 size_t size);

/* It is about to be written to. */
void heph_sim_node_dirty(struct heph_sim_node *node);

/* What it has, and all names, last from now on. */
void heph_sim_node_sync(struct heph_sim_disk *disk, struct heph_sim_node *node);

/* ---- names ---- */

/* Where a path leads to. */
struct heph_sim_path {
	struct heph_sim_node *dir;  /* of the last part */
	char name[256];             /* that; "" is the directory itself */
	struct heph_sim_node *node; /* NULL: there is none */
};

/* Follows a path from `number`, a directory or AT_FDCWD; the last part, too, if
 * it is a symbolic link and `follow`. Returns 0, also if only the last part is
 * missing; -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EBADF. */
int heph_sim_path_find(struct heph_sim *sim, int number, const char *text,
		       bool follow, struct heph_sim_path *ret_path);

/* The name stands for that node from now on; NULL: for none. Changes of one
 * group go together. */
void heph_sim_entry_set(struct heph_sim_disk *disk, struct heph_sim_node *dir,
			const char *name, struct heph_sim_node *node,
			uint64_t group);

/* ---- open files ---- */

/* The node of a descriptor; NULL: it is none of the disk. */
struct heph_sim_node *heph_sim_node_at(struct heph_sim *sim, int number);

/* Opens a node. Returns a number; -EMFILE. */
int heph_sim_node_open(struct heph_sim *sim, struct heph_sim_node *node,
		       int flags);

/* ---- kinds of operations: sim_names.c, sim_regular.c ---- */

int heph_sim_do_open(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_statx(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_chmod(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_chown(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_utimes(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_rename(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_link(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_symlink(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_read_link(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_remove(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_mkdir(struct heph_sim *sim, struct heph_op *op);

int heph_sim_do_sync(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_truncate(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_allocate(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_advise(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_seek(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_read_dir(struct heph_sim *sim, struct heph_op *op);

#endif
