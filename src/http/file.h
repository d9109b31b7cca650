/* SPDX-License-Identifier: MIT */
/* file.h - a regular file as the body of a response */
#ifndef HEPH_HTTP_FILE_H
#define HEPH_HTTP_FILE_H

#include <heph/file.h>
#include <heph/http/message.h>
#include <heph/http/range.h>

/* What is known of it; `size` is what will be sent, whatever becomes of it. */
struct heph_http_file {
	heph_fd fd;
	uint64_t size;
	uint64_t inode;
	int64_t modified; /* nanoseconds since 1970 */
};

/* What is known of an open file. Returns 0; -EISDIR; -EINVAL (no regular file). */
int heph_http_file_of(heph_fd fd, const struct heph_stat *stat,
		      struct heph_http_file *ret_file);

/* Waits. heph_http_send_file(). */
int heph_http_file_send(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res,
			const struct heph_http_file *file);

/*
 * Waits. Sends the head, with that length of the body, and bytes of the file as
 * the body: some of them, and then perhaps some others. Return 0; -ENODATA: the
 * file is too short by now.
 */
int heph_http_file_parts(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res,
			 const struct heph_http_file *file,
			 const struct heph_http_range *ranges, unsigned n);

/* What moves bytes of a file; { 0 } before the first. */
struct heph_http_mover {
	heph_fd pipe[2]; /* the two ends; { 0 }: not needed so far */
};

/* Waits. After heph_http_begin(): a part of the body. */
int heph_http_mover_move(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res,
			 struct heph_http_mover *mover, heph_fd file,
			 const struct heph_http_range *range);

/* Gives back what it has. */
void heph_http_mover_end(struct heph_http_mover *mover);

#endif
