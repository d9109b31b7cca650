/* SPDX-License-Identifier: MIT */
/*
 * cluster_js.h - what JetStream is asked, and what it says
 *
 * JetStream is spoken over ordinary subjects: a request to $JS.API..., JSON, and an
 * answer in JSON to the reply subject. So nothing here waits and nothing is sent:
 * this makes texts and reads them. (docs.nats.io/reference, "JetStream wire API";
 * error numbers: errors.json of nats-server.)
 */
#ifndef HEPH_REMOTE_CLUSTER_JS_H
#define HEPH_REMOTE_CLUSTER_JS_H

#include <heph/remote/cluster.h>

enum {
	HEPH_JS_SUBJECT = 320, /* bytes of a subject, with its end */
	HEPH_JS_REQUEST = 400, /* of that of a request */
	HEPH_JS_TEXT = 1024,   /* of a request */
	HEPH_JS_NAME = 200,    /* of an inbox, without its end */
	HEPH_JS_CONSUMER = 64, /* of the name of a consumer, with its end */
	HEPH_DEAD_KEPT = 100000, /* messages that were given up, of each inbox */
};

/* Whether it can be the name of an inbox or the rest of a subject: 1 to 200 bytes of
 * letters, digits, "-", "_", and within it ".". */
bool heph_js_name_ok(const char *name);

/* ---- an inbox --------------------------------------------------------------------- */

/* "PREFIX.kind.NAME": "durable" is where its messages are stored, "dead" where those go
 * that were given up. */
void heph_js_subject(char ret[HEPH_JS_SUBJECT], const char *prefix, const char *kind,
		     const char *name);

/* The requests: the subject and the text. */
struct heph_js_request {
	char subject[HEPH_JS_REQUEST];
	char text[HEPH_JS_TEXT];
};

/*
 * A broker that is killed may forget what was acknowledged of late, and, if nothing was
 * left, even which number was the latest. So the consumer of an inbox is in its memory, and
 * ends with what it knows for sure. A later one has another name: who asks the old one for
 * messages gets none, and each message tells which one it is of. What was stored before a
 * consumer was made may have been delivered by an earlier one.
 */
struct heph_js_consumer {
	char name[HEPH_JS_CONSUMER];
	heph_time since; /* by the broker's clock; since 1970 */
};

/* `update`: of one that is there. */
void heph_js_create(struct heph_js_request *ret, const char *prefix, const char *name,
		    const struct heph_durable_config *config, unsigned replicas,
		    bool update);
void heph_js_create_dead(struct heph_js_request *ret, const char *prefix,
			 unsigned replicas);
/* Makes that consumer, if the inbox has none, or changes its settings. */
void heph_js_consume(struct heph_js_request *ret, const char *prefix, const char *name,
		     const char *consumer, const struct heph_durable_config *config);
void heph_js_consumers(struct heph_js_request *ret, const char *prefix,
		       const char *name);
void heph_js_info(struct heph_js_request *ret, const char *prefix, const char *name);
void heph_js_consumer_info(struct heph_js_request *ret, const char *prefix,
			   const char *name, const char *consumer);
void heph_js_next(struct heph_js_request *ret, const char *prefix, const char *name,
		  const char *consumer, unsigned batch, heph_time expires, heph_time beat);

/* ---- answers ------------------------------------------------------------------------ */

struct heph_js_answer {
	uint64_t seq;    /* of what was stored */
	bool duplicate;  /* it had been before */
	heph_time created; /* the stream or the consumer, by the broker's clock; since 1970 */
	struct heph_js_limits {
		int64_t messages, bytes, replicas, duplicates;
	} limits; /* of a stream, as the broker writes them */
	char consumer[HEPH_JS_CONSUMER]; /* the first one that a stream has; "": none */
	heph_time redeliver; /* of a consumer */
	char text[96];   /* of the error, by the broker */
};

/*
 * Reads the answer to any request, or to a message that was to be stored. Returns 0;
 * -ENOENT (no such stream or consumer); -EEXIST (there, and different); -ENOSPC;
 * -EMSGSIZE; -ENOTSUP (no JetStream here); -EAGAIN (not at the moment); -EINVAL (it
 * does not accept the request); -EPROTO (this is no answer).
 */
int heph_js_answer(const void *data, size_t size, struct heph_js_answer *ret);

/* Whether a stream has these limits. */
bool heph_js_limits_are(const struct heph_js_limits *limits,
			const struct heph_durable_config *config, unsigned replicas);

/* ---- messages ------------------------------------------------------------------------ */

/* A header of what is stored with more than one attempt: an earlier one may have been
 * stored, too, if the broker has forgotten its id since. */
#define HEPH_JS_AGAIN "Heph-Again"

/* What the reply subject of a message says about it; and when it was stored, by the
 * broker's clock, since 1970. Returns 0; -EPROTO. */
int heph_js_delivery(const char *reply, struct heph_delivery *ret, heph_time *ret_stored);

/* Whether it is of that consumer, by its reply subject. */
bool heph_js_is_of(const char *reply, const char *consumer);

/* What is said to that subject. */
#define HEPH_JS_ACK "+ACK"
#define HEPH_JS_WORKING "+WPI"
#define HEPH_JS_TERM "+TERM"
/* Again, after that time. */
void heph_js_nak(char ret[64], heph_time delay);

#endif
