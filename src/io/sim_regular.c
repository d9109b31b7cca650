/* SPDX-License-Identifier: MIT */
/* Files and directories that are open. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/op.h"
#include "io/sim_disk.h"
#include "io/sim_file.h"

struct regular {
	struct heph_sim_file file; /* first */
	struct heph_sim_node *node;
	uint64_t at;      /* the position */
	uint32_t crashes; /* of the disk, when it was opened */
};

static const struct heph_sim_class file_class, directory_class;

static struct regular *regular_at(struct heph_sim *sim, int number)
{
	struct heph_sim_file *file = heph_sim_file(sim, number);

	return file && (file->class == &file_class ||
			file->class == &directory_class) ?
		       (struct regular *)file :
		       NULL;
}

struct heph_sim_node *heph_sim_node_at(struct heph_sim *sim, int number)
{
	struct regular *regular = regular_at(sim, number);

	return regular ? regular->node : NULL;
}

int heph_sim_node_open(struct heph_sim *sim, struct heph_sim_node *node, int flags)
{
	struct regular *regular;

	if (!heph_sim_may_open(sim))
		return -EMFILE;
	regular = heph_sim_memory(sizeof(*regular));
	regular->node = node;
	regular->crashes = heph_sim_disk(sim)->crashes;
	heph_sim_node_use(node);
	return heph_sim_open(sim, &regular->file,
			     S_ISDIR(node->mode) ? &directory_class :
						   &file_class,
			     flags);
}

static void regular_close(struct heph_sim *sim, struct heph_sim_file *file)
{
	struct regular *regular = (struct regular *)file;

	heph_sim_node_unuse(heph_sim_disk(sim), regular->node);
	heph_mem_free(regular);
}

/* 0; -EIO. */
static int works(struct heph_sim *sim, const struct regular *regular)
{
	return regular->crashes != heph_sim_disk(sim)->crashes ||
			       heph_sim_fault(sim, HEPH_SIM_KIND(disk)) ?
		       -EIO :
		       0;
}

/* ---- reading and writing ------------------------------------------------------------ */

static int regular_read(struct heph_sim *sim, struct heph_sim_file *file, void *buf,
			size_t size, int flags, uint64_t offset)
{
	struct regular *regular = (struct regular *)file;
	const struct heph_sim_node *node = regular->node;
	uint64_t at = offset == HEPH_OFFSET_NONE ? regular->at : offset;
	int err = works(sim, regular);

	(void)flags;
	if ((file->flags & O_ACCMODE) == O_WRONLY || (file->flags & O_PATH))
		return -EBADF;
	if (err < 0 || at >= node->size)
		return err;
	if (size > node->size - at)
		size = node->size - at;
	size = heph_sim_shorten(sim, size);
	memcpy(buf, node->data + at, size);
	if (offset == HEPH_OFFSET_NONE)
		regular->at += size;
	return (int)size;
}

/* As much as there is room for. */
static int write_at(struct heph_sim *sim, struct heph_sim_node *node, uint64_t at,
		    const void *buf, size_t size)
{
	struct heph_sim_disk *disk = heph_sim_disk(sim);
	uint64_t room = sim->options.disk - disk->used;
	uint64_t grows = at + size > node->size ? at + size - node->size : 0;
	int err;

	if (grows > room && grows - room >= size)
		return -ENOSPC;
	if (grows > room)
		size -= grows - room;
	size = heph_sim_shorten(sim, size);
	heph_sim_node_dirty(node);
	if (at + size > node->size) {
		err = heph_sim_node_resize(disk, node, at + size);
		if (err < 0)
			return err;
	}
	memcpy(node->data + at, buf, size);
	heph_sim_node_touch(disk, node);
	node->modified = node->changed;
	return (int)size;
}

static int regular_write(struct heph_sim *sim, struct heph_sim_file *file,
			 const void *buf, size_t size, int flags, uint64_t offset)
{
	struct regular *regular = (struct regular *)file;
	uint64_t at = offset == HEPH_OFFSET_NONE ? regular->at : offset;
	int n = works(sim, regular);

	(void)flags;
	if ((file->flags & O_ACCMODE) == O_RDONLY || (file->flags & O_PATH))
		return -EBADF;
	if (at > INT64_MAX - size)
		return -EFBIG;
	if (file->flags & O_APPEND)
		at = regular->node->size;
	if (n == 0 && size)
		n = write_at(sim, regular->node, at, buf, size);
	if (n > 0 && offset == HEPH_OFFSET_NONE)
		regular->at = at + (uint64_t)n;
	return n;
}

static unsigned regular_ready(struct heph_sim_file *file)
{
	(void)file;
	return POLLIN | POLLOUT;
}

static int directory_read(struct heph_sim *sim, struct heph_sim_file *file,
			  void *buf, size_t size, int flags, uint64_t offset)
{
	(void)sim, (void)file, (void)buf, (void)size, (void)flags, (void)offset;
	return -EISDIR;
}

static const struct heph_sim_class file_class = {
	.mode = S_IFREG,
	.read = regular_read,
	.write = regular_write,
	.ready = regular_ready,
	.close = regular_close,
};

static const struct heph_sim_class directory_class = {
	.mode = S_IFDIR,
	.read = directory_read,
	.ready = regular_ready,
	.close = regular_close,
};

/* ---- kinds ----------------------------------------------------------------------------- */

/* The open file that it is about; 0, or an error. */
static int open_file(struct heph_sim *sim, const struct heph_op *op,
		     struct regular **ret_regular)
{
	*ret_regular = regular_at(sim, op->number);
	if (!*ret_regular)
		return heph_sim_file(sim, op->number) ? -EINVAL : -EBADF;
	return works(sim, *ret_regular);
}

int heph_sim_do_sync(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;
	int err = open_file(sim, op, &regular);

	if (err == 0)
		heph_sim_node_sync(heph_sim_disk(sim), regular->node);
	return err;
}

int heph_sim_do_truncate(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;
	int err = open_file(sim, op, &regular);

	if (err < 0)
		return err;
	if (!S_ISREG(regular->node->mode) ||
	    (regular->file.flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	return heph_sim_node_resize(heph_sim_disk(sim), regular->node,
				    op->offset);
}

int heph_sim_do_allocate(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;
	int err = open_file(sim, op, &regular);
	uint64_t end = op->offset + op->offset2;

	if (err < 0)
		return err;
	if (op->flags)
		return -EOPNOTSUPP;
	if (end <= regular->node->size)
		return 0;
	return heph_sim_node_resize(heph_sim_disk(sim), regular->node, end);
}

int heph_sim_do_advise(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;

	return open_file(sim, op, &regular);
}

static int64_t seek_from(const struct regular *regular, unsigned whence)
{
	switch (whence) {
	case SEEK_SET:
		return 0;
	case SEEK_CUR:
		return (int64_t)regular->at;
	case SEEK_END:
		return (int64_t)regular->node->size;
	default:
		return -EINVAL;
	}
}

int heph_sim_do_seek(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;
	int err = open_file(sim, op, &regular);
	int64_t from, at;

	if (err < 0)
		return err == -EINVAL ? -ESPIPE : err;
	from = seek_from(regular, op->flags);
	if (from < 0 || __builtin_add_overflow(from, (int64_t)op->offset, &at) ||
	    at < 0)
		return -EINVAL;
	op->offset = regular->at = (uint64_t)at;
	return 0;
}

/* ---- reading directories -------------------------------------------------------------------- */

/* As getdents64(2) has it. */
struct record {
	uint64_t number;
	int64_t next;
	uint16_t length;
	unsigned char type;
	char name[256];
};

enum { NAME_AT = 19 };

/* Appends one; 0: there is no room. */
static size_t put_record(unsigned char *buf, size_t room,
			 const struct heph_sim_entry *entry)
{
	struct record record = { .number = entry->to->number,
				 .next = (int64_t)entry->place };
	size_t length = (NAME_AT + strlen(entry->name) + 1 + 7) & ~(size_t)7;

	if (length > room)
		return 0;
	record.length = (uint16_t)length;
	record.type = (unsigned char)IFTODT(entry->to->mode);
	snprintf(record.name, sizeof(record.name), "%s", entry->name);
	memcpy(buf, &record, NAME_AT);
	memcpy(buf + NAME_AT, entry->name, strlen(entry->name) + 1);
	return length;
}

/* The position is the place of the last entry that was read. */
int heph_sim_do_read_dir(struct heph_sim *sim, struct heph_op *op)
{
	struct regular *regular;
	const struct heph_sim_entry *entry;
	struct heph_list *node;
	size_t n = 0, length;
	int err = open_file(sim, op, &regular);

	if (err < 0)
		return err;
	if (!S_ISDIR(regular->node->mode))
		return -ENOTDIR;
	heph_list_each(node, &regular->node->entries) {
		entry = heph_container_of(node, struct heph_sim_entry, node);
		if (entry->place <= regular->at)
			continue;
		length = put_record((unsigned char *)op->buf + n, op->size - n,
				    entry);
		if (!length)
			return n ? (int)n : -EINVAL;
		n += length;
		regular->at = entry->place;
	}
	return (int)n;
}
