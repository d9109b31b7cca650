/* SPDX-License-Identifier: MIT */
/*
 * nats_link.h - a connection to NATS, for what uses it inside the library
 *
 * libnats has threads of its own and calls that block. So:
 *
 *     worker           publisher (a thread)      clerks (threads)      libnats
 *       publish ------> natsConnection_Publish
 *       do ----------------------------------->  job->run()
 *       channel <---------------------------------------------------  callbacks
 *
 * A message that is published waits in one bounded channel, whose only reader is
 * the publisher, so messages keep their order. What blocks is a job, which one of a
 * few clerks runs. What libnats calls back on its threads copies the message and puts
 * it into the bounded channel of its subscription; if that is full the message is lost
 * and counted. No actor runs on a thread of libnats, and no worker ever waits for it.
 *
 * The link is what they share; counted, of any thread. It stays while somebody holds it,
 * but is of no use when the connection's actor has ended: -ESRCH then.
 */
#ifndef HEPH_REMOTE_NATS_LINK_H
#define HEPH_REMOTE_NATS_LINK_H

#include <heph/heph.h>
#include <heph/inbox.h>
#include <heph/oneshot.h>
#include <heph/remote/nats.h>

#include <nats/nats.h>

struct heph_nats_link;

/* Waits. Returns 0, and `ret_link` is to be given back; -ESRCH, -ETIME, -ECANCELED. */
HEPH_MUST int heph_nats_link_of(heph_ctx ctx, heph_nats nats,
				struct heph_nats_link **ret_link);
struct heph_nats_link *heph_nats_link_ref(struct heph_nats_link *link);
void heph_nats_link_unref(struct heph_nats_link *link); /* NULL is ignored */

/* All of these: any thread, do not wait. */
const char *heph_nats_prefix(const struct heph_nats_link *link); /* "heph" */
size_t heph_nats_payload_max(const struct heph_nats_link *link); /* bytes */
bool heph_nats_credentials(const struct heph_nats_link *link); /* made with any */
heph_time heph_nats_wait(const struct heph_nats_link *link); /* of the config */
bool heph_nats_connected(const struct heph_nats_link *link);
/* How often it was connected so far: another number means that what was subscribed
 * may have missed messages. */
uint64_t heph_nats_connects(const struct heph_nats_link *link);
/* Whether it has ended, or was never made. */
bool heph_nats_closed(const struct heph_nats_link *link);

/* When the connection's actor is asked to stop it waits, for a second at most, for those
 * who have said that they will have something to say then. */
void heph_nats_use(struct heph_nats_link *link);
void heph_nats_unuse(struct heph_nats_link *link);

/* What becomes of the connection to the broker. */
struct heph_nats_event {
	bool connected;
};
HEPH_CHAN(heph_nats_events, struct heph_nats_event);
enum { HEPH_NATS_EVENTS = 16 };

/* From now on events come in that channel, until its receiver is given back. One that finds
 * no room is left out: who reads one looks at heph_nats_connected(). Returns 0; -ENOMEM;
 * -ESRCH (closed). Any thread. */
HEPH_MUST int heph_nats_listen(struct heph_nats_link *link,
			       heph_nats_events_receiver *ret_events);

/* ---- messages --------------------------------------------------------------------------- */

/* One block on the heap. */
struct heph_nats_msg {
	const char *subject;
	const char *reply;   /* "": none is wanted */
	const char *headers; /* name, nul, value, nul, name ...; a nul at the end */
	char *data;          /* aligned as malloc(3) does */
	size_t size;         /* of data */
};

struct heph_nats_header {
	const char *name, *value;
};

/* Makes one; all is copied. `reply` may be NULL; so may `data`, and then it is to be
 * filled in. Returns 0; -ENOMEM. Any thread. */
HEPH_MUST int heph_nats_msg_new(struct heph_nats_msg **ret_msg,
				const char *subject, const char *reply,
				const struct heph_nats_header *headers,
				size_t n_headers, const void *data, size_t size);
void heph_nats_msg_free(struct heph_nats_msg *msg); /* NULL is ignored */

/* The value of a header, "" if it has none of that name. */
const char *heph_nats_msg_header(const struct heph_nats_msg *msg,
				 const char *name);
/* The broker's word that nobody has subscribed to what this would answer. */
bool heph_nats_msg_nobody(const struct heph_nats_msg *msg);

/* ---- publishing ----------------------------------------------------------------------------- */

/* Waits while the publisher is behind. The message is given away after 0, and is still
 * the caller's after -ESRCH (closed), -EMSGSIZE (more than the broker takes), -ETIME,
 * -ECANCELED, -ENOMEM. 0 does not say that it arrives: what finds no connection and no
 * room in the buffer for that time is lost and counted. */
HEPH_MUST int heph_nats_publish(heph_ctx ctx, struct heph_nats_link *link,
				struct heph_nats_msg *msg);
/* The same without waiting; -EAGAIN. Any thread. */
HEPH_MUST int heph_nats_try_publish(struct heph_nats_link *link,
				    struct heph_nats_msg *msg);

/* ---- subscribing ---------------------------------------------------------------------------- */

/* Values of the channel of a subscription. Who receives one frees `msg`. */
struct heph_nats_in {
	struct heph_nats_msg *msg;
};
static inline void heph_nats_in_drop(struct heph_nats_in *in)
{
	heph_nats_msg_free(in->msg);
}
HEPH_CHAN(heph_nats_in, struct heph_nats_in, heph_nats_in_drop);

/* Belongs to who made it, until heph_nats_unsubscribe(). `in` is for
 * heph_chan_recv() and heph_on_chan(); its end (-EPIPE) says that the connection's actor
 * has ended. */
struct heph_nats_sub {
	heph_nats_in_receiver in;
};

/* Waits. From now on what is sent to that subject comes, also after the connection broke
 * and was made again. `group`, which may be NULL, is a queue group: each message goes to
 * one of it. `capacity` 0: as the config says. The broker knows when this returns, if there is one
 * just then; what is published through the same link afterwards reaches it later anyway.
 * Returns 0; -EINVAL (no subject); -ESRCH, -ENOMEM, -ETIME, -ECANCELED. */
HEPH_MUST int heph_nats_subscribe(heph_ctx ctx, struct heph_nats_link *link,
				  const char *subject, const char *group,
				  unsigned capacity,
				  struct heph_nats_sub **ret_sub);
/* Waits. Nothing more comes after this: the broker knows, and what it had sent is in the
 * channel, whose end (-EPIPE) follows. heph_nats_unsubscribe() is still owed. Returns 0;
 * what heph_nats_do() returns: then it may go on. */
HEPH_MUST int heph_nats_drain(heph_ctx ctx, struct heph_nats_sub *sub);
/* Does not wait. What it has received is dropped. NULL is ignored. Any thread. */
void heph_nats_unsubscribe(struct heph_nats_sub *sub);
/* How many messages found no room so far. Any thread. */
uint64_t heph_nats_sub_lost(const struct heph_nats_sub *sub);

/* A subject that nobody else has: PREFIX.what.22 random letters. At most 22 + 3 more than
 * prefix and `what`, nul included. Any thread. */
enum { HEPH_NATS_SUBJECT_MAX = 384 };
void heph_nats_unique(const struct heph_nats_link *link, const char *what,
		      char ret_subject[HEPH_NATS_SUBJECT_MAX]);

/* Whether it is a subject below PREFIX.what, as all are that answers of ours go to: what
 * others want to be answered at may be any. Any thread. */
bool heph_nats_below(const struct heph_nats_link *link, const char *what,
		     const char *subject);

/* ---- requests ------------------------------------------------------------------------------- */

/* Waits for the first answer to a message, whose `reply` must be "": it is filled in on the
 * way. The message is given away in any case. Returns 0, and `ret_answer` is the caller's;
 * -ESRCH (nobody has subscribed, or closed), -EMSGSIZE, -ETIME, -ECANCELED, -ENOMEM. */
HEPH_MUST int heph_nats_request(heph_ctx ctx, struct heph_nats_link *link,
				struct heph_nats_msg *msg,
				struct heph_nats_msg **ret_answer);

/* ---- what blocks ---------------------------------------------------------------------------- */

/* What a job works with, on its clerk's thread. */
struct heph_nats_tools {
	struct heph_nats_link *link;
	natsConnection *conn;
	jsCtx *js;        /* waits for `wait` at most */
	int64_t wait;     /* milliseconds */
};

/* Begins a struct of the user's on the heap, with one reference, which is its maker's. Clerk
 * and caller each hold one, as a caller may give up while it runs. */
struct heph_nats_job {
	/* On a thread that may block. What it returns heph_nats_do() returns. */
	int (*run)(struct heph_nats_job *job, struct heph_nats_tools *tools);
	/* The last one has given it back. Any thread. */
	void (*free)(struct heph_nats_job *job);
	_Atomic int refs; /* 1 at first */
};

void heph_nats_job_unref(struct heph_nats_job *job); /* NULL is ignored */

/* Waits until a clerk has run it. The caller keeps its reference, and reads the results if
 * this is not an error of its own: -ESRCH (closed), -ETIME, -ECANCELED (it may still be
 * run), -ENOMEM. */
HEPH_MUST int heph_nats_do(heph_ctx ctx, struct heph_nats_link *link,
			   struct heph_nats_job *job);

/* A negative errno for what libnats says: -ENOTCONN (no connection), -ETIME, -EACCES,
 * -ESRCH (no responders), -ENOENT (not found), -EEXIST, -ENOTSUP (no JetStream), -EINVAL,
 * -ENOMEM, -EMSGSIZE, -ENOBUFS, -EIO for all else. 0 for NATS_OK. */
int heph_nats_error(natsStatus status);
/* The same, of a call to JetStream, which tells more: -EEXIST (wrong last sequence),
 * -ENOSPC (full), -EMSGSIZE. */
int heph_nats_js_error(natsStatus status, jsErrCode code);

#endif
