/* SPDX-License-Identifier: MIT */
#include "remote/tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/refs.h"

/* ---- who taps ------------------------------------------------------------------- */

static int add(struct heph_node_state *node, const struct heph_tap *like)
{
	struct heph_tap *tap = heph_remote_mem_alloc(sizeof(*tap));

	if (!tap)
		return -ENOMEM;
	*tap = *like;
	tap->next = node->home->taps;
	node->home->taps = tap;
	return 0;
}

static void remove_tap(struct heph_tap **at)
{
	struct heph_tap *tap = *at;

	*at = tap->next;
	if (tap->lines.chan)
		heph_chan_free(tap->lines);
	heph_remote_mem_free(tap);
}

static struct heph_tap **find(struct heph_peer *peer)
{
	struct heph_tap **at = &peer->node->home->taps;

	while (*at && (*at)->peer != peer)
		at = &(*at)->next;
	return at;
}

int heph_tap_begin(struct heph_peer *peer, uint64_t number)
{
	const struct heph_tap tap = { .peer = peer, .number = number };

	return *find(peer) ? -EEXIST : add(peer->node, &tap);
}

void heph_tap_end(struct heph_peer *peer, uint64_t number)
{
	struct heph_tap **at = find(peer);

	if (*at && (*at)->number == number)
		remove_tap(at);
}

void heph_tap_leave(struct heph_peer *peer)
{
	struct heph_tap **at = peer->node->home ? find(peer) : NULL;

	if (at && *at)
		remove_tap(at);
}

int heph_tap_here(struct heph_node_state *node, heph_tap_lines_sender lines)
{
	const struct heph_tap tap = { .lines = lines };

	return add(node, &tap);
}

void heph_taps_fini(struct heph_node_state *node)
{
	while (node->home->taps)
		remove_tap(&node->home->taps);
}

/* ---- lines ------------------------------------------------------------------------- */

static int give(struct heph_tap *tap, const struct heph_tap_line *line)
{
	if (!tap->peer)
		return heph_raw_chan_try_send(tap->lines.chan, line,
					      sizeof(*line));
	return heph_refs_post(tap->peer, HEPH_FRAME_TAPPED, 0, tap->number,
			      line->text, strlen(line->text));
}

/* Says how many were lost before the next one that is not. */
static int give_lost(struct heph_tap *tap)
{
	struct heph_tap_line line = { "" };
	int err;

	if (!tap->lost)
		return 0;
	snprintf(line.text, sizeof(line.text), "(%" PRIu64 " lines lost)",
		 tap->lost);
	err = give(tap, &line);
	if (err == 0)
		tap->lost = 0;
	return err;
}

/* A line about a tap's own lines would not end. */
static void pass_line(struct heph_peer *about, const struct heph_tap_line *line)
{
	struct heph_tap **at = &about->node->home->taps;
	int err;

	while (*at) {
		err = give_lost(*at);
		if (err == 0)
			err = give(*at, line);
		if (err == -EPIPE) {
			remove_tap(at);
			continue;
		}
		(*at)->lost += err < 0;
		at = &(*at)->next;
	}
}

static const char *const arrows[] = {
	[HEPH_TAP_IN] = "<-", [HEPH_TAP_OUT] = "->"
};

void heph_tap_line_message(struct heph_peer *peer, enum heph_tap_way way,
			   const struct heph_remote_actor *remote, uint64_t id,
			   const void *msg)
{
	struct heph_tap_line line = { "" };
	int n = snprintf(line.text, sizeof(line.text), "%s %s %s#%" PRIu64 " ",
			 peer->name, arrows[way], remote->name, id);

	heph_codec_print(remote->msg(), msg, line.text + n,
			 sizeof(line.text) - (size_t)n);
	pass_line(peer, &line);
}

void heph_tap_line_answer(struct heph_peer *peer, enum heph_tap_way way,
			  const struct heph_field *field, uint64_t call,
			  int err)
{
	struct heph_tap_line line = { "" };

	snprintf(line.text, sizeof(line.text),
		 "%s %s answer %" PRIu64 " %s err=%d", peer->name, arrows[way],
		 call, field->name, err);
	pass_line(peer, &line);
}
