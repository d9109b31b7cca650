/* SPDX-License-Identifier: MIT */
/*
 * features.h - what of io_uring a ring uses: what the kernel has, and is allowed
 *
 * Decided once for each ring, when it is made. The environment's
 * HEPH_URING_FEATURES forbids some, to find out what one is worth or to go
 * round a defect of a kernel: names with commas, taken in that order, where
 * "none" leaves nothing that can be done without, "NAME" allows one again, and
 * "-NAME" forbids it.
 */
#ifndef HEPH_IO_FEATURES_H
#define HEPH_IO_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum heph_feature {
	HEPH_FEATURE_DEFER_TASKRUN,
	HEPH_FEATURE_COOP_TASKRUN,
	HEPH_FEATURE_SUBMIT_ALL,
	HEPH_FEATURE_REGISTERED_RING,
	HEPH_FEATURE_BUFFER_RING,
	HEPH_FEATURE_INCREMENTAL,
	HEPH_FEATURE_MULTISHOT_ACCEPT,
	HEPH_FEATURE_POLL_FIRST,
	HEPH_FEATURE_MSG_RING,
	HEPH_FEATURE_PIPES,
	HEPH_FEATURES,
};

struct heph_feature_info {
	const char *name;
	const char *since; /* the kernel, for who reads it */
	const char *what;
};
extern const struct heph_feature_info heph_feature_infos[HEPH_FEATURES];

struct heph_features {
	uint32_t allowed, used; /* bits of enum heph_feature */
	uint64_t opcodes[4];    /* that the kernel has */
};

/* Those that are allowed. Returns 0; -EINVAL (the log says which word). */
int heph_features_init(struct heph_features *features);

static inline bool heph_features_allow(const struct heph_features *features,
				       enum heph_feature feature)
{
	return features->allowed >> feature & 1;
}

static inline bool heph_features_have(const struct heph_features *features,
				      enum heph_feature feature)
{
	return features->used >> feature & 1;
}

static inline void heph_features_use(struct heph_features *features,
				     enum heph_feature feature)
{
	features->used |= UINT32_C(1) << feature;
}

/* Asks the kernel which opcodes it has. Returns 0; its error. */
struct io_uring;
int heph_features_probe(struct heph_features *features, struct io_uring *ring);

/* Whether pipes can be tried without waiting; without that the kernel tries them
 * over and over and then leaves each to a thread. Returns 0; -EOPNOTSUPP. */
int heph_features_try_pipe(void);

static inline bool heph_features_opcode(const struct heph_features *features,
					int opcode)
{
	return opcode >= 0 && opcode < 256 &&
	       (features->opcodes[opcode / 64] >> opcode % 64 & 1);
}

/* The names of those that are used, with spaces. Returns `text`. */
const char *heph_features_text(const struct heph_features *features, char *text,
			       size_t size);

#endif
