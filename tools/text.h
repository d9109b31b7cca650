/* SPDX-License-Identifier: MIT */
/* text.h - texts of programs, made fit for a terminal */
#ifndef HEPH_TOOLS_TEXT_H
#define HEPH_TOOLS_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Copies a text in UTF-8; what could steer a terminal becomes '?'. Returns how
 * many characters it has now: `columns` at most, if that is not 0. */
int text_clean(char *to, size_t size, const char *from, int columns);

/* Prints one, and blanks up to `width`, on its left if that is negative. */
void text_print(FILE *to, const char *text, int width);

/* "1.5M"; "12,345". */
const char *text_bytes(char to[16], double bytes);
const char *text_number(char to[32], double number);

#endif
