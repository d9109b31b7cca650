/* SPDX-License-Identifier: MIT */
/*
 * home.h - what the connections of a server share on one worker
 *
 * Their list; memory that is not in use, so that a request costs no malloc(); the
 * line of the date; and which requests were answered at once the last time. Used
 * by the actors of that worker alone, so nothing here is locked. A connection
 * that is used by hand has a home of its own.
 */
#ifndef HEPH_HTTP_HOME_H
#define HEPH_HTTP_HOME_H

#include <heph/str.h>
#include <heph/types.h>

struct heph_http_conn;
struct heph_http_exchange;

enum {
	HEPH_HTTP_OUT = 16 << 10, /* bytes that are collected before a write */
	HEPH_HTTP_DATE = 37,      /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
	HEPH_HTTP_HABITS = 64,    /* requests of which it is known */
	HEPH_HTTP_SLOW = -100,    /* score of one that was slow */
	HEPH_HTTP_TRUSTED = 16,   /* the highest: it was quick that often */
	HEPH_HTTP_SPARE = 64,     /* of each kind of memory, kept at most */
	HEPH_HTTP_LOAD = 64 << 10,   /* bytes of a file at a time */
	HEPH_HTTP_SPARE_LOADS = 8,
};

/* Bytes that are to be written. */
struct heph_http_out {
	struct heph_http_out *next; /* of those that are not in use */
	unsigned used;
	unsigned chunk; /* 1 + where the line of a chunk is that goes on; 0:
			 * none does */
	char data[HEPH_HTTP_OUT];
};

/* Bytes of a file on their way. Kept, because memory that is touched for the first
 * time costs more than what is copied into it. */
struct heph_http_load {
	struct heph_http_load *next; /* of those that are not in use */
	char data[HEPH_HTTP_LOAD];
};

/* Whether requests like one are answered at once. */
struct heph_http_habit {
	uint32_t hash; /* 0: none is known here */
	int32_t score; /* they are if it is more than 0 */
};

struct heph_http_home {
	struct heph_http_conn *conns;
	struct heph_http_exchange *exchanges; /* not in use */
	struct heph_http_out *outs;           /* the same */
	struct heph_http_load *loads;       /* the same */
	unsigned n_exchanges, n_outs, n_loads;
	heph_time now;        /* at the latest look at the clock */
	heph_time date_until; /* the line holds that long */
	char date[HEPH_HTTP_DATE];
	struct heph_http_habit habits[HEPH_HTTP_HABITS];
};

/* The line of the date at that moment of heph_now(). */
struct heph_str heph_http_home_date(struct heph_http_home *home, heph_time now);

/* Memory for what is to be written, empty; NULL: there is none. And gives it
 * back; NULL is allowed. */
struct heph_http_out *heph_http_home_out(struct heph_http_home *home);
void heph_http_home_give_out(struct heph_http_home *home,
			     struct heph_http_out *out);

/* The same for a piece of a file. */
struct heph_http_load *heph_http_home_load(struct heph_http_home *home);
void heph_http_home_give_load(struct heph_http_home *home,
			       struct heph_http_load *load);

/* Frees what is not in use. */
void heph_http_home_clear(struct heph_http_home *home);

#endif
