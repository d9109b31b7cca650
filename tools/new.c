/* SPDX-License-Identifier: MIT */
/*
 * The files are those of share/new, with @name@ replaced. Nothing that is there is
 * written over: the folder must not exist.
 */
#include "new.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exits.h"

enum { NAME_MAX_ = 64, PATH_MAX_ = 256 };

/* Where each goes; NAME stands for the project's name. */
static const struct {
	const char *from, *to;
} places[] = {
	{ "README.md", "README.md" },
	{ "gitignore", ".gitignore" },
	{ "meson.build", "meson.build" },
	{ "main.c", "src/main.c" },
	{ "counter.h", "src/counter.h" },
	{ "counter.c", "src/counter.c" },
	{ "test_counter.c", "tests/test_counter.c" },
	{ "service", "NAME.service" },
};

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: heph new NAME\n\n"
		    "Makes a folder NAME with a program of a few actors, a test of one of\n"
		    "them, a unit file for systemd, and how Meson builds them. A name is of\n"
		    "small letters, digits and '_', at most 63, and begins with a letter.\n");
	return code;
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n < NAME_MAX_ && name[n] == '\0' && name[0] >= 'a' &&
	       name[0] <= 'z';
}

/* Names of Meson's own targets, and ours. */
static bool is_taken(const char *name)
{
	static const char *const taken[] = {
		"all", "benchmark", "clean", "coverage", "dist", "distcheck", "heph",
		"install", "phony", "reconfigure", "test", "uninstall",
	};

	for (size_t n = 0; n < sizeof(taken) / sizeof(*taken); n++)
		if (strcmp(name, taken[n]) == 0)
			return true;
	return false;
}

static const char *text_of(const char *name)
{
	for (const struct embedded *file = embedded; file->name; file++)
		if (strcmp(file->name, name) == 0)
			return file->text;
	return "";
}

/* Writes a text with `mark` replaced. */
static void fill(FILE *to, const char *text, const char *mark, const char *name)
{
	const char *found;

	while ((found = strstr(text, mark))) {
		fwrite(text, 1, (size_t)(found - text), to);
		fputs(name, to);
		text = found + strlen(mark);
	}
	fputs(text, to);
}

static int complain(const char *what)
{
	fprintf(stderr, "heph new: %s: %s\n", what, strerror(errno));
	return EXIT_REFUSED;
}

static int make_file(const char *project, const char *from, const char *to)
{
	char path[PATH_MAX_];
	const char *rest = strncmp(to, "NAME", 4) == 0 ? to + 4 : NULL;
	FILE *file;
	int failed;

	snprintf(path, sizeof(path), "%s/%s%s", project, rest ? project : to,
		 rest ? rest : "");
	file = fopen(path, "wx");
	if (!file)
		return complain(path);
	fill(file, text_of(from), "@name@", project);
	failed = ferror(file);
	if (fclose(file) != 0 || failed)
		return complain(path);
	printf("%s\n", path);
	return 0;
}

static int make_folder(const char *project, const char *name)
{
	char path[PATH_MAX_];

	snprintf(path, sizeof(path), "%s/%s", project, name);
	return mkdir(path, 0777) < 0 ? complain(path) : 0;
}

/* Tells how to find a library that is where nobody looks by himself: beside this
 * program, below a prefix of its own. */
static void tell_prefix(void)
{
	char prefix[PATH_MAX_], path[PATH_MAX_ + sizeof("/" HEPH_LIBDIR "/pkgconfig/heph.pc")];
	ssize_t size = readlink("/proc/self/exe", prefix, sizeof(prefix));
	char *slash = prefix;

	if (size < 0 || (size_t)size >= sizeof(prefix))
		return;
	prefix[size] = '\0';
	for (int n = 0; slash && n < 2; n++) { /* PREFIX/bin/heph */
		slash = strrchr(prefix, '/');
		if (slash)
			*slash = '\0';
	}
	snprintf(path, sizeof(path), "%s/" HEPH_LIBDIR "/pkgconfig/heph.pc", prefix);
	if (strcmp(prefix, "/usr") == 0 || strcmp(prefix, "/usr/local") == 0 ||
	    access(path, R_OK) < 0)
		return;
	printf("\nHeph is below %s. So that Meson and the linker find it there:\n"
	       "export PKG_CONFIG_PATH=%s/" HEPH_LIBDIR "/pkgconfig\n"
	       "export LD_LIBRARY_PATH=%s/" HEPH_LIBDIR "\n",
	       prefix, prefix, prefix);
}

int new_project(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "";
	int err = 0;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return usage(stdout, 0);
	if (argc != 1 || !is_name(name)) {
		if (argc == 1)
			fprintf(stderr, "heph new: '%s' cannot be a name\n", name);
		return usage(stderr, EXIT_USAGE);
	}
	if (is_taken(name)) {
		fprintf(stderr, "heph new: '%s' is taken, by Meson or by Heph: choose another name\n",
			name);
		return EXIT_USAGE;
	}
	if (mkdir(name, 0777) < 0)
		return complain(name);
	err = make_folder(name, "src");
	if (err == 0)
		err = make_folder(name, "tests");
	for (size_t n = 0; err == 0 && n < sizeof(places) / sizeof(*places); n++)
		err = make_file(name, places[n].from, places[n].to);
	if (err == 0)
		tell_prefix();
	if (err == 0)
		printf("\nNow: cd %s && meson setup build && meson compile -C build && "
		       "meson test -C build\n",
		       name);
	return err;
}
