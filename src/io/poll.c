/* SPDX-License-Identifier: MIT */
#include "io/poll.h"

#include <poll.h>

#include "io/net.h"
#include "io/driver.h"

static bool ready(struct heph_self *self, struct heph_file *file, bool writing)
{
	struct heph_op op = { .kind = HEPH_OP_POLL,
			      .number = file->number,
			      .events = writing ? POLLOUT : POLLIN };

	return heph_op_now(self, &op) > 0;
}

int heph_poll_now(struct heph_self *self, struct heph_fd fd, bool writing)
{
	struct heph_file *file = heph_file_find(heph_self_ctx(self), fd);

	if (!file)
		return -EBADF;
	if (file->backlog.accept) /* it takes what there is */
		return file->backlog.n > 0;
	return file->backlog.n || ready(self, file, writing);
}

int heph_poll_begin(struct heph_self *self, struct heph_fd fd, bool writing,
		    void **ret_poll)
{
	struct heph_file *file = heph_file_find(heph_self_ctx(self), fd);
	struct heph_op *op;
	int err;

	if (!file)
		return -EBADF;
	if (!self->kind)
		return -EOPNOTSUPP;
	op = heph_op_make(self, HEPH_OP_POLL, file);
	if (!op)
		return -ENOMEM;
	op->events = writing ? POLLOUT : POLLIN;
	heph_op_start(op);
	if (op->done && op->result < 0) {
		err = op->result;
		heph_op_free(op);
		return err;
	}
	*ret_poll = op;
	return 0;
}

bool heph_poll_ready(void *poll)
{
	struct heph_op *op = poll;

	return op->done || op->file->backlog.n;
}

void heph_poll_end(void *poll)
{
	struct heph_op *op = poll;

	heph_op_cancel(op);
	heph_op_await(op);
	heph_op_free(op);
}
