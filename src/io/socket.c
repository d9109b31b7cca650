/* SPDX-License-Identifier: MIT */
#include "io/socket.h"

#include <sys/socket.h>

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
	int size = now(self,
		       (struct heph_op){ .kind = HEPH_OP_NAME,
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

bool heph_socket_is_stream(struct heph_self *self, int number)
{
	int type = SOCK_STREAM;

	return heph_socket_get_raw(self, number, SOL_SOCKET, SO_TYPE, &type,
				   sizeof(type)) < 0 ||
	       type == SOCK_STREAM;
}

int heph_socket_set_status(struct heph_self *self, int number, int status)
{
	return now(self, (struct heph_op){ .kind = HEPH_OP_STATUS,
					   .number = number,
					   .flags = true,
					   .size = (uint32_t)status });
}
