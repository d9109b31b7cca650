/* SPDX-License-Identifier: MIT */
/*
 * stream.h - a connection, whatever protects it
 *
 * The plain socket, or TLS over one (tls.h): who reads and writes through these
 * need not know. A stream is used by one actor, the owner of its descriptor, or by
 * two after heph_stream_split(): one reads while the other one writes.
 * All return what heph_read() and heph_write_exact() return, and besides -EPROTO
 * and the like that the protection has for what the peer did.
 */
#ifndef HEPH_STREAM_H
#define HEPH_STREAM_H

#include <heph/io.h>
#include <heph/net.h>
#include <heph/types.h>

#include <errno.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_stream;
struct heph_stream_handle;

/* What protects a stream. */
struct heph_stream_type {
	const char *name; /* "tls" */
	/* As the functions below say. */
	int (*read)(heph_ctx ctx, struct heph_stream *stream, char **ret_data);
	void (*unread)(heph_ctx ctx, struct heph_stream *stream);
	int (*write)(heph_ctx ctx, struct heph_stream *stream,
		     const struct iovec *pieces, size_t n);
	int (*end)(heph_ctx ctx, struct heph_stream *stream);
	void (*close)(heph_ctx ctx, struct heph_stream *stream);
	/* Whether what is written to the descriptor itself is protected, too: by
	 * the kernel. Files can then be spliced into it. */
	bool (*direct)(const struct heph_stream *stream);
	/* The state leaves its owner: 0, or -EBUSY (something has come that is not
	 * read). It becomes that of another, who has the descriptor: 0, or -ENOMEM.
	 * Nobody has it, and it is freed; any thread. */
	int (*give)(heph_ctx ctx, struct heph_stream *stream);
	int (*take)(heph_ctx ctx, struct heph_stream *stream);
	void (*discard)(void *state);
	/* Divides it: `stream` is the half that reads then, `ret_writer` gets the
	 * type and the state of the other one, which nobody owns yet. 0, or an
	 * error, and it is as before. NULL: it cannot be divided. */
	int (*split)(heph_ctx ctx, struct heph_stream *stream,
		     struct heph_stream_handle *ret_writer);
};

/* Plain data; { .fd = fd } is a plain socket. */
struct heph_stream {
	heph_fd fd;
	const struct heph_stream_type *type; /* NULL: nothing protects it */
	void *state; /* the type's */
};

/*
 * Waits. What has come, where it lies: `ret_data` is valid until the next read,
 * heph_stream_unread() or the end of the stream, and may be written to. While it
 * waits no memory is held for what will come. Returns how many bytes; 0: the peer
 * has ended its half.
 */
static inline int heph_stream_read(heph_ctx ctx, struct heph_stream *stream,
				   char **ret_data)
{
	return stream->type ? stream->type->read(ctx, stream, ret_data) :
			      heph_read_view(ctx, stream->fd, ret_data);
}

/* Gives back what heph_stream_read() returned, before the next one does. Does not
 * wait. */
static inline void heph_stream_unread(heph_ctx ctx, struct heph_stream *stream)
{
	if (stream->type)
		stream->type->unread(ctx, stream);
	else
		heph_end_view(ctx, stream->fd);
}

/* Waits. Until all pieces are written. Returns 0. */
static inline int heph_stream_write(heph_ctx ctx, struct heph_stream *stream,
				    const struct iovec *pieces, size_t n)
{
	return stream->type ? stream->type->write(ctx, stream, pieces, n) :
			      heph_writev_exact(ctx, stream->fd, pieces, n, NULL);
}

/* Waits, if something protects it. Ends the half that writes: the peer reads an
 * end, which nobody else can have made. Returns 0. */
static inline int heph_stream_end(heph_ctx ctx, struct heph_stream *stream)
{
	return stream->type ? stream->type->end(ctx, stream) :
			      heph_shutdown(ctx, stream->fd, SHUT_WR);
}

/* Closes it, and frees what it had. Does not wait. */
static inline void heph_stream_close(heph_ctx ctx, struct heph_stream *stream)
{
	if (stream->type)
		stream->type->close(ctx, stream);
	heph_close(stream->fd);
	stream->fd.slot = stream->fd.turn = 0;
	stream->type = NULL;
	stream->state = NULL;
}

/* A stream on its way to another actor, as a struct heph_fd_handle is a descriptor
 * on its way: plain data, to be put into a message. */
struct heph_stream_handle {
	struct heph_fd_handle fd;
	const struct heph_stream_type *type;
	void *state;
};

/* Makes a stream ownerless: `stream` is { 0 } then. What heph_stream_read() gave is
 * to be used up. Waits, if something receives on the descriptor, until it is idle.
 * Returns 0; -EBUSY (something has come that is not read), and then it is still the
 * caller's; -EBADF and others, and then it is closed. */
static inline int heph_stream_give(heph_ctx ctx, struct heph_stream *stream,
				   struct heph_stream_handle *ret_handle)
{
	const struct heph_stream none = { { 0, 0 }, NULL, NULL };
	int err;

	heph_stream_unread(ctx, stream);
	err = stream->type ? stream->type->give(ctx, stream) : 0;
	if (err < 0)
		return err;
	err = heph_fd_give(ctx, stream->fd, &ret_handle->fd);
	if (err < 0) {
		if (stream->type)
			stream->type->discard(stream->state);
		heph_close(stream->fd);
		*stream = none;
		return err;
	}
	ret_handle->type = stream->type;
	ret_handle->state = stream->state;
	*stream = none;
	return 0;
}

/* Closes one that nobody has taken, and frees what it had. Does not wait. Any
 * thread. */
static inline void heph_stream_discard(const struct heph_stream_handle *handle)
{
	heph_fd_discard(handle->fd);
	if (handle->type)
		handle->type->discard(handle->state);
}

/* Makes it the caller's. Does not wait. Returns 0; -EBADF (and it is gone);
 * -ENOMEM, and then it can still be taken. */
static inline int heph_stream_take(heph_ctx ctx,
				   struct heph_stream_handle *handle,
				   struct heph_stream *ret_stream)
{
	struct heph_stream stream = { { 0, 0 }, handle->type, handle->state };
	int err = heph_fd_take(ctx, handle->fd, &stream.fd);

	if (err < 0 && err != -ENOMEM)
		heph_stream_discard(handle);
	if (err < 0)
		return err;
	err = stream.type ? stream.type->take(ctx, &stream) : 0;
	if (err == 0) {
		*ret_stream = stream;
		return 0;
	}
	if (heph_fd_give(ctx, stream.fd, &handle->fd) < 0) {
		heph_close(stream.fd);
		heph_stream_discard(handle);
		return -EBADF;
	}
	return err;
}

/*
 * Makes two of it: `stream` goes on reading, and the one that takes the handle, with
 * heph_stream_take(), writes. A half of TLS does not do what is the other's (-EINVAL),
 * and both are used on the worker of now (-EXDEV elsewhere). What fails for the half
 * that reads fails for the other one at its next call. Either may be closed first;
 * the connection ends with both of them, and the peer is told by heph_stream_end()
 * of the half that writes.
 *
 * The half that reads never waits for the peer to read: what TLS has to say itself
 * goes with the next heph_stream_write(), which may be one of nothing. If that would
 * be more than 16 KiB it is -EPROTO.
 *
 * Returns 0; -EINVAL (it is a half), -EXDEV (TLS, and the caller is on no worker),
 * -EBADF, -EMFILE, -ENFILE, -ENOMEM; then `stream` is as before.
 */
static inline int heph_stream_split(heph_ctx ctx, struct heph_stream *stream,
				    struct heph_stream_handle *ret_writer)
{
	struct heph_stream_handle writer = { { 0, 0, 0 }, NULL, NULL };
	heph_fd fd;
	int err;

	if (stream->type && !stream->type->split)
		return -EINVAL;
	err = heph_fd_duplicate(ctx, stream->fd, &fd);
	if (err == 0)
		err = heph_fd_give(ctx, fd, &writer.fd);
	if (err < 0)
		return err;
	if (stream->type)
		err = stream->type->split(ctx, stream, &writer);
	if (err < 0)
		heph_fd_discard(writer.fd);
	else
		*ret_writer = writer;
	return err;
}

/* Whether bytes can go straight from a file to the descriptor. Does not wait. */
static inline bool heph_stream_direct(const struct heph_stream *stream)
{
	return !stream->type || stream->type->direct(stream);
}

#ifdef __cplusplus
}
#endif
#endif
