/* SPDX-License-Identifier: MIT */
/*
 * tracing.c - three messages go down a chain of actors, and all is traced
 *
 * The first relay moves between the workers, five are on the first worker, and
 * who prints has a thread of its own. Each tells how long it waited for a
 * message and how long it had it. To see it:
 *
 *     tracing relays.trace
 *     heph trace convert relays.trace      makes relays.json
 *
 * and open that with https://ui.perfetto.dev or chrome://tracing.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RELAYS = 5 };

struct text_msg {
	bool last;
	char text[56];
};

/* Any actor that takes texts. */
HEPH_REF(taker, struct text_msg);

struct relay_arg {
	taker_ref next;
};

HEPH_ACTOR(relay, struct text_msg, struct relay_arg);
HEPH_ACTOR(printer, struct text_msg, void);

static int receive(heph_ctx ctx, relay_inbox in, struct text_msg *ret_msg)
{
	struct heph_span span = heph_span_begin(ctx);
	int err = heph_recv(ctx, in, ret_msg);

	if (err == 0)
		heph_span_end(ctx, span, "Receiving a message");
	return err;
}

static int pass_on(heph_ctx ctx, taker_ref next, struct text_msg msg)
{
	struct heph_span span = heph_span_begin(ctx);
	int err = heph_sleep(ctx,
			     HEPH_MSEC); /* so that there is something to see */

	if (err == 0)
		err = heph_send(ctx, next, msg);
	heph_span_end(ctx, span, "Relaying a message",
		      HEPH_SPAN_U64("bytes", strlen(msg.text)),
		      HEPH_SPAN_STR("text", msg.text));
	return err;
}

static int relay_main(heph_ctx ctx, relay_inbox in, struct relay_arg *arg)
{
	struct text_msg msg = { 0 };
	int err = 0;

	while (err == 0 && !msg.last) {
		err = receive(ctx, in, &msg);
		if (err == 0)
			err = pass_on(ctx, arg->next, msg);
	}
	return err;
}
HEPH_ACTOR_MAIN(relay, relay_main);

static int print(heph_ctx ctx, const struct text_msg *msg, unsigned n)
{
	struct heph_span span = heph_span_begin(ctx);
	char line[128];
	int len = snprintf(line, sizeof(line), "Received message: %s\n",
			   msg->text);

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		return -EIO;
	heph_span_end(ctx, span, "Printing a message",
		      HEPH_SPAN_FMT("line", "%u of %d", n, 3),
		      HEPH_SPAN_STR("message", msg->text));
	return 0;
}

static int printer_main(heph_ctx ctx, printer_inbox in)
{
	struct text_msg msg = { 0 };
	int err = 0;

	for (unsigned n = 1; err == 0 && !msg.last; n++) {
		err = heph_recv(ctx, in, &msg);
		if (err == 0)
			err = print(ctx, &msg, n);
	}
	return err;
}
HEPH_ACTOR_MAIN(printer, printer_main);

/* The chain, from its end on; `*ret_first` is where it begins. */
static int make_chain(heph_ctx ctx, relay_ref *ret_first)
{
	struct relay_arg to;
	printer_ref printer;
	int err = heph_spawn(ctx, printer, &printer, .on = HEPH_OWN_THREAD);

	to.next.addr = printer.addr;
	for (int n = 0; err == 0 && n <= RELAYS; n++) {
		err = heph_spawn(ctx, relay, ret_first, to,
				 .on = n < RELAYS ? HEPH_WORKER(0) : HEPH_ANY);
		to.next.addr = ret_first->addr;
	}
	return err;
}

static int run(heph_ctx ctx)
{
	relay_ref first;
	int err = make_chain(ctx, &first);

	if (err == 0)
		err = heph_send(ctx, first, { false, "Hello World!" });
	if (err == 0)
		err = heph_send(ctx, first, { false, "Hello Mars!" });
	if (err == 0)
		err = heph_send(ctx, first, { true, "End of transmission." });
	return err < 0 ? err : heph_drain(ctx);
}

int main(int argc, char **argv)
{
	const struct heph_config config = {
		.workers = 2,
		.trace = argc > 1 ? argv[1] : "tracing.trace",
	};
	heph_ctx ctx;
	int err = heph_new(&ctx, &config);

	if (err == 0)
		err = run(ctx);
	if (err < 0)
		fprintf(stderr, "tracing: %s\n", strerror(-err));
	heph_free(ctx);
	return err < 0;
}
