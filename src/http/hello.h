/* SPDX-License-Identifier: MIT */
/* hello.h - the handshake of a connection with TLS */
#ifndef HEPH_HTTP_HELLO_H
#define HEPH_HTTP_HELLO_H

#include "http/conn.h"

/* Waits. Shakes hands. Returns 0; an error, which was counted and logged. */
int heph_http_hello(heph_ctx ctx, struct heph_http_conn *conn);

#endif
