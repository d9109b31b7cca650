/* SPDX-License-Identifier: MIT */
/*
 * sim_file.h - what the descriptors of a simulated world stand for
 *
 * Their numbers are not those of the real kernel, which has none so high.
 */
#ifndef HEPH_IO_SIM_FILE_H
#define HEPH_IO_SIM_FILE_H

#include <sys/stat.h>

#include "io/sim.h"

enum { HEPH_SIM_FIRST = 1 << 24 };

/* NULL: it cannot. All return a result, or -EAGAIN. */
struct heph_sim_class {
	mode_t mode; /* S_IF... */
	/* `offset`: where, or HEPH_OFFSET_NONE; only of what has places */
	int (*read)(struct heph_sim *sim, struct heph_sim_file *file, void *buf,
		    size_t size, int flags, uint64_t offset);
	int (*write)(struct heph_sim *sim, struct heph_sim_file *file,
		     const void *buf, size_t size, int flags, uint64_t offset);
	unsigned (*ready)(struct heph_sim_file *file); /* POLL... */
	void (*close)(struct heph_sim *sim, struct heph_sim_file *file);
};

/* Embedded, first. */
struct heph_sim_file {
	const struct heph_sim_class *class;
	struct heph_list waiters;
	unsigned references; /* descriptors, and those that are sent about */
	int flags; /* O_NONBLOCK */
};

/* Gives it a number. Returns that; -EMFILE. */
int heph_sim_open(struct heph_sim *sim, struct heph_sim_file *file,
		  const struct heph_sim_class *class, int flags);

/* Whether there is a number. */
bool heph_sim_may_open(const struct heph_sim *sim);

/* The file of a number, or NULL. */
struct heph_sim_file *heph_sim_file(struct heph_sim *sim, int number);

/* Gives another number to one that has one. */
int heph_sim_open_again(struct heph_sim *sim, struct heph_sim_file *file);

/* Takes its number, and closes it if that was the last one. Returns 0; -EBADF. */
int heph_sim_close(struct heph_sim *sim, int number);
void heph_sim_release(struct heph_sim *sim, struct heph_sim_file *file);

/* It has changed: what could not be done may be done now. */
void heph_sim_touch(struct heph_sim *sim, struct heph_sim_file *file);

/* ---- bytes that one writes and another reads ---- */

struct heph_sim_bytes {
	unsigned char *data;
	size_t first, n, max;
};

void heph_sim_bytes_put(struct heph_sim_bytes *bytes, const void *data, size_t n);

/* Takes at most `n`; `keep`: and leaves them there. How many. */
size_t heph_sim_bytes_take(struct heph_sim_bytes *bytes, void *to, size_t n,
			   bool keep);
void heph_sim_bytes_fini(struct heph_sim_bytes *bytes);

#endif
