/* SPDX-License-Identifier: MIT */
/* heph trace convert: a trace becomes JSON. */
#include "trace.h"
#include "tracejson.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Exit codes. */
enum { WELL = 0, DAMAGED = 1, FAILED = 2, BAD_USAGE = 64 };

struct files {
	const char *input, *output; /* "-": the standard ones */
	bool force;
	char made[PATH_MAX]; /* the output's name, if it was not given */
};

static int fail(const char *name, int err)
{
	fprintf(stderr, "heph: %s: %s\n", name, strerror(-err));
	return FAILED;
}

/* ---- names ------------------------------------------------------------------ */

/* The last dot of a file's name, which is not its first letter; or the end. */
static size_t without_extension(const char *path, size_t len)
{
	for (size_t n = len; n > 0 && path[n - 1] != '/'; n--)
		if (path[n - 1] == '.' && n > 1 && path[n - 2] != '/')
			return n - 1;
	return len;
}

/* x.bin.log, x.log and x become x.json. */
static int make_output(struct files *files)
{
	size_t len = strlen(files->input);

	len = without_extension(files->input, len);
	len = without_extension(files->input, len);
	if (len + sizeof(".json") > sizeof(files->made))
		return -ENAMETOOLONG;
	memcpy(files->made, files->input, len);
	memcpy(files->made + len, ".json", sizeof(".json"));
	files->output = files->made;
	return 0;
}

static bool standard(const char *name)
{
	return strcmp(name, "-") == 0;
}

/* ---- converting ---------------------------------------------------------------- */

static FILE *open_output(const struct files *files)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC, fd;

	if (standard(files->output))
		return stdout;
	fd = open(files->output, flags | (files->force ? O_TRUNC : O_EXCL),
		  0666);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static void tell(const struct files *files, const struct trace_reader *reader,
		 const struct tracejson_sum *sum)
{
	FILE *to = standard(files->output) ? stderr : stdout;

	fprintf(to, "%s: %" PRIu64 " events of %" PRIu64 " streams\n",
		files->output, sum->events, sum->streams);
	if (sum->missing)
		fprintf(stderr, "heph: %s: %" PRIu64 " events are missing\n",
			files->input, sum->missing);
	if (reader->damaged)
		fprintf(stderr, "heph: %s: damaged in %" PRIu64 " places\n",
			files->input, reader->damaged);
}

static int convert_to(const struct files *files, struct trace_reader *reader)
{
	FILE *out = open_output(files);
	struct tracejson_sum sum = { 0 };
	bool writing = true;
	int err;

	if (!out && errno == EEXIST) {
		fprintf(stderr, "heph: %s exists: --force overwrites it\n",
			files->output);
		return FAILED;
	}
	if (!out)
		return fail(files->output, -errno);
	err = tracejson_convert(reader, out, &sum, &writing);
	if (out != stdout && fclose(out) != 0 && err == 0) {
		err = -errno;
		writing = true;
	}
	if (err < 0)
		return fail(writing ? files->output : files->input, err);
	tell(files, reader, &sum);
	return reader->damaged ? DAMAGED : WELL;
}

static int convert(const struct files *files)
{
	FILE *in = standard(files->input) ? stdin : fopen(files->input, "re");
	struct trace_reader reader;
	int code;

	if (!in)
		return fail(files->input, -errno);
	if (trace_reader_init(&reader, in, files->input, stderr) < 0)
		return fail(files->input, -ENOMEM);
	code = convert_to(files, &reader);
	trace_reader_fini(&reader);
	if (in != stdin)
		fclose(in);
	return code;
}

/* ---- arguments --------------------------------------------------------------------- */

static int usage(FILE *to, int code)
{
	fputs("usage: heph trace convert [--force] INPUT [OUTPUT]\n\n"
	      "Makes of a trace, of this or of Heph in Rust, JSON that\n"
	      "https://ui.perfetto.dev and chrome://tracing show. Without OUTPUT\n"
	      "x.bin.log, x.log and x become x.json; \"-\" is standard input, or\n"
	      "output. Damaged parts are left out and told.\n"
	      "Ends with 0; 1: some of it was damaged; 2: it failed.\n\n"
	      "  --force  overwrites OUTPUT\n",
	      to);
	return code;
}

int trace_convert(int argc, char **argv)
{
	struct files files = { 0 };
	int err;

	for (; argc > 0; argc--, argv++) {
		if (strcmp(*argv, "--help") == 0)
			return usage(stdout, WELL);
		if (strcmp(*argv, "--force") == 0)
			files.force = true;
		else if ((**argv == '-' && !standard(*argv)) || files.output)
			return usage(stderr, BAD_USAGE);
		else if (files.input)
			files.output = *argv;
		else
			files.input = *argv;
	}
	if (!files.input)
		return usage(stderr, BAD_USAGE);
	if (!files.output && standard(files.input))
		files.output = "-";
	if (!files.output && (err = make_output(&files)) < 0)
		return fail(files.input, err);
	return convert(&files);
}
