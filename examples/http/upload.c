/* SPDX-License-Identifier: MIT */
/*
 * upload.c - an HTTP server that takes files, however large, and keeps none of them
 * in memory
 *
 * usage: upload DIRECTORY [ADDRESS]
 *
 * Try it with:
 *     curl -T big.iso http://127.0.0.1:7890/big.iso          PUT: the body is the file
 *     curl -F a=@one.txt -F b=@two.txt http://127.0.0.1:7890/   as a browser's form
 *
 * While a file is written the client waits: what it may send meanwhile is what fits
 * into the socket and one buffer. A file that is there is not overwritten: 409.
 */
#include <heph/http.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 32 * 1024, NAME = 200 };

struct uploads {
	const char *directory;
};

/* What a client calls a file may lead anywhere: letters, digits and "-_. " pass. */
static bool is_name(struct heph_str name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789-_. ";

	for (size_t i = 0; i < name.size; i++)
		if (!memchr(good, name.data[i], sizeof(good) - 1))
			return false;
	return name.size > 0 && name.size <= NAME && name.data[0] != '.';
}

/* A file that is being written. */
struct file {
	heph_fd fd;
	char path[512];
};

/* Waits. Makes it, in memory of the request. -EEXIST, or -EINVAL for no name. */
static int create(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_str name, struct file **ret_file)
{
	const struct uploads *uploads = heph_http_app(req, struct uploads);
	struct file *file = heph_http_alloc(req, sizeof(*file));
	int size;

	if (!file)
		return -ENOMEM;
	size = snprintf(file->path, sizeof(file->path), "%s/%.*s",
			uploads->directory, HEPH_STR(name));
	if (!is_name(name) || size >= (int)sizeof(file->path))
		return -EINVAL;
	*ret_file = file;
	return heph_open(ctx, file->path, O_WRONLY | O_CREAT | O_EXCL, 0644,
			 &file->fd);
}

/* Waits. Of what did not come to its end nothing is left, although the actor may be
 * asked to stop meanwhile. Returns `err`. */
static int finish(heph_ctx ctx, struct file *file, int err)
{
	heph_close(file->fd);
	if (err < 0)
		(void)!heph_remove(heph_shield(ctx, HEPH_SEC), file->path);
	return err;
}

/* Waits. Answers an error that is the client's; passes on others. */
static int refuse(heph_ctx ctx, struct heph_http_response *res, int err)
{
	return err == -EINVAL ? heph_http_error(ctx, res, 400) :
	       err == -EEXIST ? heph_http_error(ctx, res, 409) :
				err;
}

/* Waits. The body becomes the file. */
static int put_file(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_response *res)
{
	char *piece = heph_http_alloc(req, PIECE);
	struct file *file;
	int err, n = 0;

	if (!piece)
		return -ENOMEM;
	err = create(ctx, req, heph_http_param(req, "name"), &file);
	if (err < 0)
		return refuse(ctx, res, err);
	while (err == 0 && (n = heph_http_read(ctx, req, piece, PIECE)) > 0)
		err = heph_write_all(ctx, file->fd, piece, (size_t)n);
	err = finish(ctx, file, n < 0 ? n : err);
	heph_http_status(res, 201);
	return err;
}

/* Waits. One part of a form becomes a file. */
static int put_part(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_form *form, struct heph_str name)
{
	struct heph_str piece;
	struct file *file;
	int err, got = 0;

	err = create(ctx, req, name, &file);
	if (err < 0)
		return err;
	while (err == 0 && (got = heph_http_form_read(ctx, form, &piece)) > 0)
		err = heph_write_all(ctx, file->fd, piece.data, piece.size);
	return finish(ctx, file, got < 0 ? got : err);
}

/* Waits. Each part with the name of a file becomes one. */
static int post_form(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	struct heph_http_form *form;
	struct heph_http_part part;
	unsigned files = 0;
	char text[64];
	int err, got = 0;

	err = heph_http_form_new(req, &form);
	while (err == 0 && (got = heph_http_form_next(ctx, form, &part)) > 0) {
		if (!part.filename.data)
			continue;
		err = put_part(ctx, req, form, part.filename);
		files++;
	}
	if (got < 0 || err < 0)
		return refuse(ctx, res, got < 0 ? got : err);
	snprintf(text, sizeof(text), "files: %u\n", files);
	return heph_http_text(ctx, res, 201, text);
}

static const struct heph_http_route routes[] = {
	HEPH_HTTP_ROUTE("PUT", "/{name}", put_file),
	HEPH_HTTP_ROUTE("POST", "/", post_form),
};

struct server_arg {
	const char *address;
	struct uploads uploads;
	const struct heph_http_router *router;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err;

	err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_http_serve_on(ctx, listener, .router = arg->router,
				  HEPH_HTTP_APP(struct uploads, &arg->uploads),
				  .body = UINT64_MAX,
				  .handler_time = HEPH_NEVER,
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "upload", .grace = 5 * HEPH_SEC };
	const char *directory = argc > 1 ? argv[1] : ".";
	const char *address = argc > 2 ? argv[2] : "127.0.0.1:7890";
	struct heph_http_router *router = NULL;
	int err;

	err = heph_http_router_new(routes, sizeof(routes) / sizeof(routes[0]),
				   &router);
	if (err == 0)
		err = heph_run(&config, server,
			       { address, { directory }, router });
	if (err < 0)
		fprintf(stderr, "upload: %s: %s\n", address, strerror(-err));
	heph_http_router_free(router);
	return err < 0;
}
