/* SPDX-License-Identifier: MIT */
/*
 * parse.c - our parser of requests beside others in C, on the same bytes
 *
 *     http-parse [NAME=PATH]...
 *
 * Prints for each request and each parser the median of ROUNDS rounds, in which all
 * have their turn: nanoseconds of the processor for a request, and what that is in
 * bytes; the least of them too; bytes in a tick of the time-stamp counter, at best;
 * and how it compares with the fastest of the others.
 *
 * The others are shared libraries, looked for where the system has them: those of
 * Debian's libh2o (picohttpparser is in it), libnode (llhttp) and libhttp-parser.
 * NAME=PATH is one more that has phr_parse_request(). Who is not there is left out.
 * They give no more than views of the fields; ours has judged Host, the length of
 * the body and the connection, too.
 */
#include <heph/http.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum { ROUNDS = 41, FIELDS = 100, PARSERS_MOST = 8, VARIED = 16 };

struct text {
	const char *data;
	size_t size;
};

/* Parses one request. Returns how many fields it has; less than 0: it has failed. */
typedef int parse_function(const struct text *text);

struct parser {
	const char *name;
	parse_function *parse;
	void *init, *function; /* of a library */
	double ns[ROUNDS], ticks[ROUNDS];
};

static struct parser parsers[PARSERS_MOST];
static unsigned n_parsers;
static struct parser *its_turn;

/* ---- what is parsed ---------------------------------------------------------- */

static const char browser[] =
	"GET /articles/2026/11/how-actors-wait?page=2&sort=newest HTTP/1.1\r\n"
	"Host: www.example.org\r\n"
	"Connection: keep-alive\r\n"
	"sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n"
	"sec-ch-ua-mobile: ?0\r\n"
	"sec-ch-ua-platform: \"Linux\"\r\n"
	"Upgrade-Insecure-Requests: 1\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
	"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,"
	"image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
	"Sec-Fetch-Site: same-origin\r\n"
	"Sec-Fetch-Mode: navigate\r\n"
	"Sec-Fetch-User: ?1\r\n"
	"Sec-Fetch-Dest: document\r\n"
	"Referer: https://www.example.org/articles/2026/11/\r\n"
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	"\r\n";

static const char curl[] = "GET /plaintext HTTP/1.1\r\n"
			   "Host: 127.0.0.1:8080\r\n"
			   "User-Agent: curl/8.14.1\r\n"
			   "Accept: */*\r\n"
			   "\r\n";

static char varied_data[VARIED][2048];
static struct text varied[VARIED];

/* The fields of the browser in other orders, and with more in some, so that no
 * processor learns where all the ends are. */
static void vary(void)
{
	const char *lines[32];
	unsigned n = 0, seed = 5;

	for (const char *at = strchr(browser, '\n') + 1; *at != '\r';
	     at = strchr(at, '\n') + 1)
		lines[n++] = at;
	for (int i = 0; i < VARIED; i++) {
		char *to = varied_data[i];

		to += sprintf(to, "GET /%.*s HTTP/1.1\r\n", i * 3,
			      "articles/2026/11/how-actors-wait-for-each-other");
		for (unsigned left = n; left > 0; left--) {
			unsigned pick = (unsigned)rand_r(&seed) % left;
			const char *line = lines[pick];
			bool more = *line != 'H' && rand_r(&seed) % 4 == 0;

			lines[pick] = lines[left - 1];
			lines[left - 1] = line;
			to += sprintf(to, "%.*s%.*s\r\n",
				      (int)strcspn(line, "\r"), line,
				      more ? rand_r(&seed) % 20 : 0,
				      ",and;more=of-it-all-x");
		}
		to += sprintf(to, "\r\n");
		varied[i] = (struct text){ varied_data[i],
					   (size_t)(to - varied_data[i]) };
	}
}

/* ---- the parsers -------------------------------------------------------------- */

static int parse_ours(const struct text *text)
{
	struct heph_http_field places[FIELDS];
	struct heph_http_request_head head;

	head.fields = (struct heph_http_fields){ .at = places, .room = FIELDS };
	if (heph_http_parse_request(text->data, text->size, 0, NULL, &head) !=
	    (ssize_t)text->size)
		return -1;
	return (int)head.fields.n;
}

struct phr_field {
	const char *name;
	size_t name_size;
	const char *value;
	size_t value_size;
};

typedef int phr_parse_request(const char *data, size_t size, const char **method,
			      size_t *method_size, const char **path,
			      size_t *path_size, int *minor,
			      struct phr_field *fields, size_t *n, size_t seen);

static int parse_phr(const struct text *text)
{
	phr_parse_request *function = (phr_parse_request *)its_turn->function;
	struct phr_field fields[FIELDS];
	const char *method, *path;
	size_t method_size, path_size, n = FIELDS;
	int minor;

	if (function(text->data, text->size, &method, &method_size, &path,
		     &path_size, &minor, fields, &n, 0) != (int)text->size)
		return -1;
	return (int)n;
}

/*
 * llhttp and its forerunner http_parser call functions, which keep what they are
 * told as the others do. Of the structs that both have no more is known here than
 * which functions come first, and that this is room enough.
 */
static struct {
	struct phr_field fields[FIELDS];
	const char *path;
	size_t path_size;
	int n;
} kept;

static int keep_path(void *parser, const char *at, size_t size)
{
	kept.path = at;
	kept.path_size = size;
	return 0;
}

static int keep_name(void *parser, const char *at, size_t size)
{
	if (kept.n == FIELDS)
		return 1;
	kept.fields[kept.n].name = at;
	kept.fields[kept.n++].name_size = size;
	return 0;
}

static int keep_value(void *parser, const char *at, size_t size)
{
	kept.fields[kept.n - 1].value = at;
	kept.fields[kept.n - 1].value_size = size;
	return 0;
}

typedef int keep(void *parser, const char *at, size_t size);

static const struct {
	void *begin;
	keep *url, *status, *name, *value;
	void *more[64];
} keepers = { .url = keep_path, .name = keep_name, .value = keep_value };

static _Alignas(64) char parser_room[1024];

static int parse_llhttp(const struct text *text)
{
	void (*init)(void *, int, const void *);
	int (*execute)(void *, const char *, size_t);

	init = (void (*)(void *, int, const void *))its_turn->init;
	execute = (int (*)(void *, const char *, size_t))its_turn->function;
	kept.n = 0;
	init(parser_room, 1, &keepers); /* HTTP_REQUEST */
	return execute(parser_room, text->data, text->size) == 0 ? kept.n : -1;
}

static int parse_http_parser(const struct text *text)
{
	void (*init)(void *, int);
	size_t (*execute)(void *, const void *, const char *, size_t);

	init = (void (*)(void *, int))its_turn->init;
	execute = (size_t(*)(void *, const void *, const char *, size_t))
			  its_turn->function;
	kept.n = 0;
	init(parser_room, 0); /* HTTP_REQUEST */
	return execute(parser_room, &keepers, text->data, text->size) ==
			       text->size ? kept.n : -1;
}

/* `init` and `function` are names of what is looked for in the library; NULL. */
static void add(const char *name, parse_function *parse, const char *path,
		const char *init, const char *function)
{
	void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	struct parser parser = { .name = name, .parse = parse };

	if (library != NULL && init != NULL)
		parser.init = dlsym(library, init);
	if (library != NULL)
		parser.function = dlsym(library, function);
	if (path != NULL && parser.function == NULL)
		fprintf(stderr, "http-parse: %s is left out: no %s\n", name, path);
	else if (n_parsers < PARSERS_MOST)
		parsers[n_parsers++] = parser;
}

/* ---- measuring ------------------------------------------------------------------ */

/* Of the processor, for us. */
static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return 0;
#endif
}

static void run(struct parser *parser, const struct text *texts, unsigned n,
		unsigned times, int round)
{
	uint64_t ns, tsc;

	its_turn = parser;
	ns = nanoseconds();
	tsc = ticks();
	for (unsigned i = 0; i < times; i++)
		for (unsigned k = 0; k < n; k++)
			if (parser->parse(&texts[k]) < 3)
				exit(3);
	parser->ticks[round] = (double)(ticks() - tsc) / times / n;
	parser->ns[round] = (double)(nanoseconds() - ns) / times / n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void compare(const char *what, const struct text *texts, unsigned n)
{
	double size = 0, best = 0, ns[PARSERS_MOST], least[PARSERS_MOST];

	for (unsigned k = 0; k < n; k++)
		size += (double)texts[k].size / n;
	for (int round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < n_parsers; i++)
			run(&parsers[i], texts, n, 20000 / n, round);
	for (unsigned i = 0; i < n_parsers; i++) {
		ns[i] = median(parsers[i].ns);
		least[i] = parsers[i].ns[0];
		if (i > 0 && (best == 0 || ns[i] < best))
			best = ns[i];
	}
	for (unsigned i = 0; i < n_parsers; i++)
		printf("http_parse request=%s bytes=%.0f parser=%s ns=%.1f "
		       "ns_least=%.1f bytes_per_ns=%.2f bytes_per_tick=%.2f of_fastest_peer=%.2f\n",
		       what, size, parsers[i].name, ns[i], least[i], size / ns[i],
		       size / median(parsers[i].ticks),
		       best > 0 ? best / ns[i] : 1);
}

int main(int argc, char **argv)
{
	const struct text one = { browser, sizeof(browser) - 1 };
	const struct text small = { curl, sizeof(curl) - 1 };

	add("heph", parse_ours, NULL, NULL, NULL);
	add("picohttpparser", parse_phr, "libh2o.so.0.13", NULL,
	    "phr_parse_request");
	add("llhttp", parse_llhttp, "libnode.so.108", "llhttp_init",
	    "llhttp_execute");
	add("http-parser", parse_http_parser, "libhttp_parser.so.2.9",
	    "http_parser_init", "http_parser_execute");
	for (int i = 1; i < argc; i++) {
		char *path = strchr(argv[i], '=');

		if (path == NULL) {
			fprintf(stderr, "usage: http-parse [NAME=PATH]...\n");
			return 2;
		}
		*path++ = '\0';
		add(argv[i], parse_phr, path, NULL, "phr_parse_request");
	}
	vary();
	compare("browser", &one, 1);
	compare("browsers", varied, VARIED);
	compare("curl", &small, 1);
	return 0;
}
