/* SPDX-License-Identifier: MIT */
/*
 * remote_chat.c - a chat whose room and whose users are processes of their own
 *
 * usage: remote_chat [-t DIR] room ADDRESS
 *        remote_chat [-t DIR] join ADDRESS NAME
 *
 * The room listens at ADDRESS, "unix:/tmp/chat.sock" or "127.0.0.1:7070". With -t
 * the connections are TLS: in DIR are ca.pem, and for each process NAME.pem and
 * NAME.key, whose name is that of the room ("room") or the user, and nobody can come
 * by another's. Without it all who can connect are believed.
 *
 * What a user writes goes to all others. "/who" lists them, "/to NAME TEXT" goes
 * to one alone, "/quit" leaves.
 *
 *     room    one; knows who is there, by references
 *     user    one in each process of a user; prints what it hears
 *     keys    its other half; reads standard input
 *
 * Who comes gives the room a reference to its user actor, which the room monitors:
 * so it hears of a process that has died, too. What is for one alone does not
 * pass through the room: that gives away the reference of the other, and the
 * process of the one connects to that of the other when it uses it. Therefore each
 * process of a user has a door as well.
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NAME = 20,  /* bytes of a name */
	LINE = 300, /* and of a line */
	USERS = 100,
};
#define PATIENCE (10 * HEPH_SEC)
#define AWAY (2 * HEPH_SEC) /* so long a lost connection may be lost */

/* ---- what travels ------------------------------------------------------------------- */

struct user_msg {
	char from[NAME + 1]; /* "": the room itself */
	char text[LINE + 1];
	bool to_all;
};
HEPH_CODEC(user_msg, struct user_msg, HEPH_FIELD(from), HEPH_FIELD(text),
	   HEPH_FIELD(to_all));
HEPH_ACTOR(user, struct user_msg, void);
HEPH_REMOTE(user, user_msg);

struct room_msg {
	enum { ROOM_JOIN, ROOM_SAY, ROOM_WHO, ROOM_FIND } kind;
	user_ref who;        /* all but find */
	char name[NAME + 1]; /* join, find */
	char text[LINE + 1]; /* say */
	union {
		HEPH_REPLY(int) joined;     /* 0; -EEXIST, -ENOSPC */
		HEPH_REPLY(user_ref) found; /* refused: -ENOENT */
	};
};
HEPH_CODEC(room_msg, struct room_msg, HEPH_FIELD(kind, .max = ROOM_FIND),
	   HEPH_FIELD_REF_OF(who, user), HEPH_FIELD(name), HEPH_FIELD(text),
	   HEPH_FIELD_REPLY(joined, HEPH_CASE(kind, ROOM_JOIN)),
	   HEPH_FIELD_REPLY_REF(found, user, HEPH_CASE(kind, ROOM_FIND)));
HEPH_ACTOR(room, struct room_msg, void);
HEPH_REMOTE(room, room_msg);

/* As much of it as there is room for. */
static void set_text(char *to, size_t size, const char *text)
{
	size_t n = strnlen(text, size - 1);

	memcpy(to, text, n);
	to[n] = '\0';
}

/* ---- the room --------------------------------------------------------------------------- */

struct users {
	struct {
		user_ref ref;
		char name[NAME + 1];
	} list[USERS];
	unsigned n;
};

/* Nobody is waited for: who is too slow misses lines. */
static void tell(user_ref to, const char *from, const char *text)
{
	struct user_msg msg = { .to_all = true };

	set_text(msg.from, sizeof(msg.from), from);
	set_text(msg.text, sizeof(msg.text), text);
	heph_post(to, msg);
}

static void tell_all(struct users *all, const char *from, const char *text,
		     user_ref not_to)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!heph_same(all->list[i].ref, not_to))
			tell(all->list[i].ref, from, text);
}

static void announce(struct users *all, const char *name, const char *what,
		     user_ref not_to)
{
	char text[NAME + 40];

	snprintf(text, sizeof(text), "%s %s", name, what);
	tell_all(all, "", text, not_to);
}

/* USERS: there is none. */
static unsigned find_name(const struct users *all, const char *name)
{
	unsigned i = 0;

	while (i < all->n && strcmp(all->list[i].name, name) != 0)
		i++;
	return i < all->n ? i : USERS;
}

static unsigned find_ref(const struct users *all, user_ref ref)
{
	unsigned i = 0;

	while (i < all->n && !heph_same(all->list[i].ref, ref))
		i++;
	return i < all->n ? i : USERS;
}

static int join(heph_ctx ctx, struct users *all, const struct room_msg *msg)
{
	int err;

	if (find_name(all, msg->name) < USERS || !*msg->name)
		return -EEXIST;
	if (all->n == USERS)
		return -ENOSPC;
	err = heph_monitor(ctx, msg->who);
	if (err < 0)
		return err;
	all->list[all->n].ref = msg->who;
	memcpy(all->list[all->n++].name, msg->name, sizeof(msg->name));
	announce(all, msg->name, "is here", msg->who);
	return 0;
}

/* `err`: how the actor ended; what a proxy says when its process was lost. */
static void leave(struct users *all, user_ref ref, int err)
{
	unsigned i = find_ref(all, ref);
	char name[NAME + 1];

	if (i == USERS)
		return;
	memcpy(name, all->list[i].name, sizeof(name));
	all->list[i] = all->list[--all->n];
	announce(all, name, err == -EHOSTDOWN ? "was lost" : "has left",
		 (user_ref){ 0 });
}

static void say(struct users *all, const struct room_msg *msg)
{
	unsigned i = find_ref(all, msg->who);

	if (i < USERS) /* others are not in the room */
		tell_all(all, all->list[i].name, msg->text, msg->who);
}

static void give(struct users *all, const struct room_msg *msg)
{
	unsigned i = find_name(all, msg->name);

	if (i == USERS)
		heph_refuse(msg->found, -ENOENT);
	else
		heph_answer(msg->found, all->list[i].ref);
}

static void handle(heph_ctx ctx, struct users *all, const struct room_msg *msg)
{
	switch (msg->kind) {
	case ROOM_JOIN:
		heph_answer(msg->joined, join(ctx, all, msg));
		break;
	case ROOM_SAY:
		say(all, msg);
		break;
	case ROOM_WHO:
		for (unsigned i = 0; i < all->n; i++)
			tell(msg->who, "", all->list[i].name);
		break;
	case ROOM_FIND:
		give(all, msg);
		break;
	}
}

static int room_main(heph_ctx ctx, room_inbox in)
{
	enum { DOWN, MESSAGE };
	struct users *all = heph_alloc(ctx, sizeof(*all));
	struct room_msg *msg = heph_alloc(ctx, sizeof(*msg));
	struct heph_down down;
	int which;

	if (!all || !msg)
		return -ENOMEM;
	while ((which = heph_wait(ctx, [DOWN] = heph_on_down(&down),
				  [MESSAGE] = heph_on_msg(in, msg))) >= 0) {
		if (which == MESSAGE)
			handle(ctx, all, msg);
		else
			leave(all, (user_ref){ { down.who.addr } },
			      down.exit.err);
	}
	return which;
}
HEPH_ACTOR_MAIN(room, room_main);

/* ---- a user ----------------------------------------------------------------------------- */

static void print(const struct user_msg *msg)
{
	if (!*msg->from)
		printf("* %s\n", msg->text);
	else if (msg->to_all)
		printf("%s: %s\n", msg->from, msg->text);
	else
		printf("%s, to you: %s\n", msg->from, msg->text);
	fflush(stdout);
}

static int user_main(heph_ctx ctx, user_inbox in)
{
	struct user_msg *msg = heph_alloc(ctx, sizeof(*msg));
	int err = msg ? 0 : -ENOMEM;

	while (err == 0 && (err = heph_recv(ctx, in, msg)) == 0)
		print(msg);
	return err;
}
HEPH_ACTOR_MAIN(user, user_main);

/* What the other half has at hand. */
struct keys {
	room_ref room;
	user_ref self;
	const char *name;
	struct room_msg to_room; /* too large for the stack while we wait */
	struct user_msg to_user;
	struct heph_lines lines;
	char buf[LINE + 1];
};

/* Waits for something to be read; -EHOSTDOWN: the room is gone. */
static int await_input(heph_ctx ctx, heph_fd fd)
{
	enum { DOWN, INPUT };
	struct heph_down down;
	int which = heph_wait(ctx, [DOWN] = heph_on_down(&down),
			      [INPUT] = heph_on_readable(fd));

	return which == DOWN ? -EHOSTDOWN : which < 0 ? which : 0;
}

/* Waits. The next line of standard input, without its end. Returns 1; 0: there are no
 * more; -EMSGSIZE. */
static int read_line(heph_ctx ctx, heph_fd fd, struct keys *keys,
		     char **ret_line)
{
	char *data;
	int n;

	while ((n = heph_lines_take(&keys->lines, ret_line)) == 0) {
		n = await_input(ctx, fd);
		if (n == 0)
			n = heph_read_view(ctx, fd, &data);
		if (n <= 0)
			return n;
		heph_lines_give(&keys->lines, data, (size_t)n);
	}
	return n;
}

/* A message for the room, from us. */
static struct room_msg *to_room(struct keys *keys, int kind)
{
	keys->to_room = (struct room_msg){ .kind = kind, .who = keys->self };
	return &keys->to_room;
}

/* Asks the room for the other's reference, and uses it. "ben some text" */
static int whisper(heph_ctx ctx, struct keys *keys, char *line)
{
	struct room_msg *ask = to_room(keys, ROOM_FIND);
	struct user_msg *msg = &keys->to_user;
	char *text = line + strcspn(line, " ");
	user_ref other;
	int err;

	if (*text)
		*text++ = '\0';
	set_text(ask->name, sizeof(ask->name), line);
	err = heph_call(ctx, keys->room, found, &other, *ask);
	if (err < 0)
		return err;
	*msg = (struct user_msg){ .to_all = false };
	set_text(msg->from, sizeof(msg->from), keys->name);
	set_text(msg->text, sizeof(msg->text), text);
	return heph_send(ctx, other, *msg);
}

static int say_to_all(heph_ctx ctx, struct keys *keys, const char *text)
{
	struct room_msg *msg = to_room(keys, ROOM_SAY);

	set_text(msg->text, sizeof(msg->text), text);
	return heph_send(ctx, keys->room, *msg);
}

/* Returns 1: "/quit"; 0; or an error, which is the end, too. */
static int do_line(heph_ctx ctx, struct keys *keys, char *line)
{
	int err;

	if (strcmp(line, "/quit") == 0)
		return 1;
	if (strcmp(line, "/who") == 0)
		return heph_send(ctx, keys->room, *to_room(keys, ROOM_WHO));
	if (strncmp(line, "/to ", 4) == 0) {
		err = whisper(ctx, keys, line + 4);
		if (err == -ENOENT || err == -EHOSTDOWN || err == -ESRCH) {
			printf("* there is no %s\n", line + 4);
			fflush(stdout);
			err = 0;
		}
		return err;
	}
	return *line ? say_to_all(ctx, keys, line) : 0;
}

static int talk(heph_ctx ctx, struct keys *keys)
{
	heph_fd fd;
	char *line;
	int err = heph_stdin(ctx, &fd), n;

	keys->lines.buf = keys->buf;
	keys->lines.size = sizeof(keys->buf);
	if (err == 0)
		err = heph_monitor(ctx, keys->room);
	while (err == 0 && (n = read_line(ctx, fd, keys, &line)) != 0)
		if (n == -EMSGSIZE)
			fprintf(stderr, "a line may have %d letters\n", LINE);
		else
			err = n < 0 ? n : do_line(ctx, keys, line);
	return err < 0 ? err : 0;
}

static int enter(heph_ctx ctx, struct keys *keys)
{
	struct room_msg *msg = to_room(keys, ROOM_JOIN);
	int err, joined = 0;

	set_text(msg->name, sizeof(msg->name), keys->name);
	err = heph_call(heph_within(ctx, PATIENCE), keys->room, joined, &joined,
			*msg);
	return err < 0 ? err : joined;
}

/* ---- the program ---------------------------------------------------------------------------- */

struct app_arg {
	const char *certificates; /* a folder; NULL: none */
	const char *address;
	const char *name; /* "room", or the user's */
};
HEPH_ACTOR(app, void, struct app_arg);

static int open_transport(const struct app_arg *arg,
			  struct heph_transport **ret_transport)
{
	const char *dir = arg->certificates;
	char cert[400], key[400], ca[400];

	if (!dir)
		return heph_tcp_plain_new(ret_transport, 0);
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, arg->name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, arg->name);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	return heph_tcp_tls_new(ret_transport, .cert_file = cert,
				.key_file = key, .ca_file = ca);
}

static int serve(heph_ctx ctx, heph_node node, struct heph_transport *transport,
		 const char *address)
{
	char where[HEPH_WHERE_MAX];
	room_ref room;
	int err = heph_spawn(ctx, room, &room);

	if (err == 0)
		err = heph_node_export(ctx, node, room, room, "room");
	if (err == 0)
		err = heph_node_listen(ctx, node, transport, address, where);
	if (err < 0)
		return err;
	printf("listening on %s\n", where);
	fflush(stdout);
	return heph_sleep(ctx, HEPH_NEVER);
}

/* Where others find this process: "unix:" has no name until the kernel gives it one. */
static const char *door_of(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? "unix:" : "127.0.0.1:0";
}

/* First the user ends, so that the room hears of that, and then the node. */
static int leave_room(heph_ctx ctx, heph_node node, const struct keys *keys)
{
	int err;

	heph_stop(keys->self);
	err = heph_join(ctx, keys->self, NULL);
	return err < 0 ? err : heph_node_stop(ctx, node);
}

static int take_part(heph_ctx ctx, heph_node node,
		     struct heph_transport *transport, struct app_arg *arg)
{
	struct keys *keys = heph_alloc(ctx, sizeof(*keys));
	heph_ctx soon = heph_within(ctx, PATIENCE);
	int err = keys ? 0 : -ENOMEM;

	if (err == 0) {
		*keys = (struct keys){ .name = arg->name };
		err = heph_spawn(ctx, user, &keys->self);
	}
	if (err == 0)
		err = heph_node_listen(ctx, node, transport,
				       door_of(arg->address), NULL);
	if (err == 0)
		err = heph_node_connect(soon, node, transport, arg->address,
					"room");
	if (err == 0)
		err = heph_node_whereis(soon, node, "room", room, "room",
					&keys->room);
	if (err == 0)
		err = enter(ctx, keys);
	if (err < 0)
		return err;
	printf("* welcome, %s\n", arg->name);
	fflush(stdout);
	err = talk(ctx, keys);
	if (err == 0)
		err = leave_room(heph_within(ctx, PATIENCE), node, keys);
	return err;
}

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	struct heph_transport *transport;
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = arg->name,
				  .patience = AWAY, .attempts = 5);

	if (err == 0)
		err = open_transport(arg, &transport);
	if (err < 0)
		return err;
	if (strcmp(arg->name, "room") == 0)
		err = serve(ctx, node, transport, arg->address);
	else
		err = take_part(ctx, node, transport, arg);
	heph_transport_free(transport);
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

static int usage(void)
{
	fprintf(stderr, "usage: remote_chat [-t DIR] room ADDRESS\n"
			"       remote_chat [-t DIR] join ADDRESS NAME\n");
	return 2;
}

static const char *explain(int err)
{
	switch (err) {
	case -EEXIST:
		return "somebody of that name is there already";
	case -ENOSPC:
		return "the room is full";
	case -EHOSTDOWN:
		return "the room is gone";
	default:
		return strerror(-err);
	}
}

int main(int argc, char **argv)
{
	struct app_arg arg = { 0 };
	int letter, err;

	while ((letter = getopt(argc, argv, "t:")) == 't')
		arg.certificates = optarg;
	argv += optind;
	argc -= optind;
	if (letter != -1 || argc < 2)
		return usage();
	arg.address = argv[1];
	if (argc == 2 && strcmp(argv[0], "room") == 0)
		arg.name = "room";
	else if (argc == 3 && strcmp(argv[0], "join") == 0 &&
		 strcmp(argv[2], "room") != 0 && strlen(argv[2]) <= NAME)
		arg.name = argv[2];
	else
		return usage();
	err = heph_run(NULL, app, arg);
	if (err < 0)
		fprintf(stderr, "remote_chat: %s\n", explain(err));
	return err < 0;
}
