#include "counter.h"

static int counter_main(heph_ctx ctx, counter_inbox in)
{
	struct counter_msg msg;
	long total = 0;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		switch (msg.kind) {
		case COUNTER_ADD:
			total += msg.n;
			break;
		case COUNTER_TOTAL:
			heph_answer(msg.total, total);
			break;
		}
	}
	return err; /* -ECANCELED: it was asked to stop */
}
HEPH_ACTOR_MAIN(counter, counter_main);
