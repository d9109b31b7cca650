/* SPDX-License-Identifier: MIT */
/* Forms that come to a server in pieces. */
#include "act.h"

#include <heph/http.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the server: tells what it has got --------------------------------------------- */

struct telling {
	char text[1024];
	size_t size;
};

static void tell(struct telling *telling, struct heph_str text, const char *end)
{
	int n = snprintf(telling->text + telling->size,
			 sizeof(telling->text) - telling->size, "%.*s%s",
			 HEPH_STR(text), end);

	must(n >= 0 && telling->size + (size_t)n < sizeof(telling->text));
	telling->size += (size_t)n;
}

static int tell_part(heph_ctx ctx, struct heph_http_form *form,
		     const struct heph_http_part *part, struct telling *telling)
{
	struct heph_str piece;
	int got;

	tell(telling, part->name, part->filename.data ? "/" : "");
	tell(telling, part->filename, part->type.data ? " " : "");
	tell(telling, part->type, "=");
	if (heph_str_equal(part->name, "skipped"))
		return 0;
	while ((got = heph_http_form_read(ctx, form, &piece)) > 0) {
		must(piece.size > 0);
		tell(telling, piece, "");
	}
	if (got == 0)
		must_be(heph_http_form_read(ctx, form, &piece), 0);
	tell(telling, heph_str(""), ";");
	return got;
}

static int show_form(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	struct telling *telling = heph_http_alloc(req, sizeof(*telling));
	struct heph_http_form *form = NULL;
	struct heph_http_part part;
	int err, got = 0;

	must(telling);
	telling->size = 0;
	err = heph_http_form_new(req, &form);
	while (err == 0 && (got = heph_http_form_next(ctx, form, &part)) > 0) {
		must(heph_http_form_fields(form)->n <= HEPH_HTTP_PART_FIELDS);
		err = tell_part(ctx, form, &part, telling);
	}
	if (err == 0)
		err = got;
	if (err < 0) {
		/* The same error again, whatever is asked for. */
		if (form)
			must_be(heph_http_form_next(ctx, form, &part), err);
		return err;
	}
	must_be(heph_http_form_next(ctx, form, &part), 0);
	return heph_http_send(ctx, res, telling->text, telling->size);
}

struct server_arg {
	heph_fd listener;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	return heph_http_serve_on(ctx, arg->listener, .handler = show_form);
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- the client ---------------------------------------------------------------------- */

static const char *type = "multipart/form-data; boundary=b";

/* Sends a request whose body is cut at `cut`, and reads the answer. */
static void ask(heph_ctx ctx, const char *address, const char *body, size_t cut,
		char *answer, size_t room)
{
	size_t size = strlen(body), got = 0;
	char head[256];
	heph_fd fd;
	int n;

	n = snprintf(head, sizeof(head),
		     "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		     "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		     type, size);
	must_be(heph_connect(ctx, address, &fd), 0);
	must_be(heph_write_all(ctx, fd, head, (size_t)n), 0);
	must_be(heph_write_all(ctx, fd, body, cut), 0);
	must_be(heph_yield(ctx), 0);
	must_be(heph_write_all(ctx, fd, body + cut, size - cut), 0);
	while ((n = heph_read(ctx, fd, answer + got, room - 1 - got)) > 0)
		got += (size_t)n;
	must(n == 0 || n == -ECONNRESET);
	answer[got] = '\0';
	heph_close(fd);
}

/* Asks, and compares: the body of 200, or the status of others. */
static void expect(heph_ctx ctx, const char *address, const char *body, size_t cut,
		   const char *expected)
{
	char *answer = malloc(4096), *text;

	must(answer);
	ask(ctx, address, body, cut, answer, 4096);
	text = strstr(answer, "\r\n\r\n");
	must(text && strncmp(answer, "HTTP/1.1 ", 9) == 0);
	text += 4;
	if (strncmp(answer + 9, "200", 3) != 0) {
		text = answer + 9;
		text[3] = '\0';
	}
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "%s: %s\n", body, text);
	must(strcmp(text, expected) == 0);
	free(answer);
}

static void start(heph_ctx ctx, char *address, server_ref *server)
{
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	must_be(heph_spawn(ctx, server, server, { listener }, .give = listener),
		0);
}

#define PART(name_) "--b\r\nContent-Disposition: form-data; name=" name_ "\r\n"

static const struct {
	const char *body, *expected;
} rows[] = {
	{ PART("a") "\r\none\r\n--b--", "a=one;" },
	{ PART("a") "\r\n\r\n" PART("\"b c\"") "\r\ntwo\r\n--b--\r\n",
	  "a=;b c=two;" },
	{ PART("f; filename=\"x.txt\"") "Content-Type: text/plain\r\n\r\n"
	  "line\r\n--\r\n--b--", "f/x.txt text/plain=line\r\n--;" },
	{ PART("f; filename*=UTF-8''%c3%a4") "\r\n\r\n--b--", "f/\xc3\xa4=;" },
	{ PART("skipped") "\r\nnobody reads this\r\n" PART("a") "\r\nx\r\n--b--",
	  "skipped=a=x;" },
	{ "--b\r\n\r\nno head\r\n--b--", "=no head;" },
	{ "--b--", "" },
	{ "", "400" },
	{ "nothing like it", "400" },
	{ PART("a") "\r\nhalf", "400" },
	{ PART("a") "\r\nwhole, but\r\n--b\r\n", "400" },
	{ "--b\r\nContent-Disposition: form-data; name=\"\r\n\r\nx\r\n--b--",
	  "400" },
	{ "--b\r\nno field\r\n\r\nx\r\n--b--", "400" },
};

static int come_in_pieces(heph_ctx ctx, act_inbox in, void *arg)
{
	char address[HEPH_ADDRESS_MAX];
	server_ref server;

	start(ctx, address, &server);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t size = strlen(rows[i].body);

		for (size_t cut = 0; cut <= size; cut += 1 + size / 5)
			expect(ctx, address, rows[i].body, cut,
			       rows[i].expected);
	}
	heph_stop(server);
	return 0;
}

static void forms_come_in_pieces(void **state)
{
	run(come_in_pieces, NULL);
}

static int is_no_form(heph_ctx ctx, act_inbox in, void *arg)
{
	char address[HEPH_ADDRESS_MAX];
	server_ref server;

	start(ctx, address, &server);
	type = "application/x-www-form-urlencoded";
	expect(ctx, address, "a=b", 0, "400");
	type = "multipart/form-data";
	expect(ctx, address, "--b--", 0, "400");
	type = "multipart/form-data; boundary=b";
	heph_stop(server);
	return 0;
}

static void what_is_no_form_is_refused(void **state)
{
	run(is_no_form, NULL);
}

/* Larger than what the reader has room for. */
static int is_large(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { SIZE = 100000 };
	char address[HEPH_ADDRESS_MAX];
	char *body = malloc(SIZE + 200);
	size_t at;
	server_ref server;

	must(body);
	at = (size_t)sprintf(body, "%s", PART("skipped") "\r\n");
	memset(body + at, '\r', SIZE);
	sprintf(body + at + SIZE, "%s", "\r\n" PART("a") "\r\nx\r\n--b--");
	start(ctx, address, &server);
	expect(ctx, address, body, SIZE / 3, "skipped=a=x;");
	/* A head that is too long. */
	memset(body + at - 2, 'x', SIZE);
	expect(ctx, address, body, SIZE / 3, "413");
	heph_stop(server);
	free(body);
	return 0;
}

static void parts_may_be_large_and_heads_not(void **state)
{
	run(is_large, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_come_in_pieces),
		cmocka_unit_test(what_is_no_form_is_refused),
		cmocka_unit_test(parts_may_be_large_and_heads_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
