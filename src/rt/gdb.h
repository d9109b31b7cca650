/* SPDX-License-Identifier: MIT */
/*
 * gdb.h - what heph-gdb.py must know of our structs
 *
 * A table of names and numbers in the library itself, so that the script reads
 * them right whatever the version and the options that the library was built
 * with, also where there is no debug information, as in a release build or in
 * the core file of a program that was stripped: then the script finds it by
 * `magic`. Nobody else uses it.
 */
#ifndef HEPH_RT_GDB_H
#define HEPH_RT_GDB_H

#include <stddef.h>
#include <stdint.h>

struct heph_gdb_entry {
	char name[22];
	uint16_t size; /* of a member, in bytes; 0: `value` is just a number */
	union {
		size_t value; /* the offset of a member, or a number */
		const void *address;
		void (*function)(void);
	};
};

struct heph_gdb_layout {
	char magic[16];
	uint32_t version; /* of the rules, not of the contents */
	uint32_t n;       /* entries */
	const struct heph_gdb_entry *entries;
};

/* A script refuses a table of another version. */
#define HEPH_GDB_VERSION 1

extern const struct heph_gdb_layout heph_gdb_layout;

#endif
