/* SPDX-License-Identifier: MIT */
/*
 * The files of a directory.
 *
 * One openat2(2) says all of a name: that it is below the directory, that it is
 * there, and that it may be read. O_NONBLOCK, so that a pipe with a name does not
 * have us wait for who writes to it.
 */
#include "http/static.h"

#include <heph/file.h>
#include <heph/http/uri.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "http/coding.h"
#include "http/file.h"
#include "http/mem.h"
#include "http/mime.h"

/* One request. */
struct asked {
	const struct heph_http_static *files;
	struct heph_http_request *req;
	struct heph_http_response *res;
	size_t size, room; /* of the path */
	char path[];       /* what is looked up, with a nul */
};

enum { SUFFIX = 5 }; /* bytes, with a nul, that may follow the path */

/* ---- the answers that are no file -------------------------------------------------------- */

static int send_error(heph_ctx ctx, struct asked *it, int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -EXDEV:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENXIO: /* a socket with a name */
	case -ENODEV:
	case -EINVAL: /* no regular file */
		return heph_http_error(ctx, it->res, 404);
	case -EACCES:
	case -EPERM:
		return heph_http_error(ctx, it->res, 403);
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN:
		return heph_http_error(ctx, it->res, 503);
	default:
		return err;
	}
}

/* To the same path with "/" behind. It begins with one "/", never with two, which
 * would be a host. */
static int send_redirect(heph_ctx ctx, struct asked *it)
{
	struct heph_str path = it->req->path, query = it->req->query;
	size_t room = path.size + query.size + 4;
	char *to = heph_http_alloc(it->req, room);

	if (!to)
		return -ENOMEM;
	while (path.size > 0 && (path.data[0] == '/' || path.data[0] == '\\')) {
		path.data++;
		path.size--;
	}
	snprintf(to, room, "/%.*s/%s%.*s", HEPH_STR(path), query.size ? "?" : "",
		 HEPH_STR(query));
	return heph_http_redirect(ctx, it->res, 308, to);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* A regular file of that path, with `suffix` behind. -EISDIR: it is a directory,
 * which is open, too. */
static int open_file(heph_ctx ctx, struct asked *it, const char *suffix,
		     struct heph_http_file *ret_file)
{
	struct heph_stat stat;
	heph_fd fd;
	int err;

	strcpy(it->path + it->size, suffix);
	err = heph_open_beneath(ctx, it->files->dir, it->path,
				O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd,
				&stat);
	if (err == 0) {
		err = heph_http_file_of(fd, &stat, ret_file);
		if (err == -EINVAL)
			heph_close(fd);
	}
	it->path[it->size] = '\0';
	return err;
}

static const char *suffix_of(enum heph_http_coding coding)
{
	return coding == HEPH_HTTP_BR	? ".br" :
	       coding == HEPH_HTTP_ZSTD ? ".zst" :
					  ".gz";
}

/* Takes one out of a list that ends with identity. */
static void take_out(enum heph_http_coding *order, enum heph_http_coding coding)
{
	while (*order != coding)
		order++;
	do
		order[0] = order[1];
	while (*order++ != HEPH_HTTP_IDENTITY);
}

/* Instead of the file that is open one that was compressed, if there is one. */
static void open_compressed(heph_ctx ctx, struct asked *it,
			    struct heph_http_file *file)
{
	enum heph_http_coding coding,
		order[] = { HEPH_HTTP_BR, HEPH_HTTP_ZSTD, HEPH_HTTP_GZIP,
			    HEPH_HTTP_IDENTITY };
	struct heph_http_file other;
	int err;

	heph_http_add(it->res, "Vary", "Accept-Encoding");
	while ((coding = heph_http_coding_choose(&it->req->fields, order)) !=
	       HEPH_HTTP_IDENTITY) {
		err = open_file(ctx, it, suffix_of(coding), &other);
		if (err == 0) {
			heph_close(file->fd);
			*file = other;
			heph_http_add(it->res, "Content-Encoding",
				      heph_http_coding_name(coding));
			return;
		}
		if (err == -EISDIR)
			heph_close(other.fd);
		take_out(order, coding);
	}
}

static int send_file(heph_ctx ctx, struct asked *it, struct heph_http_file *file)
{
	const struct heph_http_static_options *options = &it->files->options;
	struct heph_str path = heph_str_of(it->path, it->size);
	int err;

	heph_http_add(it->res, "Content-Type",
		      heph_http_mime_find(options->types, path));
	heph_http_add(it->res, "X-Content-Type-Options", "nosniff");
	if (options->cache)
		heph_http_add(it->res, "Cache-Control", options->cache);
	if (options->precompressed)
		open_compressed(ctx, it, file);
	err = heph_http_file_send(ctx, it->req, it->res, file);
	heph_close(file->fd);
	return err;
}

/* ---- directories ------------------------------------------------------------------------------- */

/* Adds the name of the index to the path. False: there is none, or no room. */
static bool add_index(struct asked *it)
{
	const char *index = it->files->options.index;
	size_t size = strlen(index);

	if (*index == '\0' || it->size + size + 1 + SUFFIX > it->room)
		return false;
	if (it->path[it->size - 1] != '/')
		it->path[it->size++] = '/';
	memcpy(it->path + it->size, index, size + 1);
	it->size += size;
	return true;
}

static int list(heph_ctx ctx, struct asked *it, heph_fd dir)
{
	if (it->files->options.list)
		return heph_http_static_list(ctx, it->files, it->req, it->res,
					     dir);
	return heph_http_error(ctx, it->res, 404);
}

static int send_dir(heph_ctx ctx, struct asked *it, heph_fd dir)
{
	struct heph_str path = it->req->path;
	struct heph_http_file file;
	int err = -ENOENT;

	if (path.size > 0 && path.data[path.size - 1] != '/')
		return send_redirect(ctx, it);
	if (add_index(it))
		err = open_file(ctx, it, "", &file);
	if (err == 0)
		return send_file(ctx, it, &file);
	if (err == -EISDIR)
		heph_close(file.fd);
	return err == -ENOENT || err == -EISDIR ? list(ctx, it, dir) :
						  send_error(ctx, it, err);
}

/* ---- requests ------------------------------------------------------------------------------------ */

static int answer(heph_ctx ctx, struct asked *it)
{
	struct heph_http_file file;
	int err = open_file(ctx, it, "", &file);

	if (err == 0)
		return send_file(ctx, it, &file);
	if (err != -EISDIR)
		return send_error(ctx, it, err);
	err = send_dir(ctx, it, file.fd);
	heph_close(file.fd);
	return err;
}

/* Looks it up as a path from the directory: without "/" before it; "." for nothing. */
static struct asked *asked_new(const struct heph_http_static *files,
			       struct heph_http_request *req,
			       struct heph_http_response *res,
			       struct heph_str path)
{
	size_t room = path.size + 2 + strlen(files->options.index) + SUFFIX;
	struct asked *it = heph_http_alloc(req, sizeof(*it) + room);

	if (!it)
		return NULL;
	*it = (struct asked){ .files = files, .req = req, .res = res,
			      .room = room };
	while (path.size > 0 && path.data[0] == '/') {
		path.data++;
		path.size--;
	}
	if (path.size == 0)
		path = heph_str(".");
	memcpy(it->path, path.data, path.size);
	it->path[path.size] = '\0';
	it->size = path.size;
	return it;
}

int heph_http_static_send(heph_ctx ctx, const struct heph_http_static *files,
			  struct heph_http_request *req,
			  struct heph_http_response *res, struct heph_str path)
{
	struct asked *it;

	if (req->method != HEPH_HTTP_GET && req->method != HEPH_HTTP_HEAD) {
		heph_http_set(res, "Allow", "GET, HEAD");
		return heph_http_error(ctx, res, 405);
	}
	if (!heph_http_static_allows(path, files->options.hidden))
		return heph_http_error(ctx, res, 404);
	it = asked_new(files, req, res, path);
	return it ? answer(ctx, it) : -ENOMEM;
}

/* ---- what is made of options -------------------------------------------------------------------- */

int heph_http_raw_static_new(struct heph_http_static **ret_files,
			     const struct heph_http_static_options *given)
{
	struct heph_http_static_options options;
	struct heph_http_static *it;
	int err = 0;

	if (!heph_take_options__(&options, sizeof(options), given) ||
	    !options.dir)
		return -EINVAL;
	if (!options.index)
		options.index = "index.html";
	it = heph_http_mem_alloc(sizeof(*it));
	if (!it)
		return -ENOMEM;
	it->options = options;
	it->dir = open(options.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (it->dir < 0)
		err = -errno;
	if (err < 0)
		heph_http_mem_free(it);
	else
		*ret_files = it;
	return err;
}

void heph_http_static_free(struct heph_http_static *it)
{
	if (!it)
		return;
	close(it->dir);
	heph_http_mem_free(it);
}

/* ---- as a handler of a route -------------------------------------------------------------------- */

int heph_http_start_static(const void *config, struct heph_http_router *router,
			   const void **ret_config, const char **ret_why)
{
	struct heph_http_static *files;
	int err = heph_http_raw_static_new(&files, config);

	(void)router;
	if (err == 0)
		*ret_config = files;
	if (err == 0 || err == -ENOMEM)
		return err;
	*ret_why = "the directory of static files cannot be opened";
	return -EINVAL;
}

void heph_http_stop_static(const void *config)
{
	heph_http_static_free((struct heph_http_static *)(uintptr_t)config);
}

static int send_path(heph_ctx ctx, const struct heph_http_static *files,
		     struct heph_http_request *req,
		     struct heph_http_response *res)
{
	size_t room = req->path.size + 2;
	char *buf = heph_http_alloc(req, room);
	struct heph_str path;
	int err;

	if (!buf)
		return -ENOMEM;
	err = heph_http_path_clean(req->path, buf, room, &path);
	if (err < 0)
		return heph_http_error(ctx, res, 400);
	return heph_http_static_send(ctx, files, req, res, path);
}

int heph_http_run_static(heph_ctx ctx, const void *config,
			 struct heph_http_request *req,
			 struct heph_http_response *res,
			 const struct heph_http_chain *chain)
{
	const struct heph_http_static *files = config;
	const char *name = files->options.param;
	struct heph_str path = heph_http_param(req, name ? name : "path");

	(void)chain;
	return path.data ? heph_http_static_send(ctx, files, req, res, path) :
			   send_path(ctx, files, req, res);
}
