/* SPDX-License-Identifier: MIT */
#include "http/home.h"

#include <heph/http/date.h>
#include <heph/time.h>

#include <string.h>
#include <time.h>

#include "http/exchange.h"
#include "http/mem.h"

/* ---- the date --------------------------------------------------------------- */

static void write_date(char *to, time_t seconds)
{
	char date[HEPH_HTTP_DATE_SIZE];

	heph_http_date_write(seconds, date);
	memcpy(to, "Date: ", 6);
	memcpy(to + 6, date, sizeof(date) - 1);
	memcpy(to + 5 + sizeof(date), "\r\n", 2);
}

struct heph_str heph_http_home_date(struct heph_http_home *home, heph_time now)
{
	struct timespec clock;

	if (now >= home->date_until) {
		clock_gettime(CLOCK_REALTIME, &clock);
		write_date(home->date, clock.tv_sec);
		home->date_until = now + HEPH_SEC - clock.tv_nsec;
	}
	return heph_str_of(home->date, HEPH_HTTP_DATE);
}

/* ---- memory ------------------------------------------------------------------- */

struct heph_http_out *heph_http_home_out(struct heph_http_home *home)
{
	struct heph_http_out *out = home->outs;

	if (out) {
		home->outs = out->next;
		home->n_outs--;
	} else {
		out = heph_http_mem_alloc(sizeof(*out));
		if (!out)
			return NULL;
	}
	out->used = 0;
	out->chunk = 0;
	return out;
}

void heph_http_home_give_out(struct heph_http_home *home,
			     struct heph_http_out *out)
{
	if (!out)
		return;
	if (home->n_outs >= HEPH_HTTP_SPARE) {
		heph_http_mem_free(out);
		return;
	}
	out->next = home->outs;
	home->outs = out;
	home->n_outs++;
}

struct heph_http_load *heph_http_home_load(struct heph_http_home *home)
{
	struct heph_http_load *load = home->loads;

	if (!load)
		return heph_http_mem_alloc(sizeof(*load));
	home->loads = load->next;
	home->n_loads--;
	return load;
}

void heph_http_home_give_load(struct heph_http_home *home,
			       struct heph_http_load *load)
{
	if (!load)
		return;
	if (home->n_loads >= HEPH_HTTP_SPARE_LOADS) {
		heph_http_mem_free(load);
		return;
	}
	load->next = home->loads;
	home->loads = load;
	home->n_loads++;
}

void heph_http_home_clear(struct heph_http_home *home)
{
	struct heph_http_out *out;
	struct heph_http_load *load;
	struct heph_http_exchange *exchange;

	while ((out = home->outs)) {
		home->outs = out->next;
		heph_http_mem_free(out);
	}
	while ((exchange = home->exchanges)) {
		home->exchanges = exchange->next;
		heph_http_mem_free(exchange);
	}
	while ((load = home->loads)) {
		home->loads = load->next;
		heph_http_mem_free(load);
	}
	home->n_outs = home->n_exchanges = home->n_loads = 0;
}
