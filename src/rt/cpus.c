/* SPDX-License-Identifier: MIT */
#include "rt/cpus.h"

#include <heph/runtime.h>

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned heph_cpus_allowed(int *ret_cpus, unsigned max)
{
	cpu_set_t *set = CPU_ALLOC(CPU_SETSIZE * 8);
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
	unsigned n = 0;

	if (set && sched_getaffinity(0, size, set) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE * 8 && n < max; cpu++)
			if (CPU_ISSET_S(cpu, size, set))
				ret_cpus[n++] = cpu;
	if (set)
		CPU_FREE(set);
	return n;
}

/* The beginning of a file, without a newline at its end. Whether there is one. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return true;
}

/* ---- the order ---------------------------------------------------------------- */

struct cpu {
	int number, node, package, core;
	int thread; /* so many of the same core come before it */
};

static int read_topology(const char *root, int cpu, const char *what)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path),
		 "%s/sys/devices/system/cpu/cpu%d/topology/%s", root, cpu,
		 what);
	return read_text(path, text, sizeof(text)) ? atoi(text) : 0;
}

/* Whether `cpu` is in a list as of the kernel: "0-3,8". */
static bool is_in_list(const char *list, int cpu)
{
	char *end;
	long first, last;

	while (*list) {
		first = last = strtol(list, &end, 10);
		if (end == list)
			return false;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* Numbers of nodes may have gaps, but hardly as large as this. */
static void find_nodes(const char *root, struct cpu *cpus, unsigned n)
{
	enum { NODES = 64 };
	char path[PATH_MAX], list[4096];

	for (int node = 1; node < NODES; node++) {
		snprintf(path, sizeof(path),
			 "%s/sys/devices/system/node/node%d/cpulist", root,
			 node);
		if (!read_text(path, list, sizeof(list)))
			continue;
		for (unsigned i = 0; i < n; i++)
			if (is_in_list(list, cpus[i].number))
				cpus[i].node = node;
	}
}

/* A core without a number is a core of its own. */
static void find_cores(const char *root, struct cpu *cpus, unsigned n)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path),
			 "%s/sys/devices/system/cpu/cpu%d/topology/core_id",
			 root, cpus[i].number);
		cpus[i].package = read_topology(root, cpus[i].number,
						"physical_package_id");
		cpus[i].core =
			access(path, R_OK) < 0 ?
				-1 - cpus[i].number :
				read_topology(root, cpus[i].number, "core_id");
		for (unsigned j = 0; j < i; j++)
			if (cpus[j].package == cpus[i].package &&
			    cpus[j].core == cpus[i].core)
				cpus[i].thread++;
	}
}

static int compare(const void *a, const void *b)
{
	const struct cpu *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void heph_cpus_order(const char *root, int *cpus, unsigned n)
{
	struct cpu all[HEPH_WORKERS_MAX] = { 0 };

	if (n > HEPH_WORKERS_MAX)
		n = HEPH_WORKERS_MAX;
	for (unsigned i = 0; i < n; i++)
		all[i].number = cpus[i];
	find_nodes(root, all, n);
	find_cores(root, all, n);
	qsort(all, n, sizeof(*all), compare);
	for (unsigned i = 0; i < n; i++)
		cpus[i] = all[i].number;
}

/* ---- control groups ------------------------------------------------------------ */

/* Whether a list of names, "cpu,cpuacct:", has the one called cpu. */
static bool has_cpu(const char *names)
{
	size_t len = strcspn(names, ",:");

	while (len != 3 || strncmp(names, "cpu", 3) != 0) {
		if (names[len] != ',')
			return false;
		names += len + 1;
		len = strcspn(names, ",:");
	}
	return true;
}

/*
 * The path of our group: of the second version in the line "0::PATH", of the
 * first in that of the controller, "N:cpu,cpuacct:PATH".
 */
static bool find_group(const char *root, int version, char *group, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX], *names, *colon = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	while (file && !colon && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		names = strchr(line, ':');
		if (names && (version == 2 ? strncmp(line, "0::", 3) == 0 :
					     has_cpu(names + 1)))
			colon = strchr(names + 1, ':');
	}
	if (file)
		fclose(file);
	if (!colon || colon[1] != '/')
		return false;
	snprintf(group, size, "%s", colon + 1);
	return true;
}

/* The second version has "QUOTA PERIOD" in one file, in microseconds, or "max
 * PERIOD"; the first has a file for each, and a quota of -1. */
static bool read_limit(const char *root, int version, const char *group,
		       long long *ret_quota, long long *ret_period)
{
	char path[3 * PATH_MAX], text[64];
	int len;

	if (version == 2) {
		snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s/cpu.max", root,
			 group);
		return read_text(path, text, sizeof(text)) &&
		       sscanf(text, "%lld %lld", ret_quota, ret_period) == 2;
	}
	len = snprintf(path, sizeof(path), "%s/sys/fs/cgroup/cpu%s/cpu.cfs_",
		       root, group);
	snprintf(path + len, sizeof(path) - (size_t)len, "quota_us");
	if (!read_text(path, text, sizeof(text)))
		return false;
	*ret_quota = atoll(text);
	snprintf(path + len, sizeof(path) - (size_t)len, "period_us");
	if (!read_text(path, text, sizeof(text)))
		return false;
	*ret_period = atoll(text);
	return true;
}

static unsigned read_quota(const char *root, int version, const char *group)
{
	long long quota, period;

	if (!read_limit(root, version, group, &quota, &period) || quota < 1 ||
	    period < 1)
		return 0;
	quota = (quota - 1) / period + 1;
	return quota < HEPH_WORKERS_MAX ? (unsigned)quota : HEPH_WORKERS_MAX;
}

/*
 * The tightest one of those above counts. Where a container sees its own group as
 * the topmost one, but is told the path as it is outside, that one is found last.
 */
static unsigned quota_of(const char *root, int version)
{
	char group[PATH_MAX], *end;
	unsigned least = 0, quota;

	if (!find_group(root, version, group, sizeof(group)))
		return 0;
	do {
		quota = read_quota(root, version, group);
		if (quota && (!least || quota < least))
			least = quota;
		end = strrchr(group, '/');
		if (end)
			*end = 0;
	} while (end);
	return least;
}

/* A machine may have both; the controller is in one of them. */
unsigned heph_cpus_quota(const char *root)
{
	unsigned quota = quota_of(root, 2);

	return quota ? quota : quota_of(root, 1);
}
