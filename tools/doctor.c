/* SPDX-License-Identifier: MIT */
/*
 * Says which driver a program gets that is started here, why, what of io_uring
 * there is, and what would have to be allowed for more.
 */
#include "doctor.h"

#include <heph/drivers.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

/* Exit codes. */
enum { USES_URING = 0, USES_EPOLL = 1, USES_NONE = 2, BAD_USAGE = 64 };

struct place {
	struct utsname kernel;
	int disabled; /* kernel.io_uring_disabled; -1: there is no such key */
	int seccomp;  /* the mode of this process; -1: unknown */
	const char *container;
	const char *forced; /* HEPH_DRIVER; NULL: not set */
};

/* ---- looking --------------------------------------------------------------------- */

/* The number after `key` in the first line that begins with it, or -1. */
static int number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t len = strlen(key);
	char line[256];
	int value = -1;

	if (!file)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, key, len) == 0)
			value = (int)strtol(line + len, NULL, 10);
	fclose(file);
	return value;
}

static bool exists(const char *path)
{
	FILE *file = fopen(path, "re");

	if (file)
		fclose(file);
	return file;
}

static const char *container(void)
{
	const char *name = getenv("container"); /* as systemd has it */

	if (name && *name)
		return name;
	if (exists("/run/.containerenv"))
		return "podman";
	return exists("/.dockerenv") ? "docker" : NULL;
}

static void look(struct place *place)
{
	const char *forced = getenv("HEPH_DRIVER");

	uname(&place->kernel);
	place->disabled = number_in("/proc/sys/kernel/io_uring_disabled", "");
	place->seccomp = number_in("/proc/self/status", "Seccomp:");
	place->container = container();
	place->forced = forced && *forced ? forced : NULL;
}

/* ---- telling --------------------------------------------------------------------- */

static void row(const char *name, const char *value)
{
	printf("%-18s %s\n", name, value);
}

static void tell_disabled(int disabled)
{
	static const char *const values[] = {
		"0 (everybody may use it)",
		"1 (only the group of kernel.io_uring_group, or CAP_SYS_ADMIN)",
		"2 (nobody may use it)",
	};

	row("io_uring_disabled", disabled >= 0 && disabled <= 2 ?
					 values[disabled] :
					 "no such key in this kernel");
}

static void tell_memlock(void)
{
	struct rlimit limit = { 0 };
	char text[64];

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		snprintf(text, sizeof(text), "unlimited");
	else
		snprintf(text, sizeof(text), "%llu KiB",
			 (unsigned long long)limit.rlim_cur / 1024);
	row("memlock", text);
}

static void tell_seccomp(int mode)
{
	static const char *const modes[] = { "none", "strict", "a filter" };

	row("seccomp", mode >= 0 && mode <= 2 ? modes[mode] : "unknown");
}

static void tell_place(const struct place *place)
{
	char text[sizeof(place->kernel)];

	snprintf(text, sizeof(text), "%s %s, %s", place->kernel.sysname,
		 place->kernel.release, place->kernel.machine);
	row("kernel", text);
	tell_disabled(place->disabled);
	tell_memlock();
	tell_seccomp(place->seccomp);
	row("container", place->container ? place->container : "none found");
	row("HEPH_DRIVER", place->forced ? place->forced : "not set");
}

static const char *why_not(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "this kernel has it not";
	case -ECANCELED:
		return "HEPH_URING_FEATURES forbids it";
	default:
		return strerror(-err);
	}
}

static void tell_features(const struct heph_uring_report *report)
{
	printf("\nOf io_uring there is:\n");
	for (size_t n = 0; n < report->n; n++) {
		const struct heph_uring_feature *it = &report->features[n];

		printf("  %-3s %-22s Linux %-5s %s%s%s\n",
		       it->err ? "no" : "yes", it->name, it->since,
		       it->needed ? "needed" : "",
		       it->needed && it->err ? ", " : "",
		       it->err ? why_not(it->err) : "");
	}
}

/* ---- what can be done --------------------------------------------------------------- */

static void tell_profile(void)
{
	puts("{\n"
	     "\t\"names\": [\n"
	     "\t\t\"io_uring_setup\",\n"
	     "\t\t\"io_uring_enter\",\n"
	     "\t\t\"io_uring_register\"\n"
	     "\t],\n"
	     "\t\"action\": \"SCMP_ACT_ALLOW\"\n"
	     "}");
}

static void advise_filter(void)
{
	puts("A seccomp filter forbids it. What has to be allowed:\n"
	     "  io_uring_setup, io_uring_enter, io_uring_register\n"
	     "In a container: run it with a profile that has, in its list\n"
	     "\"syscalls\", what `heph doctor --seccomp` prints:\n"
	     "  docker run --security-opt seccomp=profile.json ...\n"
	     "  podman run --security-opt seccomp=profile.json ...\n"
	     "In a systemd unit: SystemCallFilter=@system-service has them (in\n"
	     "its group @aio); with a list of your own add\n"
	     "  SystemCallFilter=io_uring_setup io_uring_enter io_uring_register");
}

static void advise_disabled(int disabled)
{
	puts("The administrator has switched it off. To allow it:\n"
	     "  sysctl kernel.io_uring_disabled=0");
	if (disabled == 1)
		puts("or make kernel.io_uring_group the group of the program.");
}

static void advise(const struct place *place,
		   const struct heph_uring_report *report)
{
	printf("\nWhat can be done:\n");
	if (place->disabled > 0)
		advise_disabled(place->disabled);
	else if (place->seccomp == 2)
		advise_filter();
	else if (report->err == -EACCES)
		puts("A security module forbids it (SELinux: the class io_uring).");
	else if (report->err == -ENOMEM)
		puts("There is too little memory: of the control group, or that may be\n"
		     "locked, in all processes of this user (ulimit -l, LimitMEMLOCK=);\n"
		     "a worker takes 128 KiB of it.");
	else if (report->err == -EMFILE || report->err == -ENFILE)
		puts("There are too few descriptors: ulimit -n, LimitNOFILE=.");
	else if (report->err == -ENOSYS || report->err == -EOPNOTSUPP)
		puts("This kernel is too old, or built without it: Linux 6.1 or\n"
		     "later has all that is needed.");
	else
		puts("Something forbids it that is not seen from here.");
	puts("Programs run all the same, with epoll.");
}

/* ---- the verdict --------------------------------------------------------------------- */

static int verdict(const struct place *place,
		   const struct heph_uring_report *report)
{
	bool usable = report->err == 0;

	if (!place->forced)
		return usable ? USES_URING : USES_EPOLL;
	if (strcmp(place->forced, "epoll") == 0)
		return USES_EPOLL;
	return usable && strcmp(place->forced, "uring") == 0 ? USES_URING :
							       USES_NONE;
}

static void tell_driver(const struct place *place,
			const struct heph_uring_report *report, int code)
{
	static const char *const names[] = { "uring", "epoll",
					     "none: programs do not start" };
	char why[256];

	row("driver", names[code]);
	if (place->forced && code != USES_NONE)
		snprintf(why, sizeof(why), "HEPH_DRIVER=%s", place->forced);
	else if (place->forced && strcmp(place->forced, "uring"))
		snprintf(why, sizeof(why),
			 "HEPH_DRIVER=%s: only uring and epoll are allowed",
			 place->forced);
	else if (report->err)
		snprintf(why, sizeof(why), "%s%s: %s",
			 place->forced ? "HEPH_DRIVER=uring, but " : "",
			 report->what, why_not(report->err));
	else
		snprintf(why, sizeof(why), "a ring was made, and works");
	row("because", why);
}

static int examine(void)
{
	struct heph_uring_report report;
	struct place place;
	int code;

	look(&place);
	heph_examine_uring(&report);
	code = verdict(&place, &report);
	tell_driver(&place, &report, code);
	tell_place(&place);
	tell_features(&report);
	if (report.err)
		advise(&place, &report);
	return code;
}

static int usage(FILE *to, int code)
{
	fputs("usage: heph doctor [--seccomp]\n\n"
	      "Tells which driver a program gets that is started here, and why.\n"
	      "Ends with 0: io_uring; 1: epoll; 2: none, it would not start.\n\n"
	      "  --seccomp  prints what a seccomp profile of a container has to\n"
	      "             allow for io_uring, and ends with 0\n",
	      to);
	return code;
}

int doctor(int argc, char **argv)
{
	if (argc == 0)
		return examine();
	if (argc == 1 && strcmp(argv[0], "--help") == 0)
		return usage(stdout, 0);
	if (argc == 1 && strcmp(argv[0], "--seccomp") == 0) {
		tell_profile();
		return 0;
	}
	return usage(stderr, BAD_USAGE);
}
