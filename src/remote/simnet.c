/* SPDX-License-Identifier: MIT */
#include "remote/simnet.h"

#include <heph/sim.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"

struct heph_simnet *heph_simnet_make(const struct heph_sim_net_config *config)
{
	struct heph_simnet *net = heph_remote_mem_zero(sizeof(*net));

	if (!net)
		return NULL;
	net->config = *config;
	net->random = config->seed;
	net->refs = 1;
	pthread_mutex_init(&net->lock, NULL);
	return net;
}

struct heph_simnet *heph_simnet_hold(struct heph_simnet *net)
{
	__atomic_add_fetch(&net->refs, 1, __ATOMIC_RELAXED);
	return net;
}

static void free_rule(struct heph_simnet_rule *rule)
{
	heph_remote_mem_free(rule->a);
	heph_remote_mem_free(rule->b);
	heph_remote_mem_free(rule);
}

void heph_simnet_drop(struct heph_simnet *net)
{
	struct heph_simnet_rule *rule;

	if (__atomic_sub_fetch(&net->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	while ((rule = net->rules)) {
		net->rules = rule->next;
		free_rule(rule);
	}
	pthread_mutex_destroy(&net->lock);
	heph_remote_mem_free(net);
}

/* ---- places ------------------------------------------------------------------- */

/* Where it is linked in, or the end of the list. With the lock. */
static struct heph_simnet_place **find(struct heph_simnet *net,
				       const char *where)
{
	struct heph_simnet_place **place = &net->places;

	while (*place && strcmp((*place)->end.where, where) != 0)
		place = &(*place)->next;
	return place;
}

int heph_simnet_add(struct heph_simnet *net, struct heph_simnet_place *place)
{
	struct heph_simnet_place **last;
	int err = -EADDRINUSE;

	pthread_mutex_lock(&net->lock);
	last = find(net, place->end.where);
	if (!*last) {
		place->next = NULL;
		*last = place;
		err = 0;
	}
	pthread_mutex_unlock(&net->lock);
	return err;
}

void heph_simnet_remove(struct heph_simnet *net,
			struct heph_simnet_place *place)
{
	pthread_mutex_lock(&net->lock);
	*find(net, place->end.where) = place->next;
	pthread_mutex_unlock(&net->lock);
}

int heph_simnet_find(struct heph_simnet *net, const char *where,
		     struct heph_simnet_place *ret_place)
{
	struct heph_simnet_place *place;

	pthread_mutex_lock(&net->lock);
	place = *find(net, where);
	if (place) {
		*ret_place = *place;
		heph_transport_ref(place->transport);
		heph_chan_new_sender(place->arrivals);
	}
	pthread_mutex_unlock(&net->lock);
	return place ? 0 : -ECONNREFUSED;
}

/* ---- cuts ------------------------------------------------------------------------ */

static int copy_name(const char *name, char **ret_copy)
{
	size_t size = name ? strlen(name) + 1 : 0;

	*ret_copy = NULL;
	if (!name)
		return 0;
	*ret_copy = heph_remote_mem_alloc(size);
	if (!*ret_copy)
		return -ENOMEM;
	memcpy(*ret_copy, name, size);
	return 0;
}

static struct heph_simnet_rule *new_rule(const char *a, const char *b, bool cut)
{
	struct heph_simnet_rule *rule = heph_remote_mem_zero(sizeof(*rule));

	if (!rule)
		return NULL;
	rule->cut = cut;
	if (copy_name(a, &rule->a) == 0 && copy_name(b, &rule->b) == 0)
		return rule;
	free_rule(rule);
	return NULL;
}

/* Whether `over` is about all that `name` is about. */
static bool covers(const char *over, const char *name)
{
	return !over || (name && strcmp(over, name) == 0);
}

static bool rule_covers(const struct heph_simnet_rule *rule,
			const struct heph_simnet_rule *old)
{
	return (covers(rule->a, old->a) && covers(rule->b, old->b)) ||
	       (covers(rule->a, old->b) && covers(rule->b, old->a));
}

/* What an older rule says, and a newer one says of all of it, is forgotten: so
 * there are never more than there are pairs of names. */
static struct heph_simnet_rule *take_covered(struct heph_simnet_rule *rule)
{
	struct heph_simnet_rule **at = &rule->next, *taken = NULL, *old;

	while ((old = *at)) {
		if (!rule_covers(rule, old)) {
			at = &old->next;
			continue;
		}
		*at = old->next;
		old->next = taken;
		taken = old;
	}
	return taken;
}

int heph_simnet_rule(struct heph_simnet *net, const char *a, const char *b,
		     bool cut)
{
	struct heph_simnet_rule *rule = new_rule(a, b, cut), *old, *next;

	if (!rule)
		return -ENOMEM;
	pthread_mutex_lock(&net->lock);
	rule->next = net->rules;
	old = take_covered(rule);
	__atomic_store_n(&net->rules, rule, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&net->lock);
	for (; old; old = next) {
		next = old->next;
		free_rule(old);
	}
	return 0;
}

static bool is_called(const struct heph_simnet_end *end, const char *name)
{
	return !name || strcmp(end->name, name) == 0 ||
	       strcmp(end->where, name) == 0;
}

bool heph_simnet_is_cut(struct heph_simnet *net,
			const struct heph_simnet_end *a,
			const struct heph_simnet_end *b)
{
	const struct heph_simnet_rule *rule;
	bool cut;

	if (!__atomic_load_n(&net->rules, __ATOMIC_RELAXED))
		return false;
	pthread_mutex_lock(&net->lock);
	rule = net->rules;
	while (rule && !(is_called(a, rule->a) && is_called(b, rule->b)) &&
	       !(is_called(b, rule->a) && is_called(a, rule->b)))
		rule = rule->next;
	cut = rule && rule->cut;
	pthread_mutex_unlock(&net->lock);
	return cut;
}

/* ---- chance ---------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). What the simulated world draws is 0 where
 * there is none. */
static uint64_t draw(heph_ctx ctx, struct heph_simnet *net)
{
	uint64_t z = __atomic_add_fetch(&net->random, 0x9e3779b97f4a7c15,
					__ATOMIC_RELAXED);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31) ^ heph_sim_random(ctx, UINT64_MAX);
}

uint64_t heph_simnet_below(heph_ctx ctx, struct heph_simnet *net, uint64_t n)
{
	return draw(ctx, net) % n;
}

bool heph_simnet_chance(heph_ctx ctx, struct heph_simnet *net, double likely)
{
	enum { PARTS = 1 << 30 };

	return likely > 0 &&
	       (double)heph_simnet_below(ctx, net, PARTS) < likely * PARTS;
}

heph_time heph_simnet_latency(heph_ctx ctx, struct heph_simnet *net)
{
	heph_time least = net->config.latency_min,
		  more = net->config.latency_max - least;

	return least + (more > 0 ? (heph_time)heph_simnet_below(
					   ctx, net, (uint64_t)more + 1) :
				   0);
}
