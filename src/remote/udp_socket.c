/* SPDX-License-Identifier: MIT */
#include "remote/udp_socket.h"

#include <heph/io.h>
#include <heph/socket.h>
#include <heph/socket_msg.h>

#include <netinet/in.h>
#include <string.h>

#include "remote/mem.h"

enum {
	BUFFER = 1 << 20
}; /* bytes that wait in the kernel, if it allows that */

/* ---- opening ----------------------------------------------------------------------- */

/* A socket of IPv6 may carry IPv4, too, which has an option of its own. */
static int forbid_fragments(heph_ctx ctx, heph_fd fd, int domain)
{
	const int probe = IP_PMTUDISC_DO;
	int err = heph_socket_set(ctx, fd, HEPH_SOCKET_PATH_MTU_DISCOVERY,
				  IP_PMTUDISC_DO);

	if (err == 0 && domain == AF_INET6)
		err = heph_socket_set_bytes(ctx, fd, IPPROTO_IP,
					    IP_MTU_DISCOVER, &probe,
					    sizeof(probe));
	return err;
}

static int open_socket(heph_ctx ctx, const struct heph_address *address,
		       heph_fd *ret_fd)
{
	int domain = address->storage.ss_family, err;

	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	err = heph_socket_open(ctx, domain, SOCK_DGRAM, 0, ret_fd);
	if (err < 0)
		return err;
	err = forbid_fragments(ctx, *ret_fd, domain);
	if (err == 0) {
		/* As much as is allowed; less is good enough. */
		(void)!heph_socket_set(ctx, *ret_fd, HEPH_SOCKET_RECEIVE_BUFFER,
				       BUFFER);
		return 0;
	}
	heph_close(*ret_fd);
	return err;
}

/* An address of all, "[::]", is one of IPv4, too, as for streams. */
static int bind_socket(heph_ctx ctx, heph_fd fd,
		       const struct heph_address *address)
{
	int err = 0;

	if (address->storage.ss_family == AF_INET6)
		err = heph_socket_set(ctx, fd, HEPH_SOCKET_V6_ONLY, 0);
	return err < 0 ? err : heph_socket_bind(ctx, fd, address);
}

static int finish(heph_fd fd, int err, heph_fd *ret_fd)
{
	if (err < 0)
		heph_close(fd);
	else
		*ret_fd = fd;
	return err;
}

int heph_udp_socket_bind(heph_ctx ctx, const struct heph_address *address,
			 heph_fd *ret_fd)
{
	heph_fd fd;
	int err = open_socket(ctx, address, &fd);

	return err < 0 ? err :
			 finish(fd, bind_socket(ctx, fd, address), ret_fd);
}

int heph_udp_socket_connect(heph_ctx ctx, const struct heph_address *address,
			    heph_fd *ret_fd)
{
	heph_fd fd;
	int err = open_socket(ctx, address, &fd);

	return err < 0 ? err :
			 finish(fd, heph_socket_connect(ctx, fd, address),
				ret_fd);
}

bool heph_udp_is_loopback(const struct heph_address *address)
{
	const struct sockaddr_in6 *six = (const void *)&address->storage;
	const struct sockaddr_in *four = (const void *)&address->storage;

	if (address->storage.ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return six->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

int heph_udp_socket_send(heph_ctx ctx, heph_fd fd, const void *data,
			 size_t size, const struct heph_address *to)
{
	int n = to ? heph_socket_send_to(ctx, fd, data, size, MSG_DONTWAIT,
					 to) :
		     heph_socket_send(ctx, fd, data, size, MSG_DONTWAIT);

	return n < 0 ? n : 0;
}

/* ---- receiving ----------------------------------------------------------------------- */

struct heph_udp_reader {
	size_t max;
	uint8_t data[];
};

struct heph_udp_reader *heph_udp_reader_new(size_t max)
{
	struct heph_udp_reader *reader =
		heph_remote_mem_alloc(sizeof(*reader) + max + 1);

	if (reader)
		reader->max = max;
	return reader;
}

void heph_udp_reader_free(struct heph_udp_reader *reader)
{
	heph_remote_mem_free(reader);
}

int heph_udp_reader_next(heph_ctx ctx, heph_fd fd,
			 struct heph_udp_reader *reader,
			 struct heph_udp_datagram *ret_datagram)
{
	int n = heph_socket_recv_from(ctx, fd, reader->data, reader->max + 1,
				      MSG_DONTWAIT, &ret_datagram->from);

	if (n < 0)
		return n;
	ret_datagram->data = reader->data;
	ret_datagram->size = (size_t)n;
	return 0;
}
