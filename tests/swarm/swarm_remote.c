/* SPDX-License-Identifier: MIT */
/*
 * swarm_remote.c - nodes that come and go, over networks that break
 *
 * Two to five nodes, over what the seed has drawn: memory, with what it loses and
 * cuts; stream sockets; encrypted datagrams. Each is stopped now and then, with a
 * goodbye or without a word, and comes again under its name. Users talk to what
 * the nodes export, through the node that they are at:
 *
 *     put    messages with numbers: each comes once and in order over what keeps
 *            the order, at most once over datagrams
 *     ask    a call, which says how many have come: all that were sent before it
 *     spawn  an actor there, stopped later
 *     pass   a reference in a message, which a third node may use
 *     watch  a monitor: one down, not more, not less
 *
 * Every wait ends at its deadline, with an error that the interface names. When all
 * is healed, everybody can talk to everybody; and at the end nothing is left.
 */
#include <heph/remote/node.h>
#include <heph/remote/sim.h>
#include <heph/remote/tcp.h>
#include <heph/remote/udp.h>

#include "remote/refs.h"
#include "remote/session.h"

static bool plant(const char *name);
#define SWARM_PLANT(name) plant(name)
#include "swarm.h"

/* ---- defects ------------------------------------------------------------------------ */

enum {
	NONE,
	LOSES,   /* what has come, and says that it has it */
	DOUBLES, /* does not know what has come */
	FORGETS, /* what to send again over a new connection */
	DEAF,    /* does not hear that an actor has ended */
};
static int planted;

static bool plant(const char *name)
{
	static const char *const names[] = { "", "loses", "doubles", "forgets",
					     "deaf" };

	for (int i = LOSES; i <= DEAF; i++)
		if (strcmp(name, names[i]) == 0)
			planted = i;
	return planted != NONE;
}

/* By the linker in place of those that they call. */
int __real_heph_session_come(struct heph_session *session, uint64_t seq);
int __wrap_heph_session_come(struct heph_session *session, uint64_t seq);
bool __real_heph_session_come_loose(struct heph_session *session, uint64_t seq);
bool __wrap_heph_session_come_loose(struct heph_session *session, uint64_t seq);
int __real_heph_session_resume(struct heph_session *session, uint64_t received);
int __wrap_heph_session_resume(struct heph_session *session, uint64_t received);
void __real_heph_refs_down(heph_ctx ctx, struct heph_peer *peer,
			   const struct heph_down *down);
void __wrap_heph_refs_down(heph_ctx ctx, struct heph_peer *peer,
			   const struct heph_down *down);

int __wrap_heph_session_come(struct heph_session *session, uint64_t seq)
{
	int result = __real_heph_session_come(session, seq);

	if (result != 1 || planted != LOSES || seq % 50)
		return result;
	heph_session_took(session, 0, heph_now());
	return 0;
}

bool __wrap_heph_session_come_loose(struct heph_session *session, uint64_t seq)
{
	return __real_heph_session_come_loose(session, seq) ||
	       planted == DOUBLES;
}

int __wrap_heph_session_resume(struct heph_session *session, uint64_t received)
{
	return planted == FORGETS ? 0 :
				    __real_heph_session_resume(session, received);
}

void __wrap_heph_refs_down(heph_ctx ctx, struct heph_peer *peer,
			   const struct heph_down *down)
{
	if (planted != DEAF)
		__real_heph_refs_down(ctx, peer, down);
}

enum {
	NODES = 5,
	USERS = 6,
	SENDERS = 1024, /* that one box remembers */
	NUMBERS = 256, /* of one of them */
	STEPS = 20,    /* of what breaks nodes and networks */
};

#define PATIENCE (3 * HEPH_SEC)
#define BEAT (200 * HEPH_MSEC)
#define SLACK (2 * HEPH_SEC)  /* what faults add to a wait, at most */
#define HEALED (60 * HEPH_SEC) /* so long after the last fault all is well */

/* ---- what a world is ------------------------------------------------------------------ */

enum kind { MEMORY, MEMORY_DATAGRAMS, TCP, UDP, KINDS };

enum end { GOES_ON, SAYS_GOODBYE, CRASHES };

/* A place where a node is, again and again. */
struct host {
	char name[8], where[32];
	char life[32]; /* what it is called on the network, this time */
	heph_node node;
	unsigned lives;
	bool up;
	enum end end; /* of this life, as soon as possible */
};

/* All actors of a world are on one thread, and there is one world at a time. */
static struct {
	enum kind kind;
	struct heph_transport *net;
	struct host hosts[NODES];
	unsigned n;
	uint64_t serials; /* of senders, so far */
	unsigned watchers;
	bool quiet;  /* users go home */
	bool ending; /* hosts do not come again */
	uint64_t puts, asks, spawns, passes, downs;
} the;

static bool keeps_order(void)
{
	return the.kind == MEMORY || the.kind == TCP;
}

static bool in_memory(void)
{
	return the.kind == MEMORY || the.kind == MEMORY_DATAGRAMS;
}

static bool one_in(heph_ctx ctx, uint64_t n)
{
	return heph_sim_random(ctx, n) == 0;
}

static heph_time some_time(heph_ctx ctx, heph_time most)
{
	return 1 + (heph_time)heph_sim_random(ctx, (uint64_t)most);
}

static void wrong(heph_ctx ctx, const char *what, long long number)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: %lld", what, number);
	heph_sim_fail(ctx, text);
}

/* With SWARM_TELL in the environment. */
static void tell(heph_ctx ctx, const char *what, uint64_t sender, uint64_t number,
		 int result)
{
	static int on = -1;

	if (on < 0)
		on = getenv("SWARM_TELL") != NULL;
	if (on)
		fprintf(stderr, "%.6f %s %s %llu %llu %d\n",
			(double)heph_now() / 1e9, heph_name(ctx), what,
			(unsigned long long)sender, (unsigned long long)number,
			result);
}

/* ---- what a wait may return -------------------------------------------------------------- */

/* Each step has a deadline, and ends with an error that the interface names. */
struct step {
	const char *what;
	heph_ctx ctx;
};

static struct step begin(heph_ctx ctx, const char *what)
{
	return (struct step){ what,
			      heph_within(ctx, 10 * HEPH_MSEC +
						       some_time(ctx, 6 * HEPH_SEC)) };
}

static bool is_named(int err)
{
	static const int named[] = { 0,		  -ESRCH,	 -EPIPE,
				     -ETIME,	  -ECANCELED,	 -EHOSTDOWN,
				     -ENOTCONN,	  -ENOENT,	 -EDQUOT,
				     -EHOSTUNREACH };

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (err == named[i])
			return true;
	return false;
}

static int end(const struct step *step, int err)
{
	if (!is_named(err))
		wrong(step->ctx, step->what, err);
	if (heph_now() > heph_deadline(step->ctx) + SLACK)
		wrong(step->ctx, "too late", heph_now() - heph_deadline(step->ctx));
	return err;
}

/* ---- a box counts what comes ------------------------------------------------------------- */

struct box_msg {
	enum { BOX_PUT, BOX_ASK } kind;
	uint64_t sender, number;
	struct heph_bytes load;
	HEPH_REPLY(uint64_t) come;
};
HEPH_CODEC(box_msg, struct box_msg,
	HEPH_FIELD(kind, .max = BOX_ASK),
	HEPH_FIELD(sender),
	HEPH_FIELD(number),
	HEPH_FIELD(load, .max = 1 << 20),
	HEPH_FIELD_REPLY(come));

struct box_arg {
	uint64_t slow; /* ns, at most, for each message */
};
HEPH_CODEC(box_arg, struct box_arg, HEPH_FIELD(slow));

HEPH_ACTOR(box, struct box_msg, struct box_arg);
HEPH_REMOTE_SPAWN(box, box_msg, box_arg);

struct seen {
	uint64_t sender, come;
	unsigned char numbers[NUMBERS];
};

static struct seen *seen_of(heph_ctx ctx, struct seen *all, uint64_t sender)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		if (!all[i].sender)
			all[i].sender = sender;
		if (all[i].sender == sender)
			return &all[i];
	}
	wrong(ctx, "too many senders for this test", SENDERS);
	return all;
}

static void check_load(heph_ctx ctx, const struct box_msg *msg)
{
	const unsigned char *data = msg->load.data;

	for (size_t i = 0; i < msg->load.size; i++)
		if (data[i] != (unsigned char)(msg->sender + msg->number * 3 + i))
			wrong(ctx, "a load is another one", (long long)i);
}

static void check_put(heph_ctx ctx, struct seen *seen, const struct box_msg *msg)
{
	tell(ctx, "come", msg->sender, msg->number, 0);
	check_load(ctx, msg);
	if (msg->number >= NUMBERS)
		wrong(ctx, "a number that nobody sent", (long long)msg->number);
	else if (seen->numbers[msg->number]++)
		wrong(ctx, "came twice", (long long)msg->number);
	if (keeps_order() && msg->number != seen->come)
		wrong(ctx, "came out of order, or one is lost",
		      (long long)(msg->number - seen->come));
	seen->come++;
	the.puts++;
}

static int box_main(heph_ctx ctx, box_inbox in, struct box_arg *arg)
{
	struct seen *all = calloc(SENDERS, sizeof(*all)), *seen;
	struct box_msg msg;
	int err = all ? heph_own(ctx, all, free) : -ENOMEM;

	while (err == 0 && (err = heph_recv(ctx, in, &msg)) == 0) {
		seen = seen_of(ctx, all, msg.sender);
		if (msg.kind == BOX_PUT)
			check_put(ctx, seen, &msg);
		else
			heph_answer(msg.come, seen->come);
		box_msg_drop(&msg);
		if (arg->slow && one_in(ctx, 4))
			err = heph_sleep(ctx, some_time(ctx, (heph_time)arg->slow));
	}
	return err;
}
HEPH_ACTOR_MAIN(box, box_main, .drop = box_msg_drop);

/* ---- who talks to a box ------------------------------------------------------------------- */

struct talk {
	box_ref box;
	uint64_t sender, sent;
};

static struct talk talk_to(box_ref box)
{
	return (struct talk){ box, ++the.serials, 0 };
}

static int make_load(heph_ctx ctx, const struct talk *talk, struct heph_bytes *load)
{
	size_t most = keeps_order() && one_in(ctx, 20) ? 100000 : 300;
	unsigned char *data;

	load->size = heph_sim_random(ctx, most);
	load->data = data = malloc(load->size + 1);
	for (size_t i = 0; data && i < load->size; i++)
		data[i] = (unsigned char)(talk->sender + talk->sent * 3 + i);
	return data ? 0 : -ENOMEM;
}

static int put(heph_ctx ctx, struct talk *talk)
{
	struct step step = begin(ctx, "put");
	struct heph_bytes load;
	int err = make_load(ctx, talk, &load);

	if (err < 0)
		return err;
	err = end(&step, heph_send(step.ctx, talk->box,
				   { .kind = BOX_PUT, .sender = talk->sender,
				     .number = talk->sent, .load = load }));
	tell(ctx, "put", talk->sender, talk->sent, err);
	if (err < 0)
		free(load.data);
	else
		talk->sent++;
	return err;
}

/* All that was sent before the call has come before it, if the order is kept. */
static int ask(heph_ctx ctx, struct talk *talk)
{
	struct step step = begin(ctx, "ask");
	uint64_t come;
	int err = end(&step, heph_call(step.ctx, talk->box, come, &come,
				       { .kind = BOX_ASK, .sender = talk->sender }));

	tell(ctx, "ask", talk->sender, talk->sent, err);
	the.asks++;
	if (err == 0 && keeps_order() && come != talk->sent)
		wrong(ctx, "not all that was sent has come",
		      (long long)(talk->sent - come));
	if (err == 0 && come > talk->sent)
		wrong(ctx, "more has come than was sent", (long long)come);
	return err;
}

static int talk(heph_ctx ctx, struct talk *talk)
{
	unsigned n = (unsigned)heph_sim_random(ctx, 40);
	int err = 0;

	while (n-- > 0 && !the.quiet && talk->sent < NUMBERS &&
	       (err == 0 || err == -ETIME)) {
		err = one_in(ctx, 4) ? ask(ctx, talk) : put(ctx, talk);
		if (one_in(ctx, 5))
			err = heph_sleep(ctx, some_time(ctx, 300 * HEPH_MSEC));
	}
	return err;
}

/* ---- a post passes references on ------------------------------------------------------------ */

struct post_msg {
	box_ref box;
};
HEPH_CODEC(post_msg, struct post_msg, HEPH_FIELD_REF_OF(box, box));

HEPH_ACTOR(post, struct post_msg, void);
HEPH_REMOTE(post, post_msg);

static int post_main(heph_ctx ctx, post_inbox in)
{
	struct post_msg msg;
	struct talk its;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		the.passes++;
		its = talk_to(msg.box);
		for (int i = 0; i < 3 && err == 0; i++)
			err = put(ctx, &its);
		if (err == 0)
			err = ask(ctx, &its);
		if (err == -ECANCELED)
			break;
	}
	return err;
}
HEPH_ACTOR_MAIN(post, post_main, .drop = post_msg_drop);

/* ---- who watches ------------------------------------------------------------------------- */

struct watcher_arg {
	box_ref box;
};
HEPH_ACTOR(watcher, void, struct watcher_arg);

/* Exactly one down, whenever it comes. */
static int watcher_main(heph_ctx ctx, struct watcher_arg *arg)
{
	struct heph_down down;
	int err = heph_monitor(ctx, arg->box);

	if (err == 0)
		err = heph_wait(ctx, heph_on_down(&down));
	if (err >= 0 && heph_alive(arg->box))
		wrong(ctx, "a down of one that lives", down.exit.err);
	if (err >= 0)
		err = heph_wait(heph_within(ctx, HEPH_SEC), heph_on_down(&down));
	if (err != -ETIME)
		wrong(ctx, "not one down", err);
	the.downs++;
	the.watchers--;
	return 0;
}
HEPH_ACTOR_MAIN(watcher, watcher_main);

static void watch(heph_ctx ctx, box_ref box)
{
	if (heph_spawn(ctx, watcher, NULL, { box }, .detached = true) == 0)
		the.watchers++;
}

/* ---- users -------------------------------------------------------------------------------- */

struct user_arg {
	unsigned home;
};
HEPH_ACTOR(user, void, struct user_arg);

static struct host *some_host(heph_ctx ctx)
{
	return &the.hosts[heph_sim_random(ctx, the.n)];
}

static int find_box(heph_ctx ctx, struct host *home, const struct host *there,
		    box_ref *ret_box)
{
	struct step step = begin(ctx, "whereis");

	return end(&step, heph_node_whereis(step.ctx, home->node, there->name,
					    box, "box", ret_box));
}

static int use_box(heph_ctx ctx, struct host *home)
{
	struct host *there = some_host(ctx);
	struct talk its;
	box_ref box;
	int err = find_box(ctx, home, there, &box);

	if (err < 0)
		return err;
	if (one_in(ctx, 3))
		watch(ctx, box);
	its = talk_to(box);
	err = talk(ctx, &its);
	if (there != home && one_in(ctx, 3))
		heph_stop(box); /* which is not allowed */
	return err;
}

static int end_box(heph_ctx ctx, box_ref box)
{
	struct step step = begin(ctx, "join");
	struct heph_exit exit;

	heph_stop(box);
	return end(&step, heph_join(step.ctx, box, &exit));
}

static int spawn_box(heph_ctx ctx, struct host *home)
{
	struct step step = begin(ctx, "spawn");
	struct box_arg arg = { one_in(ctx, 2) ? 20 * HEPH_MSEC : 0 };
	struct talk its;
	box_ref box;
	int err = end(&step, heph_node_spawn(step.ctx, home->node,
					     some_host(ctx)->name, box, &box,
					     arg));

	if (err < 0)
		return err;
	the.spawns++;
	if (one_in(ctx, 2))
		watch(ctx, box);
	its = talk_to(box);
	err = talk(ctx, &its);
	return one_in(ctx, 2) ? end_box(ctx, box) : err;
}

static int pass_box(heph_ctx ctx, struct host *home)
{
	struct step step;
	post_ref post;
	box_ref box;
	int err = find_box(ctx, home, some_host(ctx), &box);

	if (err < 0)
		return err;
	step = begin(ctx, "whereis");
	err = end(&step, heph_node_whereis(step.ctx, home->node,
					   some_host(ctx)->name, post, "post",
					   &post));
	if (err < 0)
		return err;
	step = begin(ctx, "pass");
	return end(&step, heph_send(step.ctx, post, { .box = box }));
}

static int user_main(heph_ctx ctx, struct user_arg *arg)
{
	static int (*const ways[])(heph_ctx, struct host *) = {
		use_box, use_box, spawn_box, pass_box
	};
	struct host *home = &the.hosts[arg->home];
	int err = 0;

	while (err != -ECANCELED && !the.quiet) {
		err = home->up ? ways[heph_sim_random(ctx, 4)](ctx, home) : 0;
		if (err != -ECANCELED)
			err = heph_sleep(ctx, some_time(ctx, HEPH_SEC));
	}
	return 0;
}
HEPH_ACTOR_MAIN(user, user_main);

/* ---- hosts --------------------------------------------------------------------------------- */

struct host_arg {
	unsigned i;
};
HEPH_ACTOR(host, void, struct host_arg);

static int start_node(heph_ctx ctx, struct host *host)
{
	static const unsigned windows[] = { 1, 2, 16, 256 };

	return heph_node_start(ctx, &host->node, .name = host->name,
			       .patience = PATIENCE, .beat = BEAT,
			       .backoff_max = HEPH_SEC,
			       .format = one_in(ctx, 2) ? HEPH_JSON :
							  HEPH_CBOR,
			       .window = windows[heph_sim_random(ctx, 4)],
			       .queue = 4 + (unsigned)heph_sim_random(ctx, 60));
}

static int open_node(heph_ctx ctx, struct host *host, struct heph_transport *at)
{
	int err = heph_node_listen(ctx, host->node, at, host->where, NULL);

	for (struct host *to = the.hosts; err == 0 && to < host; to++) {
		bool named = one_in(ctx, 2);
		struct step step = begin(ctx, "connect");

		err = heph_node_connect(step.ctx, host->node, at, to->where,
					named ? to->name : NULL);
		if (err == -EEXIST || (named && err == -ETIME))
			err = 0; /* it was told of it by another; it goes on */
	}
	return err;
}

static int export_all(heph_ctx ctx, struct host *host)
{
	struct box_arg arg = { one_in(ctx, 2) ? 20 * HEPH_MSEC : 0 };
	post_ref post;
	box_ref box;
	int err = heph_spawn(ctx, box, &box, arg, .inbox = 1 + (unsigned)heph_sim_random(ctx, 64));

	if (err == 0)
		err = heph_spawn(ctx, post, &post);
	if (err == 0)
		err = heph_node_export(ctx, host->node, box, box, "box");
	if (err == 0)
		err = heph_node_export(ctx, host->node, post, post, "post");
	if (err == 0)
		err = heph_node_offer(ctx, host->node, box);
	return err;
}

/* One that crashes is not heard of any more, whatever it says. */
static void cut_off(heph_ctx ctx, struct host *host)
{
	if (in_memory() && heph_sim_net_cut(the.net, host->life, NULL, true) < 0)
		wrong(ctx, "cut", 0);
}

static int live(heph_ctx ctx, struct host *host, struct heph_transport *at)
{
	int err = start_node(ctx, host);

	if (err == 0)
		err = export_all(ctx, host);
	if (err == 0)
		err = open_node(ctx, host, at);
	if (err < 0)
		return err;
	host->up = true;
	while (err == 0 && host->end == GOES_ON)
		err = heph_sleep(ctx, 50 * HEPH_MSEC);
	host->up = false;
	if (host->end == CRASHES)
		cut_off(ctx, host);
	return heph_node_stop(heph_shield(ctx, 20 * HEPH_SEC), host->node);
}

/* A life in a scope of its own: what it exports ends with it. */
static int live_once(heph_ctx ctx, struct host *host)
{
	struct heph_transport *at = NULL;
	struct heph_scope scope;
	int err = heph_scope_open(ctx, &scope);

	if (err < 0)
		return err;
	snprintf(host->life, sizeof(host->life), "n%d.%u",
		 (int)(host - the.hosts), ++host->lives);
	host->end = GOES_ON;
	if (in_memory())
		err = heph_sim_net_at(the.net, host->life, &at);
	else
		at = heph_transport_ref(the.net);
	if (err == 0)
		err = live(ctx, host, at);
	heph_scope_close(ctx, scope);
	heph_transport_free(at);
	return err;
}

static int host_main(heph_ctx ctx, struct host_arg *arg)
{
	struct host *host = &the.hosts[arg->i];
	int err = 0;

	while (err == 0 && !the.ending) {
		err = live_once(ctx, host);
		if (err < 0 && err != -ECANCELED)
			wrong(ctx, "a node did not live", err);
		if (err == 0 && !the.ending)
			err = heph_sleep(ctx, some_time(ctx, 5 * HEPH_SEC));
	}
	return 0;
}
HEPH_ACTOR_MAIN(host, host_main);

/* ---- the network ----------------------------------------------------------------------------- */

static int make_net(heph_ctx ctx)
{
	static const struct heph_udp_key key = { .key = { 1, 2, 3 } };

	switch (the.kind) {
	case MEMORY:
		return heph_sim_net_new(
			&the.net, .latency_max = some_time(ctx, 20 * HEPH_MSEC),
			.lost = one_in(ctx, 2) ? 0.002 : 0);
	case MEMORY_DATAGRAMS:
		return heph_sim_net_new(
			&the.net, .datagrams = true, .frame_max = 1200,
			.latency_max = some_time(ctx, 20 * HEPH_MSEC),
			.lost = one_in(ctx, 2) ? 0.1 : 0,
			.doubled = one_in(ctx, 2) ? 0.1 : 0,
			.reordered = one_in(ctx, 2) ? 0.1 : 0);
	case TCP:
		return heph_tcp_plain_new(&the.net, 0);
	default:
		return heph_udp_new(&the.net, .keys = &key, .n_keys = 1);
	}
}

static void name_hosts(heph_ctx ctx)
{
	for (unsigned i = 0; i < the.n; i++) {
		struct host *host = &the.hosts[i];

		snprintf(host->name, sizeof(host->name), "n%u", i % NODES);
		snprintf(host->where, sizeof(host->where), "10.0.0.%u:7000",
			 10 + i);
	}
}

/* Cuts one off from all who connect to it, or two of them from each other; or
 * joins them. */
static int cut_some(heph_ctx ctx, bool cut)
{
	struct host *a = some_host(ctx), *b = some_host(ctx);
	char host[32];

	if (in_memory())
		return heph_sim_net_cut(the.net, a->where,
					one_in(ctx, 3) ? NULL : b->where, cut);
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(a->where, ":"), a->where);
	return heph_sim_partition(ctx, host, NULL, cut);
}

static int heal(heph_ctx ctx)
{
	int err = 0;
	char host[32];

	for (unsigned i = 0; i < the.n && err == 0; i++) {
		const char *where = the.hosts[i].where;

		snprintf(host, sizeof(host), "%.*s", (int)strcspn(where, ":"),
			 where);
		err = in_memory() ? heph_sim_net_cut(the.net, where, NULL, false) :
				    heph_sim_partition(ctx, host, NULL, false);
	}
	return err;
}

static int break_something(heph_ctx ctx)
{
	struct host *host = some_host(ctx);

	switch (heph_sim_random(ctx, 6)) {
	case 0:
		host->end = SAYS_GOODBYE;
		return 0;
	case 1:
		host->end = CRASHES;
		return 0;
	case 2:
	case 3:
		return cut_some(ctx, true);
	case 4:
		return cut_some(ctx, false);
	default:
		return heal(ctx);
	}
}

/* ---- the end ----------------------------------------------------------------------------------- */

/* Asks, spawns, stops, and hears of the end. */
static int try_pair(heph_ctx ctx, const struct host *from, const struct host *to)
{
	box_ref box;
	uint64_t come;
	int err = heph_node_whereis(ctx, from->node, to->name, box, "box", &box);

	if (err == 0)
		err = heph_call(ctx, box, come, &come,
				{ .kind = BOX_ASK, .sender = ++the.serials });
	if (err == 0)
		err = heph_node_spawn(ctx, from->node, to->name, box, &box,
				      { 0 });
	if (err == 0) {
		heph_stop(box);
		err = heph_join(ctx, box, NULL);
	}
	return err;
}

/* When all is healed everybody can reach everybody again. */
static void check_pair(heph_ctx ctx, const struct host *from,
		       const struct host *to)
{
	heph_ctx last = heph_within(ctx, HEALED);
	int err;

	do {
		err = from->up ? try_pair(heph_within(last, 5 * HEPH_SEC), from,
					  to) :
				 -ENOTCONN;
	} while (err < 0 && heph_sleep(last, 100 * HEPH_MSEC) == 0);
	if (err < 0)
		wrong(ctx, "healed, but they cannot talk", err);
}

static void check_all(heph_ctx ctx)
{
	for (unsigned i = 0; i < the.n; i++)
		for (unsigned k = 0; k < the.n; k++)
			if (i != k)
				check_pair(ctx, &the.hosts[i], &the.hosts[k]);
}

static void await_watchers(heph_ctx ctx)
{
	heph_ctx last = heph_within(ctx, HEALED);

	while (the.watchers && heph_sleep(last, 100 * HEPH_MSEC) == 0)
		;
	if (the.watchers)
		wrong(ctx, "monitors that never told", the.watchers);
}

static int run_world(heph_ctx ctx)
{
	host_ref hosts[NODES];
	user_ref users[USERS];
	int err = 0;

	for (unsigned i = 0; i < the.n && err == 0; i++)
		err = heph_spawn(ctx, host, &hosts[i], { i });
	for (unsigned i = 0; i < USERS && err == 0; i++)
		err = heph_spawn(ctx, user, &users[i],
				 { (unsigned)heph_sim_random(ctx, the.n) });
	for (int i = 0; i < STEPS && err == 0; i++) {
		err = heph_sleep(ctx, some_time(ctx, 3 * HEPH_SEC));
		if (err == 0)
			err = break_something(ctx);
	}
	if (err == 0)
		err = heal(ctx);
	the.quiet = true;
	for (unsigned i = 0; i < USERS && err == 0; i++)
		err = heph_join(ctx, users[i], NULL);
	if (err == 0)
		check_all(ctx);
	the.ending = true;
	for (unsigned i = 0; i < the.n && err == 0; i++) {
		the.hosts[i].end = SAYS_GOODBYE;
		err = heph_join(ctx, hosts[i], NULL);
	}
	if (err == 0)
		await_watchers(ctx);
	return err;
}

static int world_main(heph_ctx ctx)
{
	const char *kind = getenv("SWARM_KIND");
	int err;

	memset(&the, 0, sizeof(the));
	the.kind = (enum kind)heph_sim_random(ctx, KINDS);
	if (kind)
		the.kind = (enum kind)atoi(kind);
	the.n = 2 + (unsigned)heph_sim_random(ctx, NODES - 1);
	name_hosts(ctx);
	err = make_net(ctx);
	if (err < 0)
		return err;
	err = run_world(ctx);
	heph_transport_free(the.net);
	if (getenv("SWARM_TELL"))
		fprintf(stderr, "kind %d, %u nodes: puts %llu asks %llu spawns %llu passes %llu downs %llu\n",
			the.kind, the.n, (unsigned long long)the.puts,
			(unsigned long long)the.asks,
			(unsigned long long)the.spawns,
			(unsigned long long)the.passes,
			(unsigned long long)the.downs);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);
