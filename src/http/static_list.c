/* SPDX-License-Identifier: MIT */
/*
 * The list of a directory, as a page.
 *
 * Names may be any bytes: in a link they are percent-encoded, in text the
 * characters that mean something in HTML are. They are sorted, those of
 * directories first; a very large directory is cut off.
 */
#include <heph/file.h>
#include <heph/http/uri.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "http/static.h"

enum {
	READ = 16 << 10, /* bytes of a directory, at a time */
	NAMES = 10000,   /* on a page */
	FIRST = 128,     /* places for names at first */
	ENCODED = 3 * NAME_MAX + 1,
};

struct list {
	const struct heph_http_static *files;
	struct heph_http_request *req;
	char **names; /* each with its kind, '/' or ' ', before it */
	unsigned n, room;
	bool more;
	char read[READ];
	char text[6 * NAME_MAX + 1];
	char link[ENCODED];
};

/* ---- what there is ----------------------------------------------------------------------- */

static int grow(struct list *it)
{
	unsigned room = it->room ? 2 * it->room : FIRST;
	char **names = heph_http_alloc(it->req, room * sizeof(*names));

	if (!names)
		return -ENOMEM;
	if (it->n)
		memcpy(names, it->names, it->n * sizeof(*names));
	it->names = names;
	it->room = room;
	return 0;
}

static int keep(struct list *it, const char *name, bool is_dir)
{
	size_t size = strlen(name) + 1;
	char *copy;
	int err = 0;

	if (it->n == it->room)
		err = grow(it);
	copy = err < 0 ? NULL : heph_http_alloc(it->req, size + 1);
	if (!copy)
		return -ENOMEM;
	copy[0] = is_dir ? '/' : ' ';
	memcpy(copy + 1, name, size);
	it->names[it->n++] = copy;
	return 0;
}

/* Waits, if the directory does not tell. */
static bool is_dir(heph_ctx ctx, heph_fd dir, const struct heph_dir_entry *entry)
{
	struct heph_stat stat;

	if (entry->type != DT_UNKNOWN && entry->type != DT_LNK)
		return entry->type == DT_DIR;
	return heph_stat(ctx, heph_at(dir, entry->name), HEPH_STAT_TYPE,
			 &stat) == 0 &&
	       S_ISDIR(stat.mode);
}

static bool is_shown(const struct list *it, const char *name)
{
	return heph_http_static_allows(heph_str(name),
				       it->files->options.hidden);
}

static int keep_some(heph_ctx ctx, struct list *it, heph_fd dir, size_t size)
{
	struct heph_dir_entry entry;
	size_t at = 0;
	int err = 0;

	while (err == 0 && heph_dir_next(it->read, size, &at, &entry)) {
		it->more = it->n >= NAMES;
		if (it->more)
			break;
		if (is_shown(it, entry.name))
			err = keep(it, entry.name, is_dir(ctx, dir, &entry));
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	if (x[0] != y[0])
		return x[0] == '/' ? -1 : 1;
	return strcmp(x + 1, y + 1);
}

static int collect(heph_ctx ctx, struct list *it, heph_fd dir)
{
	int n, err = 0;

	do {
		n = heph_dir_read(ctx, dir, it->read, READ);
		if (n > 0)
			err = keep_some(ctx, it, dir, (size_t)n);
	} while (n > 0 && err == 0 && !it->more);
	if (n < 0)
		err = n;
	if (it->n)
		qsort(it->names, it->n, sizeof(*it->names), compare);
	return err;
}

/* ---- the page ----------------------------------------------------------------------------- */

/* As text in HTML, as far as it fits. */
static struct heph_str escape(struct list *it, struct heph_str text)
{
	size_t used = 0;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		const char *as = c == '&'  ? "&amp;" :
				 c == '<'  ? "&lt;" :
				 c == '>'  ? "&gt;" :
				 c == '"'  ? "&quot;" :
				 c == '\'' ? "&#39;" :
					     NULL;
		size_t n = as ? strlen(as) : 1;

		if (used + n > sizeof(it->text))
			break;
		memcpy(it->text + used, as ? as : &c, n);
		used += n;
	}
	return heph_str_of(it->text, used);
}

static int put(heph_ctx ctx, struct heph_http_response *res, struct heph_str str)
{
	return heph_http_write(ctx, res, str.data, str.size);
}

static int put_entry(heph_ctx ctx, struct list *it,
		     struct heph_http_response *res, const char *entry)
{
	const char *slash = entry[0] == '/' ? "/" : "";
	struct heph_str name = heph_str(entry + 1), link;
	const struct heph_str pieces[] = {
		heph_str("<li><a href=\"./"), { NULL, 0 }, heph_str(slash),
		heph_str("\">"), { NULL, 1 }, heph_str(slash),
		heph_str("</a></li>\n"),
	};
	int err = heph_http_percent_encode(name, "", it->link, ENCODED, &link);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces) && err == 0; i++)
		err = put(ctx, res,
			  pieces[i].data      ? pieces[i] :
			  pieces[i].size == 0 ? link :
						escape(it, name));
	return err;
}

static int put_title(heph_ctx ctx, struct list *it,
		     struct heph_http_response *res)
{
	int err = put(ctx, res,
		      heph_str("<!doctype html>\n<meta charset=\"utf-8\">\n"
			       "<title>"));

	if (err == 0)
		err = put(ctx, res, escape(it, it->req->path));
	if (err == 0)
		err = put(ctx, res, heph_str("</title>\n<h1>"));
	if (err == 0)
		err = put(ctx, res, escape(it, it->req->path));
	return err < 0 ? err : put(ctx, res, heph_str("</h1>\n<ul>\n"));
}

static int put_page(heph_ctx ctx, struct list *it, struct heph_http_response *res)
{
	int err = put_title(ctx, it, res);

	for (unsigned i = 0; i < it->n && err == 0; i++)
		err = put_entry(ctx, it, res, it->names[i]);
	if (err == 0)
		err = put(ctx, res, heph_str(it->more ? "<li>...</li>\n</ul>\n" :
							"</ul>\n"));
	return err < 0 ? err : heph_http_end(ctx, res);
}

int heph_http_static_list(heph_ctx ctx, const struct heph_http_static *files,
			  struct heph_http_request *req,
			  struct heph_http_response *res, heph_fd dir)
{
	struct list *it = heph_http_alloc(req, sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	memset(it, 0, offsetof(struct list, read));
	it->files = files;
	it->req = req;
	err = collect(ctx, it, dir);
	if (err < 0)
		return err;
	heph_http_add(res, "Content-Type", "text/html; charset=utf-8");
	heph_http_add(res, "Content-Security-Policy", "default-src 'none'");
	err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	return err < 0 ? err : put_page(ctx, it, res);
}
