/* SPDX-License-Identifier: MIT */
/*
 * cluster.h - nodes that find each other, names that move, inboxes that survive
 *
 *     err = heph_nats_connect(ctx, &nats, .url = url);
 *     err = heph_cluster_join(ctx, &cluster, nats, node);
 *     err = heph_cluster_register(ctx, cluster, store, ref, "store-7");
 *     err = heph_cluster_whereis(ctx, cluster, store, "store-7", &ref);
 *
 * NATS is the engine: its subjects are addresses, its key-value store is the
 * registry, JetStream keeps what must not be lost. There is no consensus of our
 * own.
 *
 * Members. A node that has joined renews its entry each third of `lease`; one whose
 * entry was not renewed for that long, and a tenth, is down. One that cannot renew its
 * own (it is cut off) is down for itself a tenth earlier, before the others think so:
 * its names and leases are lost, and it is told. It joins again by itself, and then
 * takes back those of its names that nobody has taken.
 *
 * Names. A name is a key, made if it is not there, exchanged only for the value
 * that was read (compare and set). It is good as long as its member is.
 *
 * There is a peer connection between members only when one uses a reference of
 * another: heph_cluster_whereis() makes it, and so does a message of a pool, a topic or a
 * durable inbox that has a reference of a member in it. Such a reference is as good as its
 * node: one of a node that is no member any more cannot be delivered (-EHOSTUNREACH; in a
 * durable inbox it comes again). So what is stored should say names, not references.
 */
#ifndef HEPH_REMOTE_CLUSTER_H
#define HEPH_REMOTE_CLUSTER_H

#include <heph/remote/nats.h>
#include <heph/remote/node.h>
#include <heph/remote/router.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A reference to what a node has joined; any actor of its runtime may use it. */
typedef struct heph_cluster {
	struct heph_addr addr;
} heph_cluster;

struct heph_cluster_config {
	size_t size; /* of this struct; set by the macro */
	heph_time lease; /* 6 s; at least 300 ms */
	unsigned replicas; /* of buckets and streams that are made; 1, 3, 5 */
};

/*
 * heph_cluster_join(ctx, &cluster, nats, node[, .lease = ...]): waits until the node
 * is a member; for a lease and a tenth, if one of that name has died. It listens
 * over NATS by its name from now on. A child of the caller; its end leaves. It ends
 * with -ESRCH, after a HEPH_MEMBER_CUT, when the connection `nats` has ended.
 * Returns 0; -EEXIST (a member of that name is alive); -ENOTSUP (the broker has no
 * JetStream); -EPROTO (something else is in the store by that name); -EACCES,
 * -ENOTCONN, -EINVAL, -ENOMEM, -ESRCH, -ETIME, -ECANCELED.
 */
#define heph_cluster_join(ctx, ret_cluster, nats, node, ...)                   \
	HEPH_WITH__(heph_raw_cluster_join(                                     \
		(ctx), (ret_cluster), (nats), (node),                          \
		HEPH_SIZED__(struct heph_cluster_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_raw_cluster_join(heph_ctx ctx, heph_cluster *ret_cluster, heph_nats nats,
		      heph_node node, const struct heph_cluster_config *config);

/* All functions below wait, and return besides what is listed: -ESRCH (it has left),
 * -ENOTCONN (no broker for as long as the connection waits), -EACCES, -EPROTO (what
 * is in the store is not ours), -ETIME, -ECANCELED, -ENOMEM. */

/* ---- members ------------------------------------------------------------------------ */

enum heph_member_event {
	HEPH_MEMBER_UP,
	HEPH_MEMBER_DOWN,
	HEPH_MEMBER_CUT,    /* this node itself is cut off: what it had is lost */
	HEPH_MEMBER_JOINED, /* this node itself is a member again */
};

struct heph_member {
	enum heph_member_event event;
	uint64_t id;
	char name[HEPH_NODE_NAME_MAX + 1];
};
#ifndef __cplusplus
HEPH_REF(heph_member_watcher, struct heph_member);
#endif

/* Tells an actor that takes struct heph_member of the members that there are, this
 * one too, and of all that becomes of them. Returns 0. */
#define heph_cluster_watch(ctx, cluster, watcher)                              \
	heph_raw_cluster_watch((ctx), (cluster), (watcher).addr,               \
			       sizeof(*(watcher).msg_t) +                      \
				       0 * sizeof(char[1 - 2 * !HEPH_SAME__(   \
						   *(watcher).msg_t,           \
						   struct heph_member)]))
HEPH_API HEPH_MUST int heph_raw_cluster_watch(heph_ctx ctx, heph_cluster cluster,
					      struct heph_addr watcher,
					      size_t size);

/* The members at this moment, up to `max`. Returns how many there are. */
HEPH_API HEPH_MUST int heph_cluster_members(heph_ctx ctx, heph_cluster cluster,
					    struct heph_member *ret_members,
					    size_t max);

/* ---- names ---------------------------------------------------------------------------- */

/*
 * heph_cluster_register(ctx, cluster, NAME, ref, "store-7"): gives an actor of this
 * node a name in the cluster, until it ends, the caller ends, or
 * heph_cluster_unregister(). 1 to 200 bytes of letters, digits, "-", "_", "/", ".".
 * Returns 0, also if that actor has it already; -EEXIST (it is somebody's who is
 * alive); -EINVAL; -ENOLINK (this node is cut off). Who registered a name and was
 * cut off gets it back by itself, if nobody else has it then; else that is logged.
 */
#define heph_cluster_register(ctx, cluster, n_, ref, name)                     \
	HEPH_DO__(_Static_assert(HEPH_SAME__(ref, n_##_ref),                   \
				 "heph_cluster_register: " #ref                \
				 " is not a " #n_ "_ref");                     \
		  heph_raw_cluster_register((ctx), (cluster), n_##_remote(),   \
					    (ref).addr, (name)))
HEPH_API HEPH_MUST int
heph_raw_cluster_register(heph_ctx ctx, heph_cluster cluster,
			  const struct heph_remote_actor *remote,
			  struct heph_addr addr, const char *name);

/* Takes a name of this node away. Returns 0; -ENOENT. */
HEPH_API HEPH_MUST int heph_cluster_unregister(heph_ctx ctx, heph_cluster cluster,
					       const char *name);

/* heph_cluster_whereis(ctx, cluster, NAME, "store-7", &ref). Returns 0; -ENOENT;
 * -EPROTOTYPE; -EHOSTDOWN. heph_cluster_await_name(): waits until there is one. */
#define heph_cluster_whereis(ctx, cluster, n_, name, ret_ref)                  \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_cluster_whereis");          \
		  heph_raw_cluster_whereis((ctx), (cluster), n_##_remote(),    \
					   (name), false, &(ret_ref)->addr))
#define heph_cluster_await_name(ctx, cluster, n_, name, ret_ref)               \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_cluster_await_name");       \
		  heph_raw_cluster_whereis((ctx), (cluster), n_##_remote(),    \
					   (name), true, &(ret_ref)->addr))
HEPH_API HEPH_MUST int
heph_raw_cluster_whereis(heph_ctx ctx, heph_cluster cluster,
			 const struct heph_remote_actor *remote,
			 const char *name, bool wait,
			 struct heph_addr *ret_addr);

/* ---- leases ----------------------------------------------------------------------------- */

/* The right to do something that one in the cluster may do at a time. */
struct heph_lease {
	uint64_t token; /* larger than those of all earlier holders: what is
			 * written elsewhere can refuse smaller ones */
	char name[201];
};

/* Takes it, or waits until it can be had. It is kept until heph_cluster_release(), the
 * caller ends, or this node is cut off (HEPH_MEMBER_CUT). Returns 0; -EINVAL;
 * -ENOLINK (this node is cut off). */
HEPH_API HEPH_MUST int heph_cluster_lease(heph_ctx ctx, heph_cluster cluster,
					  const char *name,
					  struct heph_lease *ret_lease);
/* Returns 0; -ENOENT (it was lost). */
HEPH_API HEPH_MUST int heph_cluster_release(heph_ctx ctx, heph_cluster cluster,
					    const struct heph_lease *lease);
/* Whether it is held at this moment, as far as this node can know. Returns 1; 0. */
HEPH_API HEPH_MUST int heph_cluster_holds(heph_ctx ctx, heph_cluster cluster,
					  const struct heph_lease *lease);

/* ---- pools and topics --------------------------------------------------------------------- */

/*
 * heph_cluster_serve(ctx, cluster, NAME, ref, "resize", HEPH_TO_ONE): an actor takes part
 * in what is sent to that subject: HEPH_TO_ONE: each message goes to one of those who
 * do (a queue group); HEPH_TO_ALL: to all of them. Until it ends, the caller ends,
 * or heph_cluster_unserve(). Its inbox is awaited; what the broker sends meanwhile waits
 * here, up to `queue` of struct heph_nats_config, and is lost and counted then. When
 * this returns the broker knows, if there is one just then: what is sent afterwards
 * comes. Returns 0; -EINVAL.
 */
#define heph_cluster_serve(ctx, cluster, n_, ref, subject, how)                \
	HEPH_DO__(_Static_assert(HEPH_SAME__(ref, n_##_ref),                   \
				 "heph_cluster_serve: " #ref                   \
				 " is not a " #n_ "_ref");                     \
		  heph_raw_cluster_serve((ctx), (cluster), n_##_remote(),      \
					 (ref).addr, (subject), (how)))
HEPH_API HEPH_MUST int
heph_raw_cluster_serve(heph_ctx ctx, heph_cluster cluster,
		       const struct heph_remote_actor *remote,
		       struct heph_addr addr, const char *subject,
		       enum heph_route how);
/* Ends that for all actors of this node that serve the subject, and waits until it has.
 * Returns 0; -ENOENT (none does). */
HEPH_API HEPH_MUST int heph_cluster_unserve(heph_ctx ctx, heph_cluster cluster,
					    const char *subject);

/*
 * heph_cluster_subject(ctx, cluster, NAME, "resize", &ref): a reference that stands for
 * all who serve that subject now or later. A child of the caller. Sends are at most
 * once; a call that nobody serves fails with -ESRCH at once. Returns 0; -EINVAL.
 */
#define heph_cluster_subject(ctx, cluster, n_, subject, ret_ref)               \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_cluster_subject");          \
		  heph_raw_cluster_subject((ctx), (cluster), n_##_remote(),    \
					   (subject), &(ret_ref)->addr))
HEPH_API HEPH_MUST int
heph_raw_cluster_subject(heph_ctx ctx, heph_cluster cluster,
			 const struct heph_remote_actor *remote,
			 const char *subject, struct heph_addr *ret_addr);

/* ---- inboxes that survive -------------------------------------------------------------------- */

/* About a message of a durable inbox. */
struct heph_delivery {
	uint64_t number;  /* of it in its inbox, from 1 on */
	uint32_t times;   /* so often it was delivered, with this one. At least 2 if it may
			   * have been handled before, and the broker cannot know: it was
			   * restarted since, or heph_cluster_store() tried more than once */
	uint32_t waiting; /* how many come after it */
};

struct heph_durable_config {
	size_t size; /* of this struct; set by the macro */
	unsigned under_way; /* messages that are not acknowledged; 64 */
	heph_time redeliver; /* after so long without one; 30 s */
	unsigned times;      /* then it is given up, logged and counted; 0: never. By
			      * the broker's count: one that it forgot when it was
			      * killed comes once more, a mark takes no attempt */
	uint64_t messages, bytes; /* that the inbox keeps; then heph_cluster_store()
				   * is -ENOSPC; 0: as the broker's account allows */
	heph_time duplicates; /* so long ids are remembered; 2 min */
};

/*
 * heph_cluster_durable(ctx, cluster, NAME, ref, "orders", done, delivery[, .option]):
 * messages that are stored under that name go to the actor, one after the other, now
 * and after any restart, at least once. Each is a call: the message has the members
 *
 *     HEPH_REPLY(int) done;           answered with 0 when it has been handled: then
 *                                     it is acknowledged; else it comes again
 *     struct heph_delivery delivery;  filled in here: times > 1 marks one that may
 *                                     have been handled before
 *
 * It comes again also if the actor ends or restarts before it has answered. With
 * several who take the same name each message goes to one of them. Until the
 * actor or the caller ends, or heph_cluster_undurable(). Returns 0; -EINVAL; -EEXIST
 * (here already).
 */
#define heph_cluster_durable(ctx, cluster, n_, ref, name, done_, delivery_, ...) \
	HEPH_DO__(_Static_assert(HEPH_SAME__(ref, n_##_ref),                   \
				 "heph_cluster_durable: " #ref                 \
				 " is not a " #n_ "_ref");                     \
		  _Static_assert(                                              \
			  HEPH_SAME__(*(ref).msg_t->done_.value_t, int),       \
			  "heph_cluster_durable: " #done_                      \
			  " is not a HEPH_REPLY(int)");                        \
		  _Static_assert(HEPH_SAME__((ref).msg_t->delivery_,           \
					     struct heph_delivery),            \
				 "heph_cluster_durable: " #delivery_           \
				 " is not a struct heph_delivery");            \
		  heph_raw_cluster_durable(                                    \
			  (ctx), (cluster), n_##_remote(), (ref).addr, (name), \
			  offsetof(n_##_msg__, done_.raw),                     \
			  offsetof(n_##_msg__, delivery_),                     \
			  &(const struct heph_durable_config){                 \
				  .size = sizeof(struct heph_durable_config),  \
				  __VA_ARGS__ }))
HEPH_API HEPH_MUST int
heph_raw_cluster_durable(heph_ctx ctx, heph_cluster cluster,
			 const struct heph_remote_actor *remote,
			 struct heph_addr addr, const char *name,
			 size_t done_at, size_t delivery_at,
			 const struct heph_durable_config *config);
/* Takes no more from that inbox on this node, and waits until what is under way was
 * answered or given back. What it keeps stays. Returns 0; -ENOENT (it is not taken here). */
HEPH_API HEPH_MUST int heph_cluster_undurable(heph_ctx ctx, heph_cluster cluster,
					      const char *name);

/*
 * heph_cluster_store(ctx, cluster, NAME, "orders", "id-17" or NULL, message): waits until
 * the broker has it on disk. Tries again while there is no broker, until the deadline.
 * One with an id that was stored within `duplicates` is not stored again, with one
 * exception: a broker that is restarted forgets the ids of what was acknowledged. So if
 * the answer to an attempt was lost with the broker, and that message was handled
 * meanwhile, the next attempt stores it once more, under another number. All attempts
 * of one call but the first are therefore delivered with `times` at least 2. Another call
 * with the same id is a first attempt: after one that failed (-ETIME, -ENOTCONN) and a
 * restart it may be handled twice without a mark; give one call the time it needs.
 * What the message owns is still the caller's. Returns 0; 1 (it had been stored
 * before); -ENOENT (no such inbox has ever been taken); -ENOSPC; -EMSGSIZE.
 */
#define heph_cluster_store(ctx, cluster, n_, name, id, ...)                    \
	HEPH_DO__(HEPH_LET__(n_##_msg__, heph_m__, __VA_ARGS__)                \
		  heph_raw_cluster_store((ctx), (cluster), n_##_remote(),      \
					 (name), (id), &heph_m__))
HEPH_API HEPH_MUST int
heph_raw_cluster_store(heph_ctx ctx, heph_cluster cluster,
		       const struct heph_remote_actor *remote,
		       const char *name, const char *id, const void *msg);

struct heph_cluster_stats {
	unsigned members, names, subjects, inboxes;
	uint64_t lost;       /* messages of subjects that found no room here, or no
			      * broker */
	uint64_t refused;    /* what is not of the type, or not decodable */
	uint64_t redelivered; /* of durable inboxes */
	uint64_t given_up;
	uint64_t cuts; /* so often this node was cut off */
};

/* What this member has done so far. Returns 0. */
HEPH_API HEPH_MUST int heph_cluster_stats(heph_ctx ctx, heph_cluster cluster,
					  struct heph_cluster_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
