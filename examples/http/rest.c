/* SPDX-License-Identifier: MIT */
/*
 * rest.c - a REST service with JSON: an actor keeps the items, handlers ask it
 *
 * usage: rest [ADDRESS]
 *
 * Try it with:
 *     curl -d '{"name":"tea","price":350}' http://127.0.0.1:7890/items
 *     curl http://127.0.0.1:7890/items/1
 *     curl -X PUT -d '{"name":"tea","price":375}' http://127.0.0.1:7890/items/1
 *     curl "http://127.0.0.1:7890/items?after=0"
 *     curl -X DELETE http://127.0.0.1:7890/items/1
 */
#include <heph/http.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the store --------------------------------------------------------------------- */

enum { ITEMS = 1000, PAGE = 16 };

struct item {
	uint64_t id; /* 0: there is none */
	int64_t price;
	char name[40];
};

struct page {
	unsigned n;
	struct item items[PAGE];
};

struct store_msg {
	enum { STORE_ADD, STORE_GET, STORE_CHANGE, STORE_REMOVE, STORE_LIST } kind;
	struct item item; /* STORE_LIST: those behind its id */
	union {
		HEPH_REPLY(struct item) one;
		HEPH_REPLY(struct page) page;
	};
};

HEPH_ACTOR(store, struct store_msg, void);

/* The item with the id 1 is the first one; the id of one that was removed is 0. */
struct shelf {
	uint64_t n; /* items that ever were */
	struct item items[ITEMS];
};

static struct page list(const struct shelf *shelf, uint64_t after)
{
	struct page page = { 0 };

	for (uint64_t i = after; i < shelf->n && page.n < PAGE; i++)
		if (shelf->items[i].id)
			page.items[page.n++] = shelf->items[i];
	return page;
}

/* Returns the item as it was, or now is. */
static struct item handle(struct shelf *shelf, const struct store_msg *msg)
{
	struct item none = { 0 }, was, *item;
	uint64_t id = msg->item.id;

	if (msg->kind == STORE_ADD)
		id = shelf->n < ITEMS ? ++shelf->n : 0;
	if (id == 0 || id > shelf->n)
		return none;
	item = &shelf->items[id - 1];
	was = *item;
	if (msg->kind == STORE_REMOVE)
		*item = none;
	if (msg->kind == STORE_ADD || (msg->kind == STORE_CHANGE && was.id)) {
		*item = msg->item;
		item->id = id;
		return *item;
	}
	return was;
}

static int store_main(heph_ctx ctx, store_inbox in)
{
	struct shelf *shelf = heph_alloc(ctx, sizeof(*shelf));
	int err = shelf ? 0 : -ENOMEM;
	struct store_msg msg;

	while (err == 0 && (err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.kind == STORE_LIST)
			heph_answer(msg.page, list(shelf, msg.item.id));
		else
			heph_answer(msg.one, handle(shelf, &msg));
	}
	return err;
}
HEPH_ACTOR_MAIN(store, store_main);

/* ---- JSON -------------------------------------------------------------------------- */

static json_t *json_of(const struct item *item)
{
	return json_pack("{s:I, s:s, s:I}", "id", (json_int_t)item->id, "name",
			 item->name, "price", (json_int_t)item->price);
}

/* Waits. Sends a value, which is used up. */
static int send_json(heph_ctx ctx, struct heph_http_response *res,
		     unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int err = text ? heph_http_json(ctx, res, status, text) : -ENOMEM;

	free(text);
	json_decref(json);
	return err;
}

/* Waits. Reads an item from the body. -EBADMSG, a 400, if it is none. */
static int read_item(heph_ctx ctx, struct heph_http_request *req,
		     struct item *item)
{
	struct heph_str body;
	const char *name;
	json_int_t price;
	json_t *json;
	int err;

	err = heph_http_read_all(ctx, req, 0, &body);
	if (err < 0)
		return err;
	json = json_loadb(body.data, body.size, 0, NULL);
	if (!json)
		return -EBADMSG;
	err = -EBADMSG;
	if (json_unpack(json, "{s:s, s:I}", "name", &name, "price", &price) == 0 &&
	    strlen(name) < sizeof(item->name)) {
		strcpy(item->name, name);
		item->price = price;
		err = 0;
	}
	json_decref(json);
	return err;
}

/* ---- handlers ------------------------------------------------------------------------ */

struct shop {
	store_ref store;
};

/* Waits. Asks the store, and answers with the item. */
static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res, struct store_msg msg,
		  unsigned if_none)
{
	struct item item;
	int err;

	err = heph_call(ctx, heph_http_app(req, struct shop)->store, one, &item,
			msg);
	if (err < 0)
		return err;
	if (item.id == 0)
		return heph_http_error(ctx, res, if_none);
	if (msg.kind == STORE_REMOVE) {
		heph_http_status(res, 204);
		return 0;
	}
	if (msg.kind == STORE_ADD)
		heph_http_addf(res, "Location", "/items/%" PRIu64, item.id);
	return send_json(ctx, res, msg.kind == STORE_ADD ? 201 : 200,
			 json_of(&item));
}

static int add_item(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_response *res)
{
	struct store_msg msg = { .kind = STORE_ADD };
	int err = read_item(ctx, req, &msg.item);

	return err < 0 ? err : answer(ctx, req, res, msg, 507);
}

static int change_item(heph_ctx ctx, struct heph_http_request *req,
		       struct heph_http_response *res)
{
	struct store_msg msg = { .kind = STORE_CHANGE };
	int err = read_item(ctx, req, &msg.item);

	msg.item.id = heph_http_param_u64(req, "id");
	return err < 0 ? err : answer(ctx, req, res, msg, 404);
}

static int get_item(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_response *res)
{
	struct store_msg msg = { .kind = STORE_GET };

	msg.item.id = heph_http_param_u64(req, "id");
	return answer(ctx, req, res, msg, 404);
}

static int remove_item(heph_ctx ctx, struct heph_http_request *req,
		       struct heph_http_response *res)
{
	struct store_msg msg = { .kind = STORE_REMOVE };

	msg.item.id = heph_http_param_u64(req, "id");
	return answer(ctx, req, res, msg, 404);
}

/* A page of those behind ?after=ID. */
static int list_items(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	struct store_msg msg = { .kind = STORE_LIST };
	struct heph_str after;
	struct page page;
	json_t *all;
	char buf[24];
	int err;

	err = heph_http_query_get(req->query, "after", buf, sizeof(buf), &after);
	if (err > 0)
		err = heph_http_number(after, &msg.item.id);
	if (err < 0)
		return heph_http_error(ctx, res, 400);
	err = heph_call(ctx, heph_http_app(req, struct shop)->store, page, &page,
			msg);
	if (err < 0)
		return err;
	all = json_array();
	for (unsigned i = 0; i < page.n; i++)
		json_array_append_new(all, json_of(&page.items[i]));
	return send_json(ctx, res, 200, all);
}

static const struct heph_http_route routes[] = {
	HEPH_HTTP_ROUTE("GET", "/items", list_items),
	HEPH_HTTP_ROUTE("POST", "/items", add_item),
	HEPH_HTTP_ROUTE("GET", "/items/{id:u64}", get_item),
	HEPH_HTTP_ROUTE("PUT", "/items/{id:u64}", change_item),
	HEPH_HTTP_ROUTE("DELETE", "/items/{id:u64}", remove_item),
};

/* ---- the program ----------------------------------------------------------------------- */

struct app_arg {
	const char *address;
	const struct heph_http_router *router;
};

HEPH_ACTOR(app, void, struct app_arg);

/* When it is asked to stop it answers what has begun; the store, its child, stays
 * until then. */
static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	struct shop shop;
	int err;

	err = heph_spawn(ctx, store, &shop.store);
	if (err == 0)
		err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_http_serve_on(ctx, listener, .router = arg->router,
				  HEPH_HTTP_APP(struct shop, &shop),
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "rest", .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7890";
	struct heph_http_router *router = NULL;
	int err;

	err = heph_http_router_new(routes, sizeof(routes) / sizeof(routes[0]),
				   &router);
	if (err == 0)
		err = heph_run(&config, app, { address, router });
	if (err < 0)
		fprintf(stderr, "rest: %s: %s\n", address, strerror(-err));
	heph_http_router_free(router);
	return err < 0;
}
