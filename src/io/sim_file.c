/* SPDX-License-Identifier: MIT */
#include "io/sim_file.h"

#include <string.h>

#include "base/mem.h"
#include "io/sim_driver.h"

static void grow_table(struct heph_sim *sim)
{
	unsigned max = sim->max_files ? sim->max_files * 2 : 64;
	struct heph_sim_file **files =
		heph_sim_memory(max * sizeof(struct heph_sim_file *));

	if (sim->n_files)
		memcpy(files, sim->files, sim->n_files * sizeof(*files));
	heph_mem_free(sim->files);
	sim->files = files;
	sim->max_files = max;
}

/* The lowest that is free, as the kernel has it: a number that was closed comes
 * again soon, which is where mistakes show. */
static unsigned free_place(struct heph_sim *sim)
{
	unsigned place = 0;

	while (place < sim->n_files && sim->files[place])
		place++;
	if (place == sim->max_files)
		grow_table(sim);
	if (place == sim->n_files)
		sim->n_files++;
	return place;
}

bool heph_sim_may_open(const struct heph_sim *sim)
{
	return sim->open_files < sim->options.descriptors;
}

int heph_sim_open_again(struct heph_sim *sim, struct heph_sim_file *file)
{
	unsigned place;

	if (!heph_sim_may_open(sim))
		return -EMFILE;
	place = free_place(sim);
	sim->files[place] = file;
	sim->open_files++;
	file->references++;
	return HEPH_SIM_FIRST + (int)place;
}

int heph_sim_open(struct heph_sim *sim, struct heph_sim_file *file,
		  const struct heph_sim_class *class, int flags)
{
	file->class = class;
	file->flags = flags;
	heph_list_init(&file->waiters);
	return heph_sim_open_again(sim, file);
}

struct heph_sim_file *heph_sim_file(struct heph_sim *sim, int number)
{
	unsigned place = (unsigned)number - HEPH_SIM_FIRST;

	return number >= HEPH_SIM_FIRST && place < sim->n_files ?
		       sim->files[place] :
		       NULL;
}

int heph_sim_close(struct heph_sim *sim, int number)
{
	struct heph_sim_file *file = heph_sim_file(sim, number);

	if (!file)
		return -EBADF;
	heph_sim_trace(sim, HEPH_SIM_CLOSED, (uint64_t)number, 0);
	sim->files[number - HEPH_SIM_FIRST] = NULL;
	sim->open_files--;
	heph_sim_release(sim, file);
	return 0;
}

void heph_sim_release(struct heph_sim *sim, struct heph_sim_file *file)
{
	if (--file->references)
		return;
	heph_sim_touch(sim, file); /* they find it closed */
	file->class->close(sim, file);
}

void heph_sim_touch(struct heph_sim *sim, struct heph_sim_file *file)
{
	heph_sim_changed(sim, &file->waiters);
}

/* ---- bytes ---------------------------------------------------------------------- */

static void make_room(struct heph_sim_bytes *bytes, size_t n)
{
	size_t max = bytes->max ? bytes->max : 256;
	unsigned char *data;

	while (max < bytes->n + n)
		max *= 2;
	if (max == bytes->max && bytes->first + bytes->n + n <= max)
		return;
	data = heph_sim_memory(max);
	if (bytes->n)
		memcpy(data, bytes->data + bytes->first, bytes->n);
	heph_mem_free(bytes->data);
	*bytes = (struct heph_sim_bytes){ .data = data, .n = bytes->n, .max = max };
}

void heph_sim_bytes_put(struct heph_sim_bytes *bytes, const void *data, size_t n)
{
	make_room(bytes, n);
	memcpy(bytes->data + bytes->first + bytes->n, data, n);
	bytes->n += n;
}

size_t heph_sim_bytes_take(struct heph_sim_bytes *bytes, void *to, size_t n,
			   bool keep)
{
	if (n > bytes->n)
		n = bytes->n;
	if (n && to)
		memcpy(to, bytes->data + bytes->first, n);
	if (keep)
		return n;
	bytes->first += n;
	bytes->n -= n;
	if (!bytes->n)
		bytes->first = 0;
	return n;
}

void heph_sim_bytes_fini(struct heph_sim_bytes *bytes)
{
	heph_mem_free(bytes->data);
	*bytes = (struct heph_sim_bytes){ 0 };
}
