/* SPDX-License-Identifier: MIT */
/* jsontext.h - texts and numbers as JSON has them */
#ifndef HEPH_TOOLS_JSONTEXT_H
#define HEPH_TOOLS_JSONTEXT_H

#include "tracereader.h"

/* The inside of a string: any bytes. What is not UTF-8 becomes U+FFFD. */
void json_text(FILE *out, struct trace_text text);

/* Numbers that would not be the same to who reads JSON numbers as doubles are
 * written as strings. */
void json_u64(FILE *out, uint64_t value);
void json_i64(FILE *out, int64_t value);
void json_f64(FILE *out, double value);

#endif
