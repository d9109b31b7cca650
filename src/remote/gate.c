/* SPDX-License-Identifier: MIT */
#include "remote/gate.h"

int heph_gate_init(struct heph_gate *gate)
{
	int err = heph_chan_new(heph_tokens, 1, &gate->tx, &gate->rx);

	gate->waiting = gate->called = 0;
	if (err == 0)
		err = heph_chan_try_send(gate->tx, { 0 });
	return err;
}

void heph_gate_close(struct heph_gate *gate)
{
	heph_chan_free(gate->rx);
	gate->rx = (heph_tokens_receiver){ { NULL } };
}

void heph_gate_release(struct heph_gate *gate)
{
	heph_gate_close(gate);
	heph_chan_free(gate->tx);
	gate->tx = (heph_tokens_sender){ { NULL } };
}

/* One who gave up may have been called before it knew: nobody is called then whom
 * heph_gate_call() could count. */
int heph_gate_wait(heph_ctx ctx, struct heph_gate *gate)
{
	int err;

	if (!gate->rx.chan)
		return -EPIPE;
	gate->waiting++;
	err = heph_chan_send(ctx, gate->tx, { 0 });
	gate->waiting--;
	if (err == 0 && gate->called)
		gate->called--;
	if (gate->called > gate->waiting)
		gate->called = gate->waiting;
	return err;
}

bool heph_gate_call(struct heph_gate *gate)
{
	struct heph_token token;

	if (!gate->rx.chan || gate->called >= gate->waiting)
		return false;
	gate->called++;
	return heph_chan_try_recv(gate->rx, &token) == 0;
}
