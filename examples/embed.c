/* SPDX-License-Identifier: MIT */
/*
 * embed.c - actors inside a loop of poll(2) that the program has already
 *
 * usage: embed
 *
 * The loop reads lines from the standard input and hands each to an actor,
 * which says it in capital letters a moment later. In between the loop does
 * what it always did. At the end of the input the actors are stopped, and what
 * they still had to say is said.
 */
#include <heph/embed.h>
#include <heph/heph.h>

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOMENT (5 * HEPH_MSEC)

struct shout_msg {
	char text[80];
};

HEPH_ACTOR(shout, struct shout_msg, void);

static void shout(struct shout_msg *msg)
{
	for (char *c = msg->text; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	printf("%s\n", msg->text);
	fflush(stdout);
}

static int shout_main(heph_ctx ctx, shout_inbox in)
{
	struct shout_msg msg;
	int n = 0;

	for (; heph_recv(ctx, in, &msg) == 0; n++) {
		(void)!heph_sleep(ctx, MOMENT); /* if it has the time */
		shout(&msg);
	}
	for (; heph_try_recv(in, &msg) == 0; n++)
		shout(&msg);
	printf("%d lines\n", n);
	return 0;
}
HEPH_ACTOR_MAIN(shout, shout_main);

/* One line of the input. False: there is no more. */
static bool handle_line(shout_ref to)
{
	struct shout_msg msg = { "" };

	if (!fgets(msg.text, sizeof(msg.text), stdin))
		return false;
	msg.text[strcspn(msg.text, "\n")] = '\0';
	if (heph_try_send(to, msg) < 0)
		fprintf(stderr, "too much to shout: %s\n", msg.text);
	return true;
}

static int loop(struct heph_embed *embed, shout_ref to)
{
	struct pollfd fds[] = {
		{ .fd = heph_embed_fd(embed), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	int err = 0;

	while (err >= 0 && !heph_embed_done(embed)) {
		poll(fds, 2, -1);
		if (fds[0].revents)
			err = heph_embed_run(embed);
		if (fds[1].revents && !handle_line(to)) {
			fds[1].fd = -1;
			heph_embed_stop(embed);
		}
	}
	return err;
}

int main(void)
{
	struct heph_embed *embed;
	shout_ref to;
	int err;

	setvbuf(stdin, NULL, _IONBF, 0); /* poll(2) must see what is left */
	err = heph_embed_new(&embed, NULL);
	if (err < 0)
		return 1;
	err = heph_spawn(heph_embed_ctx(embed), shout, &to);
	if (err == 0)
		err = loop(embed, to);
	heph_embed_free(embed);
	return err < 0;
}
