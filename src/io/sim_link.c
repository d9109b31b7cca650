/* SPDX-License-Identifier: MIT */
#include "io/sim_link.h"

#include <string.h>

#include "base/mem.h"
#include "io/sim_socket.h"

#define RESEND_MIN (200 * HEPH_MSEC)
#define RESEND_MAX (10 * HEPH_SEC)

enum what { BYTES, END, RESET };

enum { NEAR_TIMES = 10, REORDER_SELDOM = 20 };

struct heph_sim_piece {
	struct heph_list node; /* in heph_sim_way.pieces */
	enum what what;
	heph_time due;
	size_t size;
	unsigned char data[];
};

static struct heph_sim_piece *first_piece(struct heph_sim_way *way)
{
	return heph_container_of(way->pieces.next, struct heph_sim_piece, node);
}

static void drop_first(struct heph_sim_way *way)
{
	struct heph_sim_piece *piece = first_piece(way);

	way->bytes -= piece->size;
	heph_list_remove(&piece->node);
	heph_mem_free(piece);
}

/* ---- beginning, ending ------------------------------------------------------------ */

static const struct heph_sim_file *file_of(const struct heph_sim_socket *socket)
{
	return socket ? &socket->file : NULL;
}

static void on_arrive(struct heph_sim *sim, struct heph_sim_event *event);

struct heph_sim_link *heph_sim_link_new(struct heph_sim *sim,
					struct heph_sim_socket *from,
					struct heph_sim_socket *to,
					const struct heph_sim_name *from_name,
					const struct heph_sim_name *to_name)
{
	struct heph_sim_link *link = heph_sim_memory(sizeof(*link));

	link->sim = sim;
	link->ends[0] = from;
	link->ends[1] = to;
	link->names[0] = *from_name;
	link->names[1] = *to_name;
	link->near = from_name->family != AF_INET;
	for (unsigned n = 0; n < 2; n++) {
		heph_list_init(&link->ways[n].pieces);
		link->ways[n].arrive.fn = on_arrive;
		link->ways[n].number = n;
	}
	heph_list_push_back(&sim->links, &link->node);
	return link;
}

static void clear(struct heph_sim_link *link, struct heph_sim_way *way)
{
	while (!heph_list_empty(&way->pieces))
		drop_first(way);
	heph_sim_never(link->sim, &way->arrive);
}

void heph_sim_link_free(struct heph_sim_link *link)
{
	for (unsigned n = 0; n < 2; n++)
		clear(link, &link->ways[n]);
	heph_list_remove(&link->node);
	heph_mem_free(link);
}

static bool unused(const struct heph_sim_link *link)
{
	return !link->ends[0] && !link->ends[1] &&
	       heph_list_empty(&link->ways[0].pieces) &&
	       heph_list_empty(&link->ways[1].pieces);
}

void heph_sim_link_leave(struct heph_sim_link *link, unsigned end)
{
	link->ends[end] = NULL;
	if (unused(link))
		heph_sim_link_free(link);
}

/* That end has it no more. */
static void break_end(struct heph_sim_link *link, unsigned end, int err)
{
	struct heph_sim_socket *socket = link->ends[end];

	link->ends[end] = NULL;
	if (socket)
		heph_sim_stream_broken(socket, err);
}

/* ---- sending ------------------------------------------------------------------------ */

size_t heph_sim_link_room(const struct heph_sim_link *link, unsigned from)
{
	const struct heph_sim_socket *to = link->ends[1 - from];
	size_t used = link->ways[from].bytes + (to ? to->received.n : 0);

	return used < HEPH_SIM_WINDOW ? HEPH_SIM_WINDOW - used : 0;
}

static heph_time travel(struct heph_sim_link *link)
{
	const struct heph_sim_options *options = &link->sim->options;
	heph_time length = heph_sim_between(link->sim, options->latency_min,
					    options->latency_max);

	if (link->near ||
	    heph_sim_name_same_host(&link->names[0], &link->names[1]))
		length /= NEAR_TIMES;
	return length;
}

static heph_time takes(const struct heph_sim_link *link, size_t size)
{
	return link->near ? 0 :
			    (heph_time)(size * (uint64_t)HEPH_SEC /
					link->sim->options.bandwidth);
}

static void queue(struct heph_sim_link *link, unsigned from, enum what what,
		  const void *data, size_t size)
{
	struct heph_sim_piece *piece = heph_sim_memory(sizeof(*piece) + size);
	struct heph_sim_way *way = &link->ways[from];
	heph_time due = link->sim->now + travel(link);

	if (due < way->last)
		due = way->last;
	piece->what = what;
	piece->size = size;
	piece->due = way->last = due + takes(link, size) + 1;
	if (size)
		memcpy(piece->data, data, size);
	way->bytes += size;
	if (heph_list_empty(&way->pieces))
		heph_sim_at(link->sim, &way->arrive, piece->due);
	heph_list_push_back(&way->pieces, &piece->node);
}

static void send_piece(struct heph_sim_link *link, unsigned from,
		       const void *data, size_t size)
{
	if (!link->near && heph_sim_fault(link->sim, HEPH_SIM_KIND(mute)))
		link->ways[from].mute = true;
	queue(link, from, BYTES, data, size);
}

void heph_sim_link_send(struct heph_sim_link *link, unsigned from,
			const void *data, size_t size)
{
	const unsigned char *bytes = data;
	size_t n;

	for (; size; bytes += n, size -= n) {
		n = size < HEPH_SIM_PIECE ? size : HEPH_SIM_PIECE;
		send_piece(link, from, bytes, n);
	}
}

void heph_sim_link_packet(struct heph_sim_link *link, unsigned from,
			  const void *data, size_t size)
{
	send_piece(link, from, data, size);
}

void heph_sim_link_end(struct heph_sim_link *link, unsigned from)
{
	queue(link, from, END, NULL, 0);
}

void heph_sim_link_reset(struct heph_sim_link *link, unsigned from)
{
	queue(link, from, RESET, NULL, 0);
}

/* ---- arriving ----------------------------------------------------------------------- */

/* Whether the first piece does not get through now. */
static bool blocked(struct heph_sim_link *link, const struct heph_sim_way *way)
{
	return way->mute ||
	       heph_sim_cut(link->sim, &link->names[0], &link->names[1]);
}

/* The sender tries again later, or has had enough. */
static void resend(struct heph_sim_link *link, unsigned from)
{
	struct heph_sim_way *way = &link->ways[from];
	struct heph_sim *sim = link->sim;

	if (!way->stuck) {
		way->stuck = sim->now;
		way->pause = RESEND_MIN;
	}
	if (sim->now - way->stuck < sim->options.patience) {
		heph_sim_at(sim, &way->arrive, sim->now + way->pause);
		way->pause = way->pause * 2 < RESEND_MAX ? way->pause * 2 :
							   RESEND_MAX;
		return;
	}
	clear(link, way);
	break_end(link, from, -ETIMEDOUT);
	if (unused(link))
		heph_sim_link_free(link);
}

/* At both ends at once, and nothing more arrives. */
static void break_link(struct heph_sim_link *link)
{
	for (unsigned n = 0; n < 2; n++)
		clear(link, &link->ways[n]);
	for (unsigned n = 0; n < 2; n++)
		break_end(link, n, -ECONNRESET);
	heph_sim_link_free(link);
}

/* There is nobody: says so, but not of an end or a reset. */
static void bounce(struct heph_sim_link *link, unsigned from, enum what what)
{
	if (what == BYTES && link->ends[from])
		heph_sim_link_reset(link, 1 - from);
}

static void arrive(struct heph_sim_link *link, unsigned from,
		   const struct heph_sim_piece *piece)
{
	struct heph_sim_socket *to = link->ends[1 - from];

	heph_sim_trace(link->sim, HEPH_SIM_ARRIVED, piece->what, piece->size);
	if (!to)
		bounce(link, from, piece->what);
	else if (piece->what == BYTES)
		heph_sim_stream_arrived(to, piece->data, piece->size);
	else if (piece->what == END)
		heph_sim_stream_ended(to);
	else
		break_end(link, 1 - from, -ECONNRESET);
}

/* A defect that was planted: what was sent first comes second. */
static void reorder(struct heph_sim_link *link, struct heph_sim_way *way)
{
	struct heph_sim_piece *piece = first_piece(way), *next;

	if (link->sim->defect != HEPH_SIM_REORDER ||
	    piece->node.next == &way->pieces)
		return;
	next = heph_container_of(piece->node.next, struct heph_sim_piece, node);
	if (piece->what != BYTES || next->what != BYTES ||
	    heph_sim_below(link->sim, REORDER_SELDOM))
		return;
	heph_list_remove(&next->node);
	heph_list_push_front(&way->pieces, &next->node);
}

static void arrive_first(struct heph_sim_link *link, unsigned from)
{
	struct heph_sim_way *way = &link->ways[from];
	struct heph_sim_piece *piece;

	way->stuck = 0;
	reorder(link, way);
	piece = first_piece(way);
	way->bytes -= piece->size;
	heph_list_remove(&piece->node);
	arrive(link, from, piece);
	heph_mem_free(piece);
	if (!heph_list_empty(&way->pieces))
		heph_sim_at(link->sim, &way->arrive, first_piece(way)->due);
	if (link->ends[from])
		heph_sim_stream_room(link->ends[from]);
	if (unused(link))
		heph_sim_link_free(link);
}

static void on_arrive(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct heph_sim_way *way =
		heph_container_of(event, struct heph_sim_way, arrive);
	unsigned from = way->number;
	struct heph_sim_link *link =
		heph_container_of(way - from, struct heph_sim_link, ways);

	if (!link->near && blocked(link, way))
		resend(link, from);
	else if (!link->near &&
		 heph_sim_fault_of(sim, file_of(link->ends[1 - from]),
				   HEPH_SIM_KIND(reset)))
		break_link(link);
	else
		arrive_first(link, from);
}
