/* SPDX-License-Identifier: MIT */
#include "io/features.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

#define KEY "HEPH_URING_FEATURES"

const struct heph_feature_info heph_feature_infos[] = {
	[HEPH_FEATURE_DEFER_TASKRUN] = { "defer_taskrun", "6.1",
					 "completions happen when the worker asks for them" },
	[HEPH_FEATURE_COOP_TASKRUN] = { "coop_taskrun", "5.19",
					"completions do not interrupt the worker" },
	[HEPH_FEATURE_SUBMIT_ALL] = { "submit_all", "5.18",
				      "a bad operation does not hold up those after it" },
	[HEPH_FEATURE_REGISTERED_RING] = { "registered_ring", "5.18",
					   "calls need not look up the ring" },
	[HEPH_FEATURE_BUFFER_RING] = { "buffer_ring", "5.19",
				       "connections that wait hold no buffers" },
	[HEPH_FEATURE_INCREMENTAL] = { "incremental", "6.12",
				       "a buffer is filled piece by piece" },
	[HEPH_FEATURE_MULTISHOT_ACCEPT] = { "multishot_accept", "5.19",
					    "one operation accepts many connections" },
	[HEPH_FEATURE_POLL_FIRST] = { "poll_first", "5.19",
				      "a socket that was read empty is not read in vain" },
	[HEPH_FEATURE_MSG_RING] = { "msg_ring", "5.18",
				    "workers wake each other by their rings" },
	[HEPH_FEATURE_PIPES] = { "pipes", "6.4",
				 "pipes need no system calls of their own" },
};
_Static_assert(sizeof(heph_feature_infos) / sizeof(*heph_feature_infos) ==
		       HEPH_FEATURES,
	       "a feature is missing in the table");

/* ---- what is allowed ------------------------------------------------------------- */

static void list(char *text, size_t size, uint32_t bits)
{
	size_t len = 0;

	*text = '\0';
	for (int n = 0; n < HEPH_FEATURES; n++)
		if ((bits >> n & 1) && len < size)
			len += (size_t)snprintf(text + len, size - len, "%s%s",
						len ? " " : "",
						heph_feature_infos[n].name);
}

static int refuse(const char *word, size_t len)
{
	char names[256], value[32];

	list(names, sizeof(names), UINT32_MAX);
	snprintf(value, sizeof(value), "%.*s", (int)len, word);
	heph_log_error(KEY " has a word that is unknown",
		       HEPH_KV_STR("word", value),
		       HEPH_KV_STR("known", "none, or one of these, or -one"),
		       HEPH_KV_STR("names", names));
	return -EINVAL;
}

static bool is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

static int apply(struct heph_features *features, const char *word, size_t len)
{
	bool forbid = *word == '-';

	if (len == 0)
		return 0;
	if (is(word, len, "none")) {
		features->allowed = 0;
		return 0;
	}
	for (int n = 0; n < HEPH_FEATURES; n++) {
		if (!is(word + forbid, len - forbid,
			heph_feature_infos[n].name))
			continue;
		if (forbid)
			features->allowed &= ~(UINT32_C(1) << n);
		else
			features->allowed |= UINT32_C(1) << n;
		return 0;
	}
	return refuse(word, len);
}

int heph_features_init(struct heph_features *features)
{
	const char *word = getenv(KEY);
	size_t len;
	int err = 0;

	*features = (struct heph_features){ .allowed = UINT32_MAX };
	for (; word && *word && err == 0; word += len + (word[len] == ',')) {
		len = strcspn(word, ",");
		err = apply(features, word, len);
	}
	return err;
}

/* ---- what the kernel has ---------------------------------------------------------- */

int heph_features_probe(struct heph_features *features, struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);

	if (!probe)
		return -ENOMEM;
	for (int opcode = 0; opcode < 256; opcode++)
		if (io_uring_opcode_supported(probe, opcode))
			features->opcodes[opcode / 64] |= UINT64_C(1)
							  << opcode % 64;
	io_uring_free_probe(probe);
	return 0;
}

/* An empty pipe says -EAGAIN if it understands the question. */
int heph_features_try_pipe(void)
{
	char byte;
	struct iovec piece = { .iov_base = &byte, .iov_len = 1 };
	int numbers[2], err;

	if (pipe2(numbers, O_CLOEXEC) < 0)
		return -errno;
	err = preadv2(numbers[0], &piece, 1, -1, RWF_NOWAIT) < 0 ? -errno : 0;
	close(numbers[0]);
	close(numbers[1]);
	return err == -EAGAIN ? 0 : -EOPNOTSUPP;
}

const char *heph_features_text(const struct heph_features *features, char *text,
			       size_t size)
{
	list(text, size, features->used);
	return text;
}
