/* SPDX-License-Identifier: MIT */
/*
 * config.h - a runtime's options from the environment and from a file
 *
 *     struct heph_config config = { .name = "web" };
 *     struct heph_config_text text = { 0 };
 *
 *     err = heph_config_from_file(&config, "/etc/web.conf", &text);
 *     if (err == 0)
 *             err = heph_config_from_env(&config, &text);
 *     if (err < 0)
 *             fprintf(stderr, "web: %s\n", text.error);
 *
 * Each option of struct heph_config has a key, which is the name of the member,
 * and a variable: `poll_ratio` is HEPH_POLL_RATIO. What is not mentioned stays as
 * it is, so the one that is read last goes first. Numbers are decimal. Times are
 * a number and a unit, "10s": ns, us, ms, s, min, h. Sizes are bytes, or a number
 * and a unit, "1MiB": B, KiB, MiB, GiB. Yes and no: yes, no, on, off, true, false,
 * 1, 0. The guide lists all options with their ranges.
 *
 * Thread     Any, also without a runtime; none may change the environment
 *            meanwhile. Nothing here waits but for the disk.
 * Ownership  Texts of the configuration point into the struct heph_config_text,
 *            which must live until heph_new() or heph_run() has returned.
 */
#ifndef HEPH_CONFIG_H
#define HEPH_CONFIG_H

#include <heph/runtime.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HEPH_CONFIG_ERROR = 512, HEPH_CONFIG_TEXTS = 10240 };

/* What was read, as texts; all zero at first. */
struct heph_config_text {
	char error[HEPH_CONFIG_ERROR]; /* what was wrong; empty: nothing */
	size_t used;                   /* of `texts` */
	char texts[HEPH_CONFIG_TEXTS];
};

/*
 * heph_config_from_env(&config, &text): takes what the variables of the
 * environment say, HEPH_WORKERS, HEPH_GRACE and so on. Empty ones do not count.
 * Returns 0; -EINVAL (a value is not one, or out of range; or a variable begins
 * with HEPH_ and there is none of that name): then the log and `text.error` name
 * the variable, the value and what is allowed, and the configuration is as it was.
 */
#define heph_config_from_env(config, text)                                     \
	heph_raw_config_from_env((config), sizeof(struct heph_config), (text))
HEPH_API HEPH_MUST int heph_raw_config_from_env(struct heph_config *config,
						size_t size,
						struct heph_config_text *text);

/*
 * heph_config_from_file(&config, path, &text): takes what a file says: a line for
 * each option, "key = value", at most 4,000 bytes; and empty lines, and comments,
 * from a # at the beginning of a line, or after a space, to its end. A key that
 * comes twice is an error.
 * Returns 0; -EINVAL (a value is not one, or out of range; there is no such key; or
 * a line is none of these), and what open(2) and read(2) say, -ENOENT for example:
 * then the log and `text.error` name the file and the line, the key, and what is
 * allowed, or the key that is most like it; the configuration is as it was.
 */
#define heph_config_from_file(config, path, text)                              \
	heph_raw_config_from_file((config), sizeof(struct heph_config),        \
				  (path), (text))
HEPH_API HEPH_MUST int heph_raw_config_from_file(struct heph_config *config,
						 size_t size, const char *path,
						 struct heph_config_text *text);

/*
 * heph_config_write(&config, buffer, size): writes a configuration as such a file
 * would have it, a line for each option that is not all zero; with
 * heph_config_of(), all that a runtime uses. Cuts what does not fit; returns the
 * length that it would have, as snprintf(3) does.
 */
#define heph_config_write(config, buffer, size)                                \
	heph_raw_config_write((config), sizeof(struct heph_config), (buffer),  \
			      (size))
HEPH_API size_t heph_raw_config_write(const struct heph_config *config,
				      size_t config_size, char *buffer,
				      size_t size);

/* The options that the runtime of a context uses, with the defaults filled in.
 * Valid as long as the runtime. */
HEPH_API const struct heph_config *heph_config_of(heph_ctx ctx);

/* ---- where it runs --------------------------------------------------------- */

/* Of the library whose headers these are; heph_host_info() tells that of the one
 * that is linked. */
#define HEPH_VERSION "0.1.0"

/* The machine and the process, for a log or a page about both. What cannot be
 * found out is an empty text. */
struct heph_host {
	char version[32]; /* of this library: "heph 0.1.0" */
	char os[65];      /* "Linux" */
	char release[65]; /* "6.1.0-18-amd64" */
	char machine[65]; /* "x86_64" */
	char name[65];    /* of the host */
	char id[33];      /* 32 hex digits of /etc/machine-id */
	int pid, parent;
};

/* Fills it in. Any thread, also without a runtime. Never fails. */
HEPH_API void heph_host_info(struct heph_host *ret_host);

#ifdef __cplusplus
}
#endif
#endif
