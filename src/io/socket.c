/* SPDX-License-Identifier: MIT */
#include "io/socket.h"

#include <heph/socket.h>

#include <fcntl.h>

#include "io/net.h"
#include "io/op.h"

static int now(struct heph_self *self, struct heph_op op)
{
	return heph_op_now(self, &op);
}

int heph_socket_make(struct heph_self *self, int domain, int type, int protocol)
{
	return now(self,
		   (struct heph_op){ .kind = HEPH_OP_SOCKET,
				     .number = domain,
				     .flags = (uint32_t)type | SOCK_CLOEXEC,
				     .number2 = protocol });
}

int heph_socket_bind_to(struct heph_self *self, int number,
			const struct heph_address *address)
{
	return now(self, (struct heph_op){
				 .kind = HEPH_OP_BIND,
				 .number = number,
				 .buf = (void *)(uintptr_t)&address->storage,
				 .size = address->size });
}

int heph_socket_listen_now(struct heph_self *self, int number, int backlog)
{
	return now(self, (struct heph_op){ .kind = HEPH_OP_LISTEN,
					   .number = number,
					   .flags = (uint32_t)backlog });
}

int heph_socket_shut(struct heph *heph, int number, int how)
{
	struct heph_op op = { .kind = HEPH_OP_SHUTDOWN,
			      .number = number,
			      .flags = (uint32_t)how };

	return heph_op_now_by(heph, &op);
}

int heph_socket_name(struct heph_self *self, int number, bool peer,
		     struct heph_address *ret_address)
{
	struct heph_address address = { 0 };
	int size =
		now(self, (struct heph_op){ .kind = HEPH_OP_NAME,
					    .number = number,
					    .flags = peer,
					    .buf = &address.storage,
					    .size = sizeof(address.storage) });

	if (size < 0)
		return size;
	address.size = (socklen_t)size;
	*ret_address = address;
	return 0;
}

/* ---- options ------------------------------------------------------------------- */

int heph_socket_set_raw(struct heph_self *self, int number, int level, int name,
			const void *value, size_t size)
{
	return now(self, (struct heph_op){ .kind = HEPH_OP_SET_OPTION,
					   .number = number,
					   .flags = (uint32_t)level,
					   .number2 = name,
					   .buf = (void *)(uintptr_t)value,
					   .size = (uint32_t)size });
}

int heph_socket_get_raw(struct heph_self *self, int number, int level, int name,
			void *value, size_t size)
{
	return now(self, (struct heph_op){ .kind = HEPH_OP_GET_OPTION,
					   .number = number,
					   .flags = (uint32_t)level,
					   .number2 = name,
					   .buf = value,
					   .size = (uint32_t)size });
}

int heph_socket_set_int(struct heph_self *self, int number, int level, int name,
			int value)
{
	return heph_socket_set_raw(self, number, level, name, &value,
				   sizeof(value));
}

unsigned heph_socket_flags_of(int type)
{
	unsigned flags = HEPH_FILE_SOCKET;

	if (type & SOCK_NONBLOCK)
		flags |= HEPH_FILE_NONBLOCK;
	switch (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
	case SOCK_STREAM:
		return flags;
	case SOCK_SEQPACKET:
		return flags | HEPH_FILE_PACKETS;
	default:
		return flags | HEPH_FILE_PACKETS | HEPH_FILE_DATAGRAMS;
	}
}

unsigned heph_socket_inspect(struct heph_self *self, int number)
{
	int type = SOCK_STREAM;

	heph_socket_get_raw(self, number, SOL_SOCKET, SO_TYPE, &type,
			    sizeof(type));
	return heph_socket_flags_of(type);
}

int heph_socket_set_status(struct heph_self *self, int number, int status)
{
	return now(self, (struct heph_op){ .kind = HEPH_OP_STATUS,
					   .number = number,
					   .flags = true,
					   .size = (uint32_t)status });
}

/* ---- public -------------------------------------------------------------------- */

int heph_socket_number(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? file->number : -EBADF;
}

static bool has_io(heph_ctx ctx)
{
	return !ctx.self->thread->heph->driver->alone;
}

int heph_socket_open(heph_ctx ctx, int domain, int type, int protocol,
		     struct heph_fd *ret_fd)
{
	int number = has_io(ctx) ? heph_socket_make(ctx.self, domain, type,
						    protocol) :
				   -EOPNOTSUPP;

	return heph_file_admit(ctx.self, number, heph_socket_flags_of(type),
			       ret_fd);
}

int heph_socket_pair(heph_ctx ctx, int domain, int type, int protocol,
		     struct heph_fd ret_fds[2])
{
	int numbers[2], err = -EOPNOTSUPP;
	unsigned flags = heph_socket_flags_of(type);
	struct heph_fd fds[2];

	if (has_io(ctx))
		err = now(ctx.self,
			  (struct heph_op){ .kind = HEPH_OP_SOCKET_PAIR,
					    .number = domain,
					    .flags = (uint32_t)type |
						     SOCK_CLOEXEC,
					    .number2 = protocol,
					    .buf = numbers });
	if (err < 0)
		return err;
	err = heph_file_admit(ctx.self, numbers[0], flags, &fds[0]);
	if (err < 0) {
		heph_op_close_now(ctx.self->thread->heph, numbers[1]);
		return err;
	}
	err = heph_file_admit(ctx.self, numbers[1], flags, &fds[1]);
	if (err < 0) {
		heph_close(fds[0]);
		return err;
	}
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

int heph_socket_bind(heph_ctx ctx, struct heph_fd fd,
		     const struct heph_address *address)
{
	int number = heph_socket_number(ctx, fd);

	return number < 0 ? number :
			    heph_socket_bind_to(ctx.self, number, address);
}

/* Who makes the system calls itself must not wait in accept(2). */
int heph_socket_listen(heph_ctx ctx, struct heph_fd fd, int backlog)
{
	struct heph_file *file = heph_file_find(ctx, fd);
	int err;

	if (!file)
		return -EBADF;
	err = heph_socket_listen_now(ctx.self, file->number, backlog);
	if (err < 0)
		return err;
	file->flags |= HEPH_FILE_LISTENER;
	if (!heph_net_by_readiness(ctx))
		return 0;
	file->flags |= HEPH_FILE_NONBLOCK;
	return heph_socket_set_status(ctx.self, file->number, O_NONBLOCK);
}

int heph_socket_local(heph_ctx ctx, struct heph_fd fd,
		      struct heph_address *ret_address)
{
	int number = heph_socket_number(ctx, fd);

	return number < 0 ?
		       number :
		       heph_socket_name(ctx.self, number, false, ret_address);
}

int heph_socket_peer(heph_ctx ctx, struct heph_fd fd,
		     struct heph_address *ret_address)
{
	int number = heph_socket_number(ctx, fd);

	return number < 0 ?
		       number :
		       heph_socket_name(ctx.self, number, true, ret_address);
}

int heph_shutdown(heph_ctx ctx, struct heph_fd fd, int how)
{
	int number = heph_socket_number(ctx, fd);

	return number < 0 ?
		       number :
		       heph_socket_shut(ctx.self->thread->heph, number, how);
}

int heph_local_address(heph_ctx ctx, struct heph_fd fd,
		       char ret_address[HEPH_ADDRESS_MAX])
{
	struct heph_address address;
	int err = heph_socket_local(ctx, fd, &address);

	return err < 0 ? err : heph_address_print(&address, ret_address);
}

int heph_peer_address(heph_ctx ctx, struct heph_fd fd,
		      char ret_address[HEPH_ADDRESS_MAX])
{
	struct heph_address address;
	int err = heph_socket_peer(ctx, fd, &address);

	return err < 0 ? err : heph_address_print(&address, ret_address);
}
