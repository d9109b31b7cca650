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

/* The path of our group, of the second version: the line "0::PATH". */
static bool find_group(const char *root, char *group, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = strncmp(line, "0::/", 4) == 0;
		line[strcspn(line, "\n")] = 0;
	}
	if (file)
		fclose(file);
	if (found)
		snprintf(group, size, "%s", line + 3);
	return found;
}

/* "QUOTA PERIOD", in microseconds, or "max PERIOD". */
static unsigned read_quota(const char *root, const char *group)
{
	char path[3 * PATH_MAX], text[64];
	long long quota, period;

	snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s/cpu.max", root, group);
	if (!read_text(path, text, sizeof(text)) ||
	    sscanf(text, "%lld %lld", &quota, &period) != 2 || quota < 1 ||
	    period < 1)
		return 0;
	quota = (quota - 1) / period + 1;
	return quota < HEPH_WORKERS_MAX ? (unsigned)quota : HEPH_WORKERS_MAX;
}

/* The tightest one of those above counts. */
unsigned heph_cpus_quota(const char *root)
{
	char group[PATH_MAX], *end;
	unsigned least = 0, quota;

	if (!find_group(root, group, sizeof(group)))
		return 0;
	do {
		quota = read_quota(root, group);
		if (quota && (!least || quota < least))
			least = quota;
		end = strrchr(group, '/');
		if (end)
			*end = 0;
	} while (end);
	return least;
}
