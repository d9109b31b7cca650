/* SPDX-License-Identifier: MIT */
/*
 * told.h - what the fields of a head say about the message itself
 *
 * They are heard one by one while a head is read, and judged together at its end:
 * where the body ends can only be said of all of them.
 */
#ifndef HEPH_HTTP_TOLD_H
#define HEPH_HTTP_TOLD_H

#include <heph/http/parse.h>

struct heph_http_told {
	unsigned hosts, lengths, codings; /* how many there were */
	bool chunked;       /* that coding was named */
	bool closes, keeps; /* Connection: close, keep-alive */
	bool upgrades;      /* Connection: upgrade */
	bool protocol;      /* Upgrade with something in it */
	bool continues;     /* Expect: 100-continue */
	bool expects;       /* something else */
	enum heph_http_wrong coding; /* with the list of codings */
	struct heph_str host;   /* of the last Host */
	struct heph_str length; /* of the last Content-Length */
};

/* Takes note of a field, if it is one that matters here. */
static inline bool heph_http_matters(const struct heph_http_field *field)
{
	/* By how long the names are: the first letters of Host, Expect, Upgrade,
	 * Connection, Content-Length and Transfer-Encoding. */
	static const char firsts[32] = {
		[4] = 'h', [6] = 'e', [7] = 'u', [10] = 'c', [14] = 'c', [17] = 't',
	};

	return field->name_size < sizeof(firsts) &&
	       (field->name[0] | 0x20) == firsts[field->name_size];
}
void heph_http_hear(struct heph_http_told *told,
		    const struct heph_http_field *field);

/* What RFC 9112, section 6, makes of that for each message; `minor` is of the
 * version. HEPH_HTTP_FINE: one of the codings or the length, or neither, holds. */
enum heph_http_wrong heph_http_judge(const struct heph_http_told *told,
				     unsigned minor, uint64_t *ret_length);

/* Whether the connection goes on after the message; RFC 9112, section 9.3. */
static inline bool heph_http_persists(const struct heph_http_told *told,
				      unsigned minor)
{
	return !told->closes && (minor > 0 || told->keeps);
}

#endif
