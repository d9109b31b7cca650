/* SPDX-License-Identifier: MIT */
/* stream.h - a connection of TLS as a stream, for all who read and write */
#ifndef HEPH_TLS_STREAM_H
#define HEPH_TLS_STREAM_H

#include <heph/stream.h>

/* Its `state` is a struct heph_tls_conn. */
extern const struct heph_stream_type heph_tls_stream_type;

/* Halves of one. The `state` is a struct heph_tls_half. */
extern const struct heph_stream_type heph_tls_reader_type, heph_tls_writer_type;

#endif
