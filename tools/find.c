/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "find.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "exits.h"
#include "text.h"

enum { FOUND_MAX = 256, SHOWN = 10 };

struct found {
	char path[FIND_PATH];
	char name[FIND_PATH];
	int pid; /* 0: the path does not tell */
};

struct search {
	struct found found[FOUND_MAX];
	int n;
};

static const char how[] =
	"heph: start the program with HEPH_CONTROL=auto in its environment, or set\n"
	"heph: .control = \"auto\" in its struct heph_config; a program of another\n"
	"heph: user is found by that user, and by root\n";

/* ---- what there is ----------------------------------------------------------------- */

/* Whether somebody listens there: 0, or a positive errno. */
static int try(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	err = fd < 0 || connect(fd, (struct sockaddr *)&address,
				sizeof(address)) < 0 ?
		      errno :
		      0;
	if (fd >= 0)
		close(fd);
	return err == EAGAIN ? 0 : err;
}

/* NAME.PID or NAME.PID-2 */
static void read_name(struct found *it)
{
	const char *file = strrchr(it->path, '/');
	char *dot;

	file = file ? file + 1 : it->path;
	snprintf(it->name, sizeof(it->name), "%s", file);
	dot = strrchr(it->name, '.');
	if (!dot || !isdigit((unsigned char)dot[1]))
		return;
	it->pid = atoi(dot + 1);
	*dot = '\0';
}

static void add(struct search *search, const char *path)
{
	struct found *it = &search->found[search->n];
	int err;

	if (search->n == FOUND_MAX || strlen(path) >= FIND_PATH)
		return;
	for (int n = 0; n < search->n; n++)
		if (strcmp(search->found[n].path, path) == 0)
			return;
	err = try(path);
	if (err == ECONNREFUSED || err == ENOENT || err == ENOTSOCK)
		return; /* its program has died */
	memset(it, 0, sizeof(*it));
	memcpy(it->path, path, strlen(path) + 1);
	read_name(it);
	search->n++;
}

/* Whether a file of /tmp/heph-UID is in a directory of that user: anybody can make
 * one with another name. */
static bool is_of_its_user(const char *path)
{
	char dir[FIND_PATH];
	struct stat stat;
	unsigned user;

	if (sscanf(path, "/tmp/heph-%u/", &user) != 1)
		return true; /* elsewhere the system sees to that */
	snprintf(dir, sizeof(dir), "/tmp/heph-%u", user);
	return lstat(dir, &stat) == 0 && S_ISDIR(stat.st_mode) &&
	       stat.st_uid == user;
}

static void add_pattern(struct search *search, const char *pattern)
{
	struct stat stat;
	glob_t all;

	if (glob(pattern, GLOB_NOSORT, NULL, &all) != 0)
		return;
	for (size_t n = 0; n < all.gl_pathc; n++)
		if (lstat(all.gl_pathv[n], &stat) == 0 &&
		    S_ISSOCK(stat.st_mode) && is_of_its_user(all.gl_pathv[n]))
			add(search, all.gl_pathv[n]);
	globfree(&all);
}

/* The sockets in a directory whose name is no pattern. */
static void add_dir(struct search *search, const char *dir)
{
	DIR *files = opendir(dir);
	struct dirent *entry;
	char path[512];

	if (!files)
		return;
	while ((entry = readdir(files)))
		if (entry->d_type == DT_SOCK &&
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) <
			    (int)sizeof(path))
			add(search, path);
	closedir(files);
}

/* What HEPH_CONTROL says to programs it says to us as well: then only there.
 * False: it names no place. */
static bool look_where_told(struct search *search)
{
	const char *place = getenv("HEPH_CONTROL");
	struct stat there;

	if (!place || !strchr(place, '/'))
		return false;
	if (stat(place, &there) == 0 && S_ISDIR(there.st_mode))
		add_dir(search, place);
	else
		add(search, place);
	return true;
}

static void look_everywhere(struct search *search)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[512];

	if (runtime && *runtime == '/') {
		snprintf(path, sizeof(path), "%s/heph", runtime);
		add_dir(search, path);
	}
	snprintf(path, sizeof(path), "/run/user/%u/heph", geteuid());
	add_dir(search, path);
	snprintf(path, sizeof(path), "/tmp/heph-%u", geteuid());
	add_dir(search, path);
	if (geteuid() == 0) {
		add_pattern(search, "/run/user/*/heph/*");
		add_pattern(search, "/tmp/heph-*/*");
	}
}

/* ---- which one ------------------------------------------------------------------------ */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static bool fits(const struct found *it, const char *program)
{
	if (!program)
		return true;
	if (is_number(program))
		return it->pid == atoi(program);
	return strcmp(it->name, program) == 0;
}

static int none_at_all(void)
{
	fprintf(stderr, "heph: there is no program with a control socket\n%s",
		how);
	return EXIT_NONE;
}

static int none_of_that_name(const char *program)
{
	if (!is_number(program))
		fprintf(stderr,
			"heph: there is no program '%s' with a control socket\n%s",
			program, how);
	else if (kill(atoi(program), 0) < 0 && errno == ESRCH)
		fprintf(stderr, "heph: there is no process %s\n", program);
	else
		fprintf(stderr,
			"heph: process %s has no control socket here\n%s",
			program, how);
	return EXIT_NONE;
}

static void tell(const struct found *it)
{
	fprintf(stderr, "heph: %8d  ", it->pid);
	text_print(stderr, it->name, 16);
	fputs("  ", stderr);
	text_print(stderr, it->path, 0);
	fputc('\n', stderr);
}

static int several(const struct search *search, const char *program)
{
	int shown = 0;

	fprintf(stderr,
		"heph: which one? Say a process id, or --socket PATH:\n");
	for (int n = 0; n < search->n; n++)
		if (fits(&search->found[n], program) && shown++ < SHOWN)
			tell(&search->found[n]);
	if (shown > SHOWN)
		fprintf(stderr, "heph: and %d more\n", shown - SHOWN);
	return EXIT_NONE;
}

static int choose(char path[FIND_PATH], const struct search *search,
		  const char *program)
{
	const struct found *it = NULL;
	int n = 0;

	for (int i = 0; i < search->n; i++)
		if (fits(&search->found[i], program)) {
			it = &search->found[i];
			n++;
		}
	if (n == 0)
		return program ? none_of_that_name(program) : none_at_all();
	if (n > 1)
		return several(search, program);
	memcpy(path, it->path, FIND_PATH);
	return 0;
}

int find(char path[FIND_PATH], const struct target *target)
{
	struct search *search;
	int code;

	if (target->path) {
		if (strlen(target->path) >= FIND_PATH)
			return find_complain(target->path, ENAMETOOLONG);
		strcpy(path, target->path);
		return 0;
	}
	search = calloc(1, sizeof(*search));
	if (!search)
		return find_complain("", ENOMEM);
	if (!look_where_told(search))
		look_everywhere(search);
	code = choose(path, search, target->program);
	free(search);
	return code;
}

/* ---- what is wrong ---------------------------------------------------------------------- */

static void tell_owner(const char *path)
{
	struct stat there;
	struct passwd *user = stat(path, &there) == 0 ? getpwuid(there.st_uid) :
							NULL;
	const char *name = user ? user->pw_name : "another user";

	fprintf(stderr, "no permission: it is for %s%s only\n", name,
		strcmp(name, "root") ? ", and root," : "");
}

int find_complain(const char *path, int err)
{
	fputs("heph: ", stderr);
	text_print(stderr, path, 0);
	fputs(": ", stderr);
	if (err == EACCES || err == EPERM)
		tell_owner(path);
	else if (err == ECONNREFUSED)
		fprintf(stderr, "its program has ended\n");
	else if (err == ENOENT)
		fprintf(stderr, "there is no such control socket\n%s", how);
	else
		fprintf(stderr, "%s\n", strerror(err));
	return EXIT_NONE;
}

#endif
