/* SPDX-License-Identifier: MIT */
#include "http/exchange.h"

#include <string.h>

#include "http/mem.h"

/* Memory of a request besides its first bytes. */
struct heph_http_block {
	struct heph_http_block *next;
	size_t used, size;
	_Alignas(16) char data[];
};

enum { BLOCK = 4000 };

static void reset(struct heph_http_exchange *exchange)
{
	memset(&exchange->req, 0, sizeof(exchange->req));
	memset(&exchange->body, 0, sizeof(exchange->body));
	heph_http_response_init(&exchange->res);
	exchange->parsed.method = HEPH_HTTP_OTHER;
	exchange->head = NULL;
	exchange->head_used = exchange->head_room = exchange->head_size = 0;
	exchange->in_place = exchange->quick = exchange->refused = false;
	exchange->hash = 0;
	exchange->answered = 0;
	exchange->peer = NULL;
	exchange->load = NULL;
	exchange->blocks = NULL;
	exchange->first_used = 0;
}

struct heph_http_exchange *
heph_http_exchange_new(struct heph_http_home *home, struct heph_http_conn *conn,
		       unsigned n_fields)
{
	struct heph_http_exchange *exchange = home->exchanges;

	if (exchange) {
		home->exchanges = exchange->next;
		home->n_exchanges--;
	} else {
		exchange = heph_http_mem_alloc(sizeof(*exchange) +
					 n_fields * sizeof(*exchange->fields));
		if (!exchange)
			return NULL;
		exchange->parsed.fields.at = exchange->fields;
		exchange->parsed.fields.room = n_fields;
	}
	reset(exchange);
	exchange->req.conn = conn;
	return exchange;
}

void heph_http_exchange_free(struct heph_http_home *home,
			     struct heph_http_exchange *exchange)
{
	struct heph_http_block *block;

	if (!exchange)
		return;
	heph_http_response_fini(&exchange->res);
	while ((block = exchange->blocks)) {
		exchange->blocks = block->next;
		heph_http_mem_free(block);
	}
	heph_http_home_give_load(home, exchange->load);
	heph_http_mem_free(exchange->head);
	if (home->n_exchanges >= HEPH_HTTP_SPARE) {
		heph_http_mem_free(exchange);
		return;
	}
	exchange->next = home->exchanges;
	home->exchanges = exchange;
	home->n_exchanges++;
}

int heph_http_exchange_head_room(struct heph_http_exchange *exchange, size_t size)
{
	size_t room = exchange->head_room ? exchange->head_room : 1024;
	char *grown;

	if (size <= exchange->head_room)
		return 0;
	while (room < size)
		room *= 2;
	grown = heph_http_mem_grow(exchange->head, room);
	if (!grown)
		return -ENOMEM;
	exchange->head = grown;
	exchange->head_room = (unsigned)room;
	return 0;
}

char *heph_http_exchange_load(struct heph_http_home *home,
			       struct heph_http_exchange *exchange)
{
	if (!exchange->load)
		exchange->load = heph_http_home_load(home);
	return exchange->load ? exchange->load->data : NULL;
}

/* ---- memory of the request ------------------------------------------------------ */

static void *take_from(struct heph_http_block *block, size_t size)
{
	void *at = block->data + block->used;

	block->used += size;
	return at;
}

void *heph_http_exchange_alloc(struct heph_http_exchange *exchange, size_t size)
{
	struct heph_http_block *block = exchange->blocks;
	void *at = exchange->first + exchange->first_used;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (size <= HEPH_HTTP_FIRST - exchange->first_used) {
		exchange->first_used += (unsigned)size;
		return at;
	}
	if (block && size <= block->size - block->used)
		return take_from(block, size);
	block = heph_http_mem_alloc(sizeof(*block) + (size > BLOCK ? size : BLOCK));
	if (!block)
		return NULL;
	block->size = size > BLOCK ? size : BLOCK;
	block->used = 0;
	block->next = exchange->blocks;
	exchange->blocks = block;
	return take_from(block, size);
}
