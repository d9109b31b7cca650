/* SPDX-License-Identifier: MIT */
/*
 * A filter that compresses.
 *
 * It decides when the head is sent, because only then type and length are known. A
 * compressor works for as long as it is given bytes: so it gets them in pieces, and
 * other actors run in between.
 */
#include <heph/http/compress.h>
#include <heph/http/value.h>
#include <heph/time.h>

#include <errno.h>
#include <string.h>

#include "http/config.h"
#include "http/encode.h"
#include "http/response.h"

enum {
	MIN_SIZE = 1024,
	PIECE = 32 << 10, /* bytes that go in before others have a turn */
	OUT = 16 << 10,   /* bytes that come out before they are given on */
};

static const char worth[] =
	"text/* application/json application/javascript application/xml "
	"application/*+json application/*+xml application/manifest+json "
	"application/wasm application/x-javascript application/x-ndjson "
	"application/rtf application/vnd.ms-fontobject font/ttf font/otf "
	"font/collection image/svg+xml image/bmp image/x-icon "
	"image/vnd.microsoft.icon";

struct compressor {
	struct heph_http_filter filter; /* first */
	struct heph_http_request *req;
	struct heph_http_compress options;
	struct heph_http_encoder *encoder; /* NULL: no body will come, or no more */
	char *out;     /* OUT bytes, in memory of the request */
	uint64_t left; /* bytes that are to go in; HEPH_HTTP_UNKNOWN */
};

static struct compressor *of(struct heph_http_filter *filter)
{
	return (struct compressor *)filter;
}

/* ---- which responses ------------------------------------------------------------------- */

/* "text/plain; charset=utf-8" without what follows the type. */
static struct heph_str type_alone(struct heph_str type)
{
	size_t size = 0;

	while (size < type.size && !strchr("; \t", type.data[size]))
		size++;
	return heph_str_of(type.data, size);
}

static bool same(const char *a, const char *b, size_t size)
{
	return strncasecmp(a, b, size) == 0;
}

/* Whether a pattern with at most one "*" in it is of that type. */
static bool fits(struct heph_str pattern, struct heph_str type)
{
	const char *star = memchr(pattern.data, '*', pattern.size);
	size_t before, behind;

	if (!star)
		return pattern.size == type.size &&
		       same(pattern.data, type.data, type.size);
	before = (size_t)(star - pattern.data);
	behind = pattern.size - before - 1;
	return type.size >= before + behind &&
	       same(pattern.data, type.data, before) &&
	       same(star + 1, type.data + type.size - behind, behind);
}

static bool is_worth_it(const char *types, struct heph_str type)
{
	struct heph_str pattern;

	type = type_alone(type);
	while (type.size > 0 && *types) {
		pattern = heph_str_of(types, strcspn(types, " "));
		if (fits(pattern, type))
			return true;
		types += pattern.size;
		types += strspn(types, " ");
	}
	return false;
}

static bool may_be_changed(const struct heph_http_response *res)
{
	return heph_http_status_of(res) != 206 &&
	       !heph_http_added(res, "Content-Encoding").data &&
	       !heph_http_added(res, "Content-Range").data &&
	       !heph_http_list_has(heph_http_added(res, "Cache-Control"),
				   "no-transform");
}

static bool concerns(const struct compressor *it,
		     const struct heph_http_response *res, uint64_t length)
{
	const char *types = it->options.types ? it->options.types : worth;
	uint64_t min = it->options.min_size ? it->options.min_size : MIN_SIZE;

	return length >= min && may_be_changed(res) &&
	       is_worth_it(types, heph_http_added(res, "Content-Type"));
}

/* ---- how ----------------------------------------------------------------------------------- */

static enum heph_http_coding choose(const struct compressor *it)
{
	const struct heph_http_compress *options = &it->options;
	enum heph_http_coding order[HEPH_HTTP_CODINGS], *next = order;

	if (!options->no_zstd && heph_http_encoder_type(HEPH_HTTP_ZSTD))
		*next++ = HEPH_HTTP_ZSTD;
	if (!options->no_br && heph_http_encoder_type(HEPH_HTTP_BR))
		*next++ = HEPH_HTTP_BR;
	if (!options->no_gzip && heph_http_encoder_type(HEPH_HTTP_GZIP))
		*next++ = HEPH_HTTP_GZIP;
	*next = HEPH_HTTP_IDENTITY;
	return heph_http_coding_choose(&it->req->fields, order);
}

static int level_of(const struct heph_http_compress *options,
		    enum heph_http_coding coding)
{
	return coding == HEPH_HTTP_ZSTD ? options->zstd_level :
	       coding == HEPH_HTTP_BR	? options->br_quality :
					  options->gzip_level;
}

static int begin(struct compressor *it, enum heph_http_coding coding,
		 uint64_t length)
{
	const struct heph_http_coder_options options = {
		.length = length, .level = level_of(&it->options, coding)
	};

	if (it->req->method == HEPH_HTTP_HEAD)
		return 0;
	it->out = heph_http_alloc(it->req, OUT);
	return it->out ? heph_http_encoder_new(coding, &options, &it->encoder) :
			 -ENOMEM;
}

static void add_vary(struct heph_http_response *res)
{
	struct heph_str vary = heph_http_added(res, "Vary");

	if (!heph_http_list_has(vary, "Accept-Encoding") &&
	    !heph_http_list_has(vary, "*"))
		heph_http_add(res, "Vary", "Accept-Encoding");
}

/* The tag is not of these bytes any more. */
static void weaken(struct compressor *it, struct heph_http_response *res)
{
	struct heph_str tag = heph_http_added(res, "ETag");
	char *text;

	if (tag.size == 0 || tag.data[0] != '"')
		return;
	text = heph_http_alloc(it->req, tag.size + 3);
	if (text) {
		memcpy(text, "W/", 2);
		memcpy(text + 2, tag.data, tag.size);
		text[tag.size + 2] = '\0';
		heph_http_set(res, "ETag", text);
	} else {
		heph_http_remove(res, "ETag");
	}
}

/* Nobody knows how long the body was that is not sent, so it is taken for one that
 * would be compressed. RFC 9110, section 15.4.5. */
static void see_unchanged(struct compressor *it, struct heph_http_response *res)
{
	const char *types = it->options.types ? it->options.types : worth;
	struct heph_str type = heph_http_added(res, "Content-Type");

	if (!may_be_changed(res) || (type.data && !is_worth_it(types, type)))
		return;
	add_vary(res);
	if (choose(it) != HEPH_HTTP_IDENTITY)
		weaken(it, res);
}

static int see_head(struct heph_http_filter *filter,
		    struct heph_http_response *res, uint64_t *length)
{
	struct compressor *it = of(filter);
	enum heph_http_coding coding;

	if (heph_http_status_of(res) == 304)
		see_unchanged(it, res);
	if (heph_http_status_of(res) == 304 || !concerns(it, res, *length))
		return 0;
	add_vary(res);
	coding = choose(it);
	if (coding == HEPH_HTTP_IDENTITY || begin(it, coding, *length) < 0)
		return 0;
	heph_http_set(res, "Content-Encoding", heph_http_coding_name(coding));
	heph_http_remove(res, "Accept-Ranges");
	weaken(it, res);
	it->left = *length;
	*length = HEPH_HTTP_UNKNOWN;
	return 1;
}

/* ---- the body ------------------------------------------------------------------------------- */

static int encode(heph_ctx ctx, struct compressor *it,
		  struct heph_http_response *res, struct heph_str in,
		  enum heph_http_coder_wish wish)
{
	int n, err = 0;

	do {
		n = heph_http_encode(it->encoder, wish, &in, it->out, OUT);
		if (n > 0)
			err = heph_http_filter_write(ctx, &it->filter, res,
						     it->out, (size_t)n);
	} while (n > 0 && err == 0);
	return n < 0 ? n : err;
}

static int give_turn(heph_ctx ctx, const struct heph_http_response *res)
{
	int err = heph_yield(heph_http_response_ctx(ctx, res));

	return err == -ECANCELED ? 0 : err; /* what is begun is ended */
}

/* The framing of what comes out does not tell any more. */
static int count(struct compressor *it, struct heph_http_response *res, size_t size)
{
	if (it->left == HEPH_HTTP_UNKNOWN)
		return 0;
	if (size > it->left) {
		heph_http_response_fail(res);
		return -EMSGSIZE;
	}
	it->left -= size;
	return 0;
}

static int write_body(heph_ctx ctx, struct heph_http_filter *filter,
		      struct heph_http_response *res, const void *data,
		      size_t size)
{
	const char *at = data;
	size_t n;
	int err;

	if (!of(filter)->encoder)
		return 0;
	err = count(of(filter), res, size);
	while (size > 0 && err == 0) {
		n = size < PIECE ? size : PIECE;
		err = encode(ctx, of(filter), res, heph_str_of(at, n),
			     HEPH_HTTP_GO_ON);
		at += n;
		size -= n;
		if (err == 0 && size > 0)
			err = give_turn(ctx, res);
	}
	return err;
}

static int flush(heph_ctx ctx, struct heph_http_filter *filter,
		 struct heph_http_response *res)
{
	return of(filter)->encoder ? encode(ctx, of(filter), res,
					    heph_str(""), HEPH_HTTP_FLUSH) :
				     0;
}

static void free_encoder(struct heph_http_filter *filter)
{
	heph_http_encoder_free(of(filter)->encoder);
	of(filter)->encoder = NULL;
}

static int end(heph_ctx ctx, struct heph_http_filter *filter,
	       struct heph_http_response *res)
{
	struct compressor *it = of(filter);
	int err = 0;

	if (it->encoder && it->left > 0 && it->left != HEPH_HTTP_UNKNOWN)
		err = -ENODATA;
	else if (it->encoder)
		err = encode(ctx, it, res, heph_str(""), HEPH_HTTP_FINISH);
	free_encoder(filter);
	return err;
}

/* ---- for users ------------------------------------------------------------------------------ */

int heph_http_compress(struct heph_http_request *req,
		       struct heph_http_response *res,
		       const struct heph_http_compress *options)
{
	struct compressor *it = heph_http_alloc(req, sizeof(*it));

	if (!it)
		return -ENOMEM;
	*it = (struct compressor){
		.filter = { .head = see_head,
			    .write = write_body,
			    .flush = flush,
			    .end = end,
			    .free = free_encoder },
		.req = req,
	};
	if (options &&
	    !heph_take_options__(&it->options, sizeof(*options), options))
		return -EINVAL;
	heph_http_add_filter(res, &it->filter);
	return 0;
}

int heph_http_start_compress(const void *config,
			     struct heph_http_router *router,
			     const void **ret_config, const char **ret_why)
{
	struct heph_http_compress *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	*ret_config = its;
	return its ? 0 : err;
}
HEPH_HTTP_NO_STOP(compress);

int heph_http_run_compress(heph_ctx ctx, const void *config,
			   struct heph_http_request *req,
			   struct heph_http_response *res,
			   const struct heph_http_chain *chain)
{
	heph_http_compress(req, res, config); /* or not, without memory */
	return heph_http_go_on(ctx, req, res, chain);
}
