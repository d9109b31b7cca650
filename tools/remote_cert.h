/* SPDX-License-Identifier: MIT */
/* remote_cert.h - the name of a node in its certificate */
#ifndef HEPH_TOOLS_REMOTE_CERT_H
#define HEPH_TOOLS_REMOTE_CERT_H

#include <stdbool.h>
#include <stddef.h>

/* The first DNS name of a PEM file's first certificate that a node can have; if it
 * has no DNS names the common name. Whether there is one: what is wrong with the
 * file is said by who uses it. */
bool remote_cert_name(const char *path, char *ret_name, size_t size);

#endif
