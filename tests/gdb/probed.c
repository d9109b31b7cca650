/* SPDX-License-Identifier: MIT */
/* probed.c - does once all that there are probes of */
#include <heph/heph.h>

#include <unistd.h>

struct ask {
	int question;
	HEPH_REPLY(int) reply;
};
HEPH_ACTOR(oracle, struct ask, void);

static int oracle_main(heph_ctx ctx, oracle_inbox in)
{
	struct ask msg;
	int err = heph_recv(ctx, in, &msg);

	if (err < 0)
		return err;
	(void)!heph_answer(msg.reply, { 42 });
	return 0;
}
HEPH_ACTOR_MAIN(oracle, oracle_main);

struct note {
	char text[24];
};
HEPH_ACTOR(reader, struct note, void);

static int reader_main(heph_ctx ctx, reader_inbox in)
{
	struct note msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(reader, reader_main);

HEPH_ACTOR(fragile, void, void);

static int fragile_main(heph_ctx ctx)
{
	static int lives;

	heph_check(ctx, lives++);
	return -ENOENT;
}
HEPH_ACTOR_MAIN(fragile, fragile_main);

HEPH_ACTOR(probed, void, void);

static int probed_main(heph_ctx ctx)
{
	int pipes[2], answer, err;
	oracle_ref oracle;
	reader_ref reader;
	heph_fd in, out;
	char buf[8];

	if (pipe(pipes))
		return -errno;
	err = heph_spawn(ctx, oracle, &oracle);
	if (err == 0)
		err = heph_spawn(ctx, reader, &reader);
	if (err == 0)
		err = heph_spawn(ctx, fragile, NULL,
				 .restarts = { .times = 1 });
	if (err == 0)
		err = heph_send(ctx, reader, { "hello" });
	if (err == 0)
		err = heph_call(ctx, oracle, reply, &answer, { .question = 1 });
	if (err == 0)
		err = heph_fd_adopt(ctx, pipes[0], &in);
	if (err == 0)
		err = heph_fd_adopt(ctx, pipes[1], &out);
	if (err == 0)
		err = heph_sleep(ctx, HEPH_MSEC);
	if (err == 0)
		err = heph_read(heph_within(ctx, HEPH_MSEC), in, buf,
				sizeof(buf));
	return err == -ETIME ? 0 : err;
}
HEPH_ACTOR_MAIN(probed, probed_main);

int main(void)
{
	struct heph_config config = { .name = "probed", .workers = 1 };

	return heph_run(&config, probed) < 0;
}
