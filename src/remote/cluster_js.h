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
 * left, even which number was the latest; then its consumer, which knows a later one, takes
 * the next messages for delivered. So an inbox says with which life of the broker it was used
 * last, and up to which number messages may have been delivered in an earlier one; that is in
 * the description of its stream. In a new life the consumer is made anew.
 */
enum { HEPH_JS_LIFE = 80 };
struct heph_js_life {
	char server[HEPH_JS_LIFE]; /* the broker's id, another one each time it starts */
	uint64_t before;           /* the number */
};

/* `update`: of one that is there. */
void heph_js_create(struct heph_js_request *ret, const char *prefix, const char *name,
		    const struct heph_durable_config *config, unsigned replicas,
		    const struct heph_js_life *life, bool update);
void heph_js_create_dead(struct heph_js_request *ret, const char *prefix,
			 unsigned replicas);
void heph_js_consume(struct heph_js_request *ret, const char *prefix, const char *name,
		     const struct heph_durable_config *config);
void heph_js_info(struct heph_js_request *ret, const char *prefix, const char *name);
void heph_js_forget(struct heph_js_request *ret, const char *prefix, const char *name);
void heph_js_consumer_info(struct heph_js_request *ret, const char *prefix,
			   const char *name);
void heph_js_next(struct heph_js_request *ret, const char *prefix, const char *name,
		  unsigned batch, heph_time expires, heph_time beat);

/* ---- answers ------------------------------------------------------------------------ */

struct heph_js_answer {
	uint64_t seq;    /* of what was stored */
	bool duplicate;  /* it had been before */
	uint64_t latest; /* of a stream: the number of its latest message */
	struct heph_js_life life; /* of an inbox */
	char text[96];   /* of the error, by the broker */
};

/*
 * Reads the answer to any request, or to a message that was to be stored. Returns 0;
 * -ENOENT (no such stream or consumer); -EEXIST (there, and different); -ENOSPC;
 * -EMSGSIZE; -ENOTSUP (no JetStream here); -EAGAIN (not at the moment); -EINVAL (it
 * does not accept the request); -EPROTO (this is no answer).
 */
int heph_js_answer(const void *data, size_t size, struct heph_js_answer *ret);

/* ---- messages ------------------------------------------------------------------------ */

/* A header of what is stored with more than one attempt: an earlier one may have been
 * stored, too, if the broker has forgotten its id since. */
#define HEPH_JS_AGAIN "Heph-Again"

/* What the reply subject of a message says about it. Returns 0; -EPROTO. */
int heph_js_delivery(const char *reply, struct heph_delivery *ret);

/* What is said to that subject. */
#define HEPH_JS_ACK "+ACK"
#define HEPH_JS_WORKING "+WPI"
#define HEPH_JS_TERM "+TERM"
/* Again, after that time. */
void heph_js_nak(char ret[64], heph_time delay);

#endif
