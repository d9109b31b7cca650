/* SPDX-License-Identifier: MIT */
/* Reading directories. */
#include <string.h>
#include <unistd.h>

#include "core/stackrule.h"
#include "io/fs.h"

enum { BATCH_MAX = 1 << 16 };

/* The caller's memory, or, if that is a stack which may move, our own. */
static bool give_buffer(heph_ctx ctx, struct heph_op *op, void *buf,
			size_t size)
{
	bool moves = heph_stack_moves(ctx.self, buf, size);

	op->size = size < BATCH_MAX ? (uint32_t)size : BATCH_MAX;
	op->buf = moves ? heph_op_room(op, op->size) : buf;
	return op->buf;
}

int heph_dir_read(heph_ctx ctx, heph_fd dir, void *buf, size_t size)
{
	struct heph_op *op;
	int n = heph_fs_op_of(ctx, HEPH_OP_READ_DIR, dir, &op);

	if (n < 0)
		return n;
	n = give_buffer(ctx, op, buf, size) ? heph_op_run(ctx, op) : -ENOMEM;
	if (n > 0 && op->room)
		memcpy(buf, op->room, (size_t)n);
	heph_op_free(op);
	return n;
}

int heph_dir_rewind(heph_ctx ctx, heph_fd dir)
{
	return heph_file_seek(ctx, dir, 0, SEEK_SET, NULL);
}

/* As getdents64(2) has them: inode, position of the next, length, type, name. */
enum { LENGTH_AT = 16, TYPE_AT = 18, NAME_AT = 19 };

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

bool heph_dir_next(const void *buf, size_t n, size_t *at,
		   struct heph_dir_entry *ret_entry)
{
	const char *entry;
	uint16_t length;

	while (*at + NAME_AT < n) {
		entry = (const char *)buf + *at;
		memcpy(&length, entry + LENGTH_AT, sizeof(length));
		*at += length;
		if (is_dots(entry + NAME_AT))
			continue;
		memcpy(&ret_entry->inode, entry, sizeof(ret_entry->inode));
		ret_entry->type = (unsigned char)entry[TYPE_AT];
		ret_entry->name = entry + NAME_AT;
		return true;
	}
	return false;
}
