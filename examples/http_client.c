/* SPDX-License-Identifier: MIT */
/*
 * http_client.c - gets a page from a web server, with nothing but a socket
 *
 * usage: http_client http://HOST[:PORT][/PATH]
 *
 * The page goes to standard output. A status other than 2xx, and whatever else
 * goes wrong, is told on standard error, and the exit status is 1.
 *
 * HOST is a name or an address; heph_connect() looks it up and tries its
 * addresses until one answers. HTTP/1.0 is asked for, so the answer ends where the
 * connection does.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 300, REQUEST_MAX = 2048, HEAD_MAX = 16384 };
#define PATIENCE (30 * HEPH_SEC)

struct url {
	char host[HOST_MAX]; /* with the port, if it was there */
	const char *path;    /* never empty */
};

/* What comes before the page, and how much of the page has come with it. */
struct head {
	char text[HEAD_MAX + 1];
	size_t n;
	char *body;
	int status;
	long length; /* of the page; -1: it does not say */
};

/* ---- the address of the page --------------------------------------------------- */

static int parse_url(struct url *url, const char *text)
{
	static const char scheme[] = "http://";
	size_t n;

	if (strncasecmp(text, scheme, sizeof(scheme) - 1) != 0)
		return -EINVAL;
	text += sizeof(scheme) - 1;
	n = strcspn(text, "/?#");
	if (n == 0 || n >= HOST_MAX || *text == ':' ||
	    (text[n] && text[n] != '/'))
		return -EINVAL;
	memcpy(url->host, text, n);
	url->host[n] = '\0';
	url->path = text[n] ? text + n : "/";
	return url->path[strcspn(url->path, "# \r\n")] ? -EINVAL : 0;
}

/* Adds the port that is meant when there is none: [::1] has colons, too. */
static int connect_to(heph_ctx ctx, const struct url *url, heph_fd *ret_fd)
{
	const char *after = strchr(url->host, ']');
	char address[HOST_MAX + 4];
	bool has_port = strchr(after ? after : url->host, ':');

	snprintf(address, sizeof(address), "%s%s", url->host,
		 has_port ? "" : ":80");
	return heph_connect(ctx, address, ret_fd);
}

static int ask(heph_ctx ctx, heph_fd fd, const struct url *url)
{
	char text[REQUEST_MAX];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.0\r\n"
			 "Host: %s\r\n"
			 "User-Agent: heph-http-client\r\n"
			 "Connection: close\r\n"
			 "\r\n",
			 url->path, url->host);

	if (n >= REQUEST_MAX)
		return -EMSGSIZE;
	return heph_write_all(ctx, fd, text, (size_t)n);
}

/* ---- the answer ------------------------------------------------------------------- */

/* The value of a field, or NULL. */
static const char *find_field(const char *head, const char *name)
{
	size_t n = strlen(name);
	const char *line = head;

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1;
	}
	return NULL;
}

static int parse_head(struct head *head)
{
	const char *length;
	char *end;

	if (sscanf(head->text, "HTTP/1.%*1[01] %3d", &head->status) != 1 ||
	    head->status < 100)
		return -EPROTO;
	length = find_field(head->text, "Content-Length");
	head->length = length ? strtol(length, &end, 10) : -1;
	if (length && (head->length < 0 || *end != '\r'))
		return -EPROTO;
	return 0;
}

/* Until there is an empty line. */
static int read_head(heph_ctx ctx, heph_fd fd, struct head *head)
{
	int n;

	head->n = 0;
	do {
		if (head->n == HEAD_MAX)
			return -EMSGSIZE;
		n = heph_read(ctx, fd, head->text + head->n,
			      HEAD_MAX - head->n);
		if (n <= 0)
			return n < 0 ? n : -EPROTO;
		head->n += (size_t)n;
		head->text[head->n] = '\0';
		head->body = strstr(head->text, "\r\n\r\n");
	} while (!head->body);
	head->body += 2;
	*head->body = '\0'; /* the last field still has its end of line */
	head->body += 2;
	return parse_head(head);
}

/* To standard output, which blocks the worker: there is nobody else. */
static int print(const char *bytes, size_t n)
{
	return fwrite(bytes, 1, n, stdout) == n ? 0 : -EIO;
}

static int print_body(heph_ctx ctx, heph_fd fd, const struct head *head)
{
	size_t here = head->n - (size_t)(head->body - head->text);
	long total = (long)here;
	char buf[4096];
	int n = 0, err = print(head->body, here);

	while (err == 0 && (n = heph_read(ctx, fd, buf, sizeof(buf))) > 0) {
		err = print(buf, (size_t)n);
		total += n;
	}
	if (err == 0 && n < 0)
		err = n;
	if (err == 0 && head->length >= 0 && total < head->length)
		err = -ENODATA; /* the connection was cut */
	return err;
}

static int get(heph_ctx ctx, const struct url *url, struct head *head)
{
	heph_fd fd;
	int err = connect_to(ctx, url, &fd);

	if (err == 0)
		err = ask(ctx, fd, url);
	if (err == 0)
		err = read_head(ctx, fd, head);
	if (err == 0)
		err = print_body(ctx, fd, head);
	return err; /* the descriptor is closed with the actor */
}

/* ---- the program -------------------------------------------------------------------- */

struct client_arg {
	const char *url;
};

HEPH_ACTOR(client, void, struct client_arg);

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	struct head *head = heph_alloc(ctx, sizeof(*head));
	struct url url;
	int err = head ? parse_url(&url, arg->url) : -ENOMEM;

	if (err == 0)
		err = get(heph_within(ctx, PATIENCE), &url, head);
	if (err < 0)
		return err;
	if (head->status / 100 == 2)
		return 0;
	fprintf(stderr, "http_client: %s: %.*s\n", arg->url,
		(int)strcspn(head->text, "\r"), head->text);
	return -EBADMSG;
}
HEPH_ACTOR_MAIN(client, client_main);

int main(int argc, char **argv)
{
	int err;

	if (argc != 2) {
		fprintf(stderr,
			"usage: http_client http://HOST[:PORT][/PATH]\n");
		return 2;
	}
	err = heph_run(NULL, client, { argv[1] });
	if (err < 0 && err != -EBADMSG)
		fprintf(stderr, "http_client: %s: %s\n", argv[1],
			strerror(-err));
	return err < 0;
}
