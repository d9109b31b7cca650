/* SPDX-License-Identifier: MIT */
/*
 * echo_uv - an echo server with libuv, as fast as its interface allows
 *
 * All connections share one buffer. What is read is written back at once with
 * uv_try_write(), which takes no request; only what the kernel does not take
 * then is kept, and the connection is not read until that is written.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "server.h"

struct conn {
	uv_tcp_t tcp;
	uv_write_t write; /* of the rest */
	char *rest;
};

static char shared[SERVER_READ];
static uv_tcp_t listener;

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	free(conn->rest);
	free(conn);
}

static void drop(uv_stream_t *stream)
{
	if (!uv_is_closing((uv_handle_t *)stream))
		uv_close((uv_handle_t *)stream, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
	(void)handle;
	(void)size;
	*ret_buf = uv_buf_init(shared, sizeof(shared));
}

static void on_written(uv_write_t *write, int err)
{
	struct conn *conn = write->data;

	free(conn->rest);
	conn->rest = NULL;
	if (err < 0)
		drop((uv_stream_t *)&conn->tcp);
	else
		uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}

static void keep_rest(struct conn *conn, const char *rest, size_t size)
{
	uv_buf_t buf;

	conn->rest = malloc(size);
	server_must(conn->rest ? 0 : -ENOMEM, "malloc");
	memcpy(conn->rest, rest, size);
	conn->write.data = conn;
	buf = uv_buf_init(conn->rest, (unsigned)size);
	uv_read_stop((uv_stream_t *)&conn->tcp);
	if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &buf, 1,
		     on_written) < 0)
		drop((uv_stream_t *)&conn->tcp);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t back = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
	int sent;

	if (n == 0)
		return; /* there was nothing after all */
	sent = n < 0 ? (int)n : uv_try_write(stream, &back, 1);
	if (sent == UV_EAGAIN)
		sent = 0;
	if (sent < 0)
		drop(stream);
	else if (sent < n)
		keep_rest(stream->data, buf->base + sent, (size_t)(n - sent));
}

static void on_connection(uv_stream_t *server, int err)
{
	struct conn *conn;

	if (err < 0)
		return;
	conn = calloc(1, sizeof(*conn));
	server_must(conn ? 0 : -ENOMEM, "calloc");
	conn->tcp.data = conn;
	server_must(uv_tcp_init(server->loop, &conn->tcp), "uv_tcp_init");
	if (uv_accept(server, (uv_stream_t *)&conn->tcp) < 0 ||
	    uv_tcp_nodelay(&conn->tcp, 1) < 0 ||
	    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) < 0)
		drop((uv_stream_t *)&conn->tcp);
}

static void listen_there(uv_loop_t *loop)
{
	struct sockaddr_in address = { 0 };
	int size = sizeof(address);

	server_must(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
	server_must(uv_tcp_init(loop, &listener), "uv_tcp_init");
	server_must(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0),
		    "uv_tcp_bind");
	server_must(uv_listen((uv_stream_t *)&listener, SERVER_BACKLOG,
			      on_connection),
		    "uv_listen");
	server_must(uv_tcp_getsockname(&listener, (struct sockaddr *)&address,
				       &size),
		    "uv_tcp_getsockname");
	server_say_port(ntohs(address.sin_port));
}

static void on_term(uv_signal_t *term, int number)
{
	(void)number;
	uv_stop(term->loop);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t term;

	server_must(uv_signal_init(loop, &term), "uv_signal_init");
	server_must(uv_signal_start(&term, on_term, SIGTERM),
		    "uv_signal_start");
	listen_there(loop);
	uv_run(loop, UV_RUN_DEFAULT);
	server_say_end();
	return 0;
}
