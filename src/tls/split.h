/* SPDX-License-Identifier: MIT */
/* split.h - a connection of TLS that two actors use */
#ifndef HEPH_TLS_SPLIT_H
#define HEPH_TLS_SPLIT_H

#include <heph/stream.h>

/* As `split` of struct heph_stream_type says. */
int heph_tls_split(heph_ctx ctx, struct heph_stream *stream,
		   struct heph_stream_handle *ret_writer);

#endif
