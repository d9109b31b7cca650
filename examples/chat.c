/* SPDX-License-Identifier: MIT */
/*
 * chat.c - a room in which lines go to everybody, over TCP and Unix sockets
 *
 * usage: chat [ADDRESS...]
 *
 * Serves all addresses at once, "127.0.0.1:7070" and "unix:/run/chat.sock" for
 * example, and before those the sockets that a service manager has passed. Try
 * it with: nc 127.0.0.1 7070, and: nc -U /run/chat.sock. A client says its name
 * first; then each line that it writes goes to all others. "/who" lists them,
 * "/quit" leaves.
 *
 *     server  one for each address; accepts
 *     conn    one for each client; reads its lines and sends them to the room
 *     writer  a child of the conn; writes to the client what the room sends
 *     room    one; knows who is there
 *
 * Slow readers. The room never waits for anybody: a writer has an inbox of
 * INBOX lines, and what does not fit any more is lost and counted; the next line
 * that does fit comes with how many were lost. Who reads nothing for PATIENCE is
 * disconnected. Fast talkers wait: sending to the room waits while its inbox is
 * full, so their connections are not read.
 *
 * A line is made once and shared by all who shall write it; it goes when the last
 * of them has, also if that one never came to it.
 *
 * SIGINT and SIGTERM: nobody is accepted any more, all get what was said until
 * then and a last line.
 */
#include <heph/heph.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NAME = 20,  /* bytes of a name */
	LINE = 512, /* and of a line, with its end */
	INBOX = 64, /* lines that wait for a slow reader */
	MEMBERS = 1000,
	ADDRESSES = 8,
};
#define PATIENCE (30 * HEPH_SEC)
#define GOODBYE HEPH_SEC

/* ---- lines ------------------------------------------------------------------------ */

struct line {
	atomic_uint holders;
	size_t n;
	char text[LINE + NAME + 4];
};

/* A line that the caller holds; NULL: no memory. */
static struct line *line_new(const char *name, const char *between,
			     const char *text)
{
	struct line *line = malloc(sizeof(*line));
	int n;

	if (!line)
		return NULL;
	atomic_init(&line->holders, 1);
	n = snprintf(line->text, sizeof(line->text), "%s%s%s\n", name, between,
		     text);
	line->n = (size_t)n < sizeof(line->text) ? (size_t)n :
						   sizeof(line->text) - 1;
	return line;
}

static struct line *line_hold(struct line *line)
{
	atomic_fetch_add(&line->holders, 1);
	return line;
}

static void line_release(struct line *line)
{
	if (line && atomic_fetch_sub(&line->holders, 1) == 1)
		free(line);
}

/* ---- the writer --------------------------------------------------------------------- */

struct writer_msg {
	struct line *line;
	unsigned lost; /* lines before this one that did not fit */
};

struct writer_arg {
	heph_fd fd;
};

HEPH_ACTOR(writer, struct writer_msg, struct writer_arg);

static void writer_drop(struct writer_msg *msg)
{
	line_release(msg->line);
}

static int write_msg(heph_ctx ctx, heph_fd fd, struct writer_msg *msg)
{
	char text[64];
	int err = 0;

	if (msg->lost) {
		snprintf(text, sizeof(text), "* %u lines were lost\n",
			 msg->lost);
		err = heph_write_all(ctx, fd, text, strlen(text));
	}
	if (err == 0)
		err = heph_write_all(ctx, fd, msg->line->text, msg->line->n);
	line_release(msg->line);
	return err;
}

/* A failure ends the connection, of which the conn hears when it reads. When it
 * is stopped it still writes what it has. */
static int writer_main(heph_ctx ctx, writer_inbox in, struct writer_arg *arg)
{
	struct writer_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		err = write_msg(heph_within(heph_shield(ctx, PATIENCE),
					    PATIENCE),
				arg->fd, &msg);
		if (err < 0)
			break;
	}
	ctx = heph_shield(ctx, GOODBYE);
	while (err == -ECANCELED && heph_try_recv(in, &msg) == 0)
		if (write_msg(ctx, arg->fd, &msg) < 0)
			break;
	(void)!heph_shutdown(ctx, arg->fd, SHUT_RDWR);
	return 0;
}
HEPH_ACTOR_MAIN(writer, writer_main, .drop = writer_drop);

/* ---- the room ------------------------------------------------------------------------- */

struct room_msg {
	enum { ROOM_JOIN, ROOM_SAY, ROOM_WHO } kind;
	writer_ref who;
	char name[NAME + 1]; /* join */
	struct line *line;   /* say */
	union {
		HEPH_REPLY(int) joined; /* 0; -EEXIST, -ENOSPC */
	};
};

HEPH_ACTOR(room, struct room_msg, void);

static void room_drop(struct room_msg *msg)
{
	line_release(msg->line);
}

struct member {
	writer_ref writer;
	char name[NAME + 1];
	unsigned lost;
};

struct members {
	struct member list[MEMBERS];
	unsigned n;
};

static void give_line(struct member *to, struct line *line)
{
	int err = heph_try_send(to->writer, { line_hold(line), to->lost });

	if (err == 0) {
		to->lost = 0;
		return;
	}
	line_release(line);
	if (err == -EAGAIN)
		to->lost++;
}

/* To all but one, who may be NULL. */
static void give_all(struct members *all, struct line *line,
		     const struct member *not_to)
{
	for (unsigned i = 0; line && i < all->n; i++)
		if (&all->list[i] != not_to)
			give_line(&all->list[i], line);
	line_release(line);
}

static struct member *find_writer(struct members *all, writer_ref writer)
{
	for (unsigned i = 0; i < all->n; i++)
		if (heph_same(all->list[i].writer, writer))
			return &all->list[i];
	return NULL;
}

static struct member *find_name(struct members *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->list[i].name, name) == 0)
			return &all->list[i];
	return NULL;
}

static int join(heph_ctx ctx, struct members *all, const struct room_msg *msg)
{
	struct member *member = &all->list[all->n];
	int err;

	if (find_name(all, msg->name))
		return -EEXIST;
	if (all->n == MEMBERS)
		return -ENOSPC;
	err = heph_monitor(ctx, msg->who);
	if (err < 0)
		return err;
	*member = (struct member){ .writer = msg->who };
	memcpy(member->name, msg->name, sizeof(member->name));
	all->n++;
	give_all(all, line_new("* ", member->name, " is here"), member);
	return 0;
}

static void leave(struct members *all, struct member *member)
{
	struct line *line = line_new("* ", member->name, " has left");

	*member = all->list[--all->n];
	give_all(all, line, NULL);
}

static void tell_who(struct members *all, struct member *member)
{
	struct line *line;

	for (unsigned i = 0; i < all->n; i++) {
		line = line_new("* ", all->list[i].name, "");
		if (!line)
			return;
		give_line(member, line);
		line_release(line);
	}
}

/* Who has just left may have said something before. */
static void say(struct members *all, const struct room_msg *msg)
{
	give_all(all, msg->line, find_writer(all, msg->who));
}

static void handle(heph_ctx ctx, struct members *all, struct room_msg *msg)
{
	struct member *member;

	switch (msg->kind) {
	case ROOM_JOIN:
		heph_answer(msg->joined, join(ctx, all, msg));
		break;
	case ROOM_SAY:
		say(all, msg);
		break;
	case ROOM_WHO:
		member = find_writer(all, msg->who);
		if (member)
			tell_who(all, member);
		break;
	}
}

static int room_main(heph_ctx ctx, room_inbox in)
{
	enum { DOWN, MESSAGE };
	struct members *all = heph_alloc(ctx, sizeof(*all));
	struct member *member;
	struct heph_down down;
	struct room_msg msg;
	int which;

	if (!all)
		return -ENOMEM;
	while ((which = heph_wait(ctx, [DOWN] = heph_on_down(&down),
				  [MESSAGE] = heph_on_msg(in, &msg))) >= 0) {
		if (which == MESSAGE) {
			handle(ctx, all, &msg);
			continue;
		}
		member = find_writer(all, (writer_ref){ { down.who.addr } });
		if (member)
			leave(all, member);
	}
	return which;
}
HEPH_ACTOR_MAIN(room, room_main, .drop = room_drop);

/* ---- a connection ------------------------------------------------------------------------ */

struct conn_arg {
	heph_fd fd;
	room_ref room;
};

HEPH_ACTOR(conn, void, struct conn_arg);

struct conn {
	heph_fd fd;
	room_ref room;
	writer_ref writer;
	char name[NAME + 1];
	struct heph_lines lines;
	char buf[LINE];
	char in[LINE]; /* what has come */
};

/* The next line. Little is read at a time, so that the writers, who write line by line,
 * keep up with who says much. Returns 1; 0: there are no more; -EMSGSIZE. */
static int read_line(heph_ctx ctx, struct conn *conn, char **ret_line)
{
	int n;

	while ((n = heph_lines_take(&conn->lines, ret_line)) == 0) {
		n = heph_read(ctx, conn->fd, conn->in, sizeof(conn->in));
		if (n <= 0)
			return n;
		heph_lines_give(&conn->lines, conn->in, (size_t)n);
	}
	return n;
}

static int write_text(heph_ctx ctx, struct conn *conn, const char *text)
{
	return heph_write_all(heph_within(ctx, PATIENCE), conn->fd, text,
			      strlen(text));
}

/* A name is one word of what can be printed. */
static bool good_name(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= NAME && text[0] != '/' && text[0] != '*';
}

/* It has a descriptor of its own, so that each closes what it has. */
static int start_writer(heph_ctx ctx, struct conn *conn)
{
	int number = heph_fd_number(ctx, conn->fd), copy, err;
	heph_fd fd;

	if (number < 0)
		return number;
	copy = dup(number);
	if (copy < 0)
		return -errno;
	err = heph_fd_adopt(ctx, copy, &fd);
	if (err < 0) {
		close(copy);
		return err;
	}
	err = heph_spawn(ctx, writer, &conn->writer, { fd }, .give = fd,
			 .inbox = INBOX);
	if (err < 0)
		heph_close(fd);
	return err;
}

/* Returns 1, 0: it is gone; -EEXIST, -ENOSPC. */
static int ask_name(heph_ctx ctx, struct conn *conn)
{
	struct room_msg msg = { .kind = ROOM_JOIN, .who = conn->writer };
	char *line;
	int n = write_text(ctx, conn, "* your name?\n"), joined;

	if (n == 0)
		n = read_line(heph_within(ctx, PATIENCE), conn, &line);
	if (n <= 0)
		return n;
	if (!good_name(line))
		return -EEXIST;
	memcpy(conn->name, line, strlen(line) + 1);
	memcpy(msg.name, conn->name, sizeof(msg.name));
	n = heph_call(heph_within(ctx, PATIENCE), conn->room, joined, &joined,
		      msg);
	return n < 0 ? n : joined < 0 ? joined : 1;
}

static int introduce(heph_ctx ctx, struct conn *conn)
{
	int n;

	while ((n = ask_name(ctx, conn)) == -EEXIST) {
		n = write_text(ctx, conn, "* not that one\n");
		if (n < 0)
			return n;
	}
	return n;
}

static int say_line(heph_ctx ctx, struct conn *conn, const char *text)
{
	struct line *line = line_new(conn->name, ": ", text);
	int err;

	if (!line)
		return -ENOMEM;
	err = heph_send(
		ctx, conn->room,
		{ .kind = ROOM_SAY, .who = conn->writer, .line = line });
	if (err < 0)
		line_release(line);
	return err;
}

static int talk(heph_ctx ctx, struct conn *conn)
{
	char *line;
	int n;

	while ((n = read_line(ctx, conn, &line)) > 0) {
		if (strcmp(line, "/quit") == 0)
			return 0;
		if (strcmp(line, "/who") == 0)
			n = heph_send(ctx, conn->room,
				      { .kind = ROOM_WHO,
					.who = conn->writer });
		else if (*line)
			n = say_line(ctx, conn, line);
		if (n < 0)
			break;
	}
	return n;
}

/* By way of the writer, after what was said. */
static void say_goodbye(heph_ctx ctx, struct conn *conn, const char *text)
{
	struct line *line = line_new("* ", text, "");

	if (line &&
	    heph_send(heph_shield(ctx, GOODBYE), conn->writer, { line, 0 }) < 0)
		line_release(line);
}

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	struct conn *conn = heph_alloc(ctx, sizeof(*conn));
	int n;

	if (!conn)
		return -ENOMEM;
	*conn = (struct conn){ .fd = arg->fd, .room = arg->room };
	conn->lines.buf = conn->buf;
	conn->lines.size = sizeof(conn->buf);
	n = start_writer(ctx, conn);
	if (n < 0)
		return n;
	n = introduce(ctx, conn);
	if (n > 0)
		n = talk(ctx, conn);
	if (n == -ECANCELED)
		say_goodbye(ctx, conn, "the room is closed");
	else if (n == -EMSGSIZE)
		say_goodbye(ctx, conn, "that line was too long");
	else if (n == -ENOSPC)
		say_goodbye(ctx, conn, "the room is full");
	return 0; /* the writer ends with it */
}
HEPH_ACTOR_MAIN(conn, conn_main);

/* ---- a server --------------------------------------------------------------------------------- */

struct server_arg {
	heph_fd listener;
	room_ref room;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	return heph_serve(ctx, arg->listener, conn, fd, { .room = arg->room });
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- the program ---------------------------------------------------------------------------------- */

struct chat_arg {
	char **addresses;
};

HEPH_ACTOR(chat, void, struct chat_arg);

struct servers {
	server_ref list[ADDRESSES];
	int n;
};

struct path {
	char text[HEPH_ADDRESS_MAX];
};

static void remove_path(heph_ctx ctx, struct path *path)
{
	(void)ctx;
	unlink(path->text);
}

/* Says where it listens. The file of a Unix socket goes with us. */
static int announce(heph_ctx ctx, heph_fd listener, bool ours)
{
	char address[HEPH_ADDRESS_MAX];
	struct path path = { "" };
	int err = heph_local_address(ctx, listener, address);

	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	if (!ours || strncmp(address, "unix:/", 6) != 0)
		return 0;
	snprintf(path.text, sizeof(path.text), "%s", address + 5);
	return heph_defer(ctx, remove_path, path);
}

static int start_server(heph_ctx ctx, struct servers *servers, heph_fd listener,
			room_ref room)
{
	int err;

	if (servers->n == ADDRESSES)
		return -E2BIG;
	err = heph_spawn(ctx, server, &servers->list[servers->n],
			 { listener, room }, .give = listener);
	if (err == 0)
		servers->n++;
	return err;
}

static int serve_passed(heph_ctx ctx, struct servers *servers, room_ref room)
{
	int n = heph_activation_count(NULL), err = n < 0 ? n : 0;
	heph_fd listener;

	for (int i = 0; err == 0 && i < n; i++) {
		err = heph_activation_take(ctx, NULL, (unsigned)i,
					   HEPH_ACTIVATION_LISTENER, &listener);
		if (err == 0)
			err = announce(ctx, listener, false);
		if (err == 0)
			err = start_server(ctx, servers, listener, room);
	}
	return err;
}

static int serve_addresses(heph_ctx ctx, struct servers *servers, room_ref room,
			   char **addresses)
{
	heph_fd listener;
	int err = 0;

	for (; err == 0 && *addresses; addresses++) {
		err = heph_listen(ctx, *addresses, &listener);
		if (err < 0)
			fprintf(stderr, "chat: %s: %s\n", *addresses,
				strerror(-err));
		if (err == 0)
			err = announce(ctx, listener, true);
		if (err == 0)
			err = start_server(ctx, servers, listener, room);
	}
	return err;
}

/* The room stays until the last connection has gone. */
static void stop_servers(heph_ctx ctx, struct servers *servers)
{
	ctx = heph_shield(ctx, PATIENCE);
	for (int i = 0; i < servers->n; i++)
		heph_stop(servers->list[i]);
	for (int i = 0; i < servers->n; i++)
		if (heph_join(ctx, servers->list[i], NULL) < 0)
			return;
}

static int chat_main(heph_ctx ctx, struct chat_arg *arg)
{
	char fallback[] = "127.0.0.1:7070", *fallbacks[] = { fallback, NULL };
	struct servers servers = { .n = 0 };
	room_ref room;
	int err = heph_spawn(ctx, room, &room);

	if (err == 0)
		err = serve_passed(ctx, &servers, room);
	if (err == 0)
		err = serve_addresses(ctx, &servers, room,
				      *arg->addresses || servers.n ?
					      arg->addresses :
					      fallbacks);
	if (err == 0)
		err = heph_sleep(ctx, HEPH_NEVER); /* until it is stopped */
	stop_servers(ctx, &servers);
	return err;
}
HEPH_ACTOR_MAIN(chat, chat_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "chat", .grace = 2 * HEPH_SEC };
	int err;

	(void)argc;
	err = heph_run(&config, chat, { argv + 1 });
	if (err < 0)
		fprintf(stderr, "chat: %s\n", strerror(-err));
	return err < 0;
}
