/* SPDX-License-Identifier: MIT */
/*
 * reverse_proxy.c - an HTTP server that lets another one answer
 *
 * usage: reverse_proxy ADDRESS UPSTREAM
 *
 *     reverse_proxy 127.0.0.1:7890 http://127.0.0.1:8080
 *
 * Requests and responses pass as they come, piece by piece: neither is ever in
 * memory as a whole, and a slow side makes the other one wait. A server that begins
 * to answer while it still reads is answered for at once, and gets the rest. What is
 * about one connection alone stays on it (RFC 9110, section 7.6.1). 502: there is no
 * answer, or none that makes sense; 504: it took too long.
 */
#include <heph/http.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct proxy {
	struct heph_http_client client;
	char upstream[300];
};

/* ---- fields --------------------------------------------------------------------- */

/* What a proxy does not pass on, besides what Connection names. Expect: this server
 * answers it, when the body is read. */
static const char *const of_connection[] = {
	"Connection",	     "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
	"Transfer-Encoding", "Upgrade",    "Content-Length", "Expect",
};

static bool lists(struct heph_str list, struct heph_str name)
{
	struct heph_str member;
	size_t at = 0;

	while (heph_http_list_next(list, &at, &member) == 1)
		if (member.size == name.size &&
		    strncasecmp(member.data, name.data, name.size) == 0)
			return true;
	return false;
}

static bool is_named(const struct heph_http_fields *fields, struct heph_str name)
{
	for (unsigned n = 0; n < fields->n; n++)
		if (heph_str_equal_case(heph_http_field_name(&fields->at[n]),
					"Connection") &&
		    lists(heph_http_field_value(&fields->at[n]), name))
			return true;
	return false;
}

static bool passes(const struct heph_http_fields *fields, struct heph_str name)
{
	for (size_t n = 0; n < sizeof(of_connection) / sizeof(char *); n++)
		if (heph_str_equal_case(name, of_connection[n]))
			return false;
	return !is_named(fields, name);
}

static void add(struct heph_http_fields *to, const char *name,
		struct heph_str value)
{
	to->at[to->n++] = (struct heph_http_field){
		.name = name,
		.name_size = (uint16_t)strlen(name),
		.value = value.data,
		.value_size = (uint32_t)value.size,
	};
}

/* What is told about who made a request. */
struct maker {
	char host[HEPH_ADDRESS_MAX]; /* without its port; IPv6 in brackets */
	char forwarded[HEPH_ADDRESS_MAX + 40];
};

static void add_forwarded(struct heph_http_request *req,
			  struct heph_http_fields *to, struct maker *maker)
{
	char *host = maker->host, *port;

	if (heph_address_print(heph_http_peer(req), host) < 0)
		return;
	port = strrchr(host, ':');
	if (port)
		*port = '\0';
	snprintf(maker->forwarded, sizeof(maker->forwarded), "for=\"%s\";proto=%s",
		 host, req->secure ? "https" : "http");
	add(to, "Forwarded", heph_str(maker->forwarded));
	if (*host == '[') {
		host++;
		host[strlen(host) - 1] = '\0';
	}
	add(to, "X-Forwarded-For", heph_str(host));
	add(to, "X-Forwarded-Host", req->host);
}

/* Those of the request that pass, and who made it. */
static int make_fields(struct heph_http_request *req,
		       struct heph_http_fields *to)
{
	const struct heph_http_fields *from = &req->fields;
	struct maker *maker = heph_http_alloc(req, sizeof(*maker));

	to->n = 0;
	to->room = from->n + 3;
	to->at = heph_http_alloc(req, to->room * sizeof(*to->at));
	if (!maker || !to->at)
		return -ENOMEM;
	for (unsigned n = 0; n < from->n; n++)
		if (passes(from, heph_http_field_name(&from->at[n])))
			to->at[to->n++] = from->at[n];
	add_forwarded(req, to, maker);
	return 0;
}

/* ---- back ------------------------------------------------------------------------ */

/* A request on its way. */
struct passing {
	struct heph_http_request *req;
	struct heph_http_response *res;
	struct heph_http_reply *reply;
	struct heph_http_failure failure;
	bool begun, over; /* the response */
};

/* What the client takes of a response this server's side may not. */
static bool is_sane(struct heph_str name, struct heph_str value)
{
	return heph_http_is_token(name) && heph_http_is_value(value);
}

static int copy_head(const struct passing *it)
{
	char *text = heph_http_alloc(it->req, 16384 + 2);

	if (!text)
		return -ENOMEM;
	if (it->reply->status < 200 || it->reply->status > 599)
		return -EPROTO;
	heph_http_status(it->res, it->reply->status);
	for (unsigned n = 0; n < it->reply->fields.n; n++) {
		const struct heph_http_field *field = &it->reply->fields.at[n];
		struct heph_str name = heph_http_field_name(field);
		struct heph_str value = heph_http_field_value(field);

		if (!passes(&it->reply->fields, name) ||
		    heph_str_equal_case(name, "Date"))
			continue;
		if (!is_sane(name, value))
			return -EPROTO;
		sprintf(text, "%.*s%c%.*s", HEPH_STR(name), 0, HEPH_STR(value));
		heph_http_add(it->res, text, text + name.size + 1);
	}
	return 0;
}

/* The response to HEAD says how long the body of GET would be. */
static uint64_t length_of(const struct heph_http_request *req,
			  const struct heph_http_reply *reply)
{
	uint64_t length;

	if (req->method == HEPH_HTTP_HEAD &&
	    heph_http_number(heph_http_reply_field(reply, "Content-Length"),
			     &length) == 0)
		return length;
	return reply->length;
}

static int begin(heph_ctx ctx, struct passing *it)
{
	int err = copy_head(it);

	if (err < 0)
		return err;
	it->begun = true;
	return heph_http_begin(ctx, it->res, length_of(it->req, it->reply));
}

/* A piece of the response; what comes first is its head. */
static int pass_piece(heph_ctx ctx, struct passing *it)
{
	const char *data;
	int n, err;

	if (!it->begun)
		return begin(ctx, it);
	n = heph_http_reply_view(ctx, it->reply, &data);
	if (n <= 0) {
		it->over = n == 0;
		return n;
	}
	err = heph_http_write(ctx, it->res, data, (size_t)n);
	if (err == 0 && it->reply->length == HEPH_HTTP_UNKNOWN)
		err = heph_http_flush(ctx, it->res); /* it may be a trickle */
	return err;
}

static int pass_rest(heph_ctx ctx, struct passing *it)
{
	int err = 0;

	while (err == 0 && !it->over)
		err = pass_piece(ctx, it);
	return err < 0 ? err : heph_http_end(ctx, it->res);
}

/* ---- there ----------------------------------------------------------------------- */

/* Some bytes of the body; whatever comes back meanwhile goes back. */
static int send_bytes(heph_ctx ctx, struct passing *it, const char *data,
		      size_t size)
{
	int n = 0, err = 0;

	for (; err == 0 && size && !it->over; data += n, size -= (size_t)n) {
		n = heph_http_fetch_some(ctx, it->reply, data, size);
		if (n == 0)
			err = pass_piece(ctx, it);
		if (n < 0)
			return n;
	}
	return err;
}

/* Until the body has ended, or the response. */
static int send_body(heph_ctx ctx, struct passing *it)
{
	char *buf = heph_http_alloc(it->req, 16384);
	int n, err = buf ? 0 : -ENOMEM;

	while (err == 0 && !it->over) {
		n = heph_http_fetch_either(ctx, it->reply, it->req);
		if (n == 1) {
			err = pass_piece(ctx, it);
			continue;
		}
		if (n == 0)
			n = heph_http_read(ctx, it->req, buf, 16384);
		if (n == 0)
			return heph_http_fetch_end(ctx, it->reply);
		err = n < 0 ? n : send_bytes(ctx, it, buf, (size_t)n);
	}
	return err == -EALREADY ? 0 : err; /* it wants no more */
}

static int ask(heph_ctx ctx, struct passing *it, const char *url)
{
	struct heph_http_request *req = it->req;
	const struct proxy *proxy = heph_http_app(req, struct proxy);
	struct heph_http_fields fields;
	char *name = heph_http_alloc(req, req->method_name.size + 1);
	int err = name ? make_fields(req, &fields) : -ENOMEM;

	if (err < 0)
		return err;
	memcpy(name, req->method_name.data, req->method_name.size);
	name[req->method_name.size] = '\0';
	if (req->length == 0)
		return heph_http_fetch(ctx, proxy->client, url, &it->reply,
				       .method_name = name, .copied = &fields,
				       .redirects = HEPH_HTTP_NO_REDIRECTS,
				       .no_decode = true,
				       .failure = &it->failure);
	err = heph_http_fetch_begin(ctx, proxy->client, url, &it->reply,
				    .method_name = name, .copied = &fields,
				    .both_ways = true, .no_decode = true,
				    .length = req->length,
				    .failure = &it->failure);
	return err < 0 ? err : send_body(ctx, it);
}

/* What it could not be passed on for. */
static int fail(heph_ctx ctx, struct passing *it, int err)
{
	const char *why = it->failure.text;

	if (err == -EPROTO && !*why)
		why = "a response that cannot be passed on";
	if (*why) /* it is the other server's fault */
		fprintf(stderr, "reverse_proxy: %s\n", why);
	if (!*why || it->begun)
		return err;
	return heph_http_error(ctx, it->res, err == -ETIME ? 504 : 502);
}

static int pass(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	const struct proxy *proxy = heph_http_app(req, struct proxy);
	size_t room = strlen(proxy->upstream) + req->path.size +
		      req->query.size + 2;
	char *url = heph_http_alloc(req, room);
	struct passing *it = heph_http_alloc(req, sizeof(*it));
	int err;

	if (!url || !it)
		return -ENOMEM;
	memset(it, 0, sizeof(*it));
	it->req = req;
	it->res = res;
	snprintf(url, room, "%s%.*s%s%.*s", proxy->upstream,
		 HEPH_STR(req->path), req->query.size ? "?" : "",
		 HEPH_STR(req->query));
	err = ask(ctx, it, url);
	if (err == 0)
		err = pass_rest(ctx, it);
	if (err < 0)
		err = fail(ctx, it, err);
	heph_http_reply_free(ctx, it->reply);
	return err;
}

/* ---- the program ------------------------------------------------------------------- */

struct main_arg {
	const char *address, *upstream;
};

HEPH_ACTOR(proxy, void, struct main_arg);

static int proxy_main(heph_ctx ctx, struct main_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	size_t size = strlen(arg->upstream);
	struct proxy proxy;
	heph_fd listener;
	int err;

	while (size && arg->upstream[size - 1] == '/')
		size--;
	snprintf(proxy.upstream, sizeof(proxy.upstream), "%.*s", (int)size,
		 arg->upstream);
	err = heph_http_client_start(ctx, &proxy.client, .per_host = 64,
				     .times = { .head = 20 * HEPH_SEC });
	if (err == 0)
		err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_http_serve_on(ctx, listener, .handler = pass,
				  HEPH_HTTP_APP(struct proxy, &proxy),
				  .body = UINT64_MAX,
				  .handler_time = HEPH_NEVER,
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(proxy, proxy_main);

int main(int argc, char **argv)
{
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: reverse_proxy ADDRESS UPSTREAM\n");
		return 2;
	}
	err = heph_run(NULL, proxy, { argv[1], argv[2] });
	if (err < 0)
		fprintf(stderr, "reverse_proxy: %s\n", strerror(-err));
	return err < 0;
}
