/* SPDX-License-Identifier: MIT */
/* What a child process is told: one block of memory, so that it can be read in
 * another thread, and by the child. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/process.h"

#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"
#define PLAN_MAX (16 << 20)

/* The same steps, twice: first they count, then they copy. */
struct layout {
	char *base; /* NULL: only count */
	size_t used;
};

static void *take(struct layout *layout, size_t size, size_t align)
{
	size_t at = (layout->used + align - 1) & ~(align - 1);

	layout->used = at + size;
	return layout->base ? layout->base + at : NULL;
}

static char *put(struct layout *layout, const char *text, size_t n)
{
	char *copy = take(layout, n + 1, 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static char **put_list(struct layout *layout, const char *const *list)
{
	char **copy, *text;
	size_t n = 0;

	while (list[n])
		n++;
	copy = take(layout, (n + 1) * sizeof(*copy), sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		text = put(layout, list[i], strlen(list[i]));
		if (copy)
			copy[i] = text;
	}
	if (copy)
		copy[n] = NULL;
	return copy;
}

/* One directory of the PATH, of `n` bytes; an empty one is the current one. */
static char *put_joined(struct layout *layout, const char *directory, size_t n,
			const char *name)
{
	size_t m = strlen(name), slash = n > 0;
	char *copy = take(layout, n + slash + m + 1, 1);

	if (!copy)
		return NULL;
	memcpy(copy, directory, n);
	if (slash)
		copy[n] = '/';
	memcpy(copy + n + slash, name, m + 1);
	return copy;
}

static size_t count_directories(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == ':';
	return n;
}

static void put_paths(struct layout *layout, struct heph_birth_plan *plan,
		      const char *name)
{
	const char *path = getenv("PATH"), *end;
	char **copy, *text;

	if (!path)
		path = USUAL_PATH;
	if (strchr(name, '/') || !*name)
		path = ""; /* as it is */
	plan->n_paths = count_directories(path);
	copy = take(layout, plan->n_paths * sizeof(*copy), sizeof(*copy));
	for (size_t i = 0; i < plan->n_paths; i++, path = end + 1) {
		end = strchrnul(path, ':');
		text = put_joined(layout, path, (size_t)(end - path), name);
		if (copy)
			copy[i] = text;
	}
	plan->paths = copy;
}

static void lay_out(struct layout *layout, struct heph_birth_plan *plan,
		    const char *const *argv,
		    const struct heph_process_options *options)
{
	const char *const *environment =
		options->environment ? options->environment :
				       (const char *const *)environ;

	plan->argv = put_list(layout, argv);
	plan->environment = put_list(layout, environment);
	put_paths(layout, plan, options->path ? options->path : argv[0]);
	plan->directory = options->directory ?
				  put(layout, options->directory,
				      strlen(options->directory)) :
				  NULL;
	plan->files = take(layout, plan->n_files * sizeof(int), sizeof(int));
	plan->moved = take(layout, plan->n_files * sizeof(int), sizeof(int));
}

int heph_plan_make(struct heph_op *op, const char *const *argv,
		   const struct heph_process_options *options, size_t n_files)
{
	struct heph_birth_plan plan = { .n_files = n_files,
					.new_group = options->new_group,
					.new_session = options->new_session,
					.as_user = options->as_user,
					.user = options->user,
					.group = options->group };
	struct layout layout = { .used = sizeof(plan) };

	lay_out(&layout, &plan, argv, options);
	if (layout.used > PLAN_MAX)
		return -E2BIG;
	layout.base = heph_op_room(op, layout.used);
	if (!layout.base)
		return -ENOMEM;
	layout.used = sizeof(plan);
	lay_out(&layout, &plan, argv, options);
	op->buf = memcpy(layout.base, &plan, sizeof(plan));
	return 0;
}
