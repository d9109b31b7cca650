/* SPDX-License-Identifier: MIT */
/* The renewer, with a store that can be lost at the worst moment: these stand before the
 * functions of cluster_store.c (tests/meson.build). */
#include "../../api/act.h"

#include "remote/cluster_state.h"

int __wrap_heph_cluster_store_open(heph_ctx ctx, struct heph_nats_link *link,
				   unsigned replicas,
				   struct heph_cluster_bucket *ret_bucket);
int __wrap_heph_cluster_store_put(heph_ctx ctx, struct heph_nats_link *link,
				  const char *key, const char *text,
				  uint64_t expected, uint64_t *ret_revision);
int __wrap_heph_cluster_store_get(heph_ctx ctx, struct heph_nats_link *link,
				  const char *key,
				  struct heph_cluster_stored **ret_stored);
heph_time __wrap_heph_nats_wait(const struct heph_nats_link *link);

static struct heph_cluster_state cluster;
/* One key is enough. */
static struct {
	struct heph_cluster_bucket bucket;
	uint64_t revision; /* 0: the key is not there */
	bool noticed_late; /* the copy hears of the new store while the key is read */
} store;

/* What cluster_sync.c does when it finds another store: it reads all a second time. */
static void hear_of_new_store(void)
{
	struct heph_cluster_entry *entry = NULL;

	while ((entry = heph_cluster_map_next(&cluster.map, entry)))
		entry->revision = 0;
	cluster.bucket.created = 0;
}

/* And what it does then. */
static void copy_new_store(void)
{
	struct heph_cluster_entry *entry =
		heph_cluster_map_find(&cluster.map, cluster.key);

	cluster.bucket = store.bucket;
	cluster.snapshots++;
	if (store.revision == 0 && entry)
		heph_cluster_map_remove(&cluster.map, entry);
}

int __wrap_heph_cluster_store_open(heph_ctx ctx, struct heph_nats_link *link,
				   unsigned replicas,
				   struct heph_cluster_bucket *ret_bucket)
{
	*ret_bucket = store.bucket;
	if (cluster.bucket.created != store.bucket.created)
		copy_new_store();
	return heph_sleep(ctx, HEPH_USEC);
}

int __wrap_heph_cluster_store_put(heph_ctx ctx, struct heph_nats_link *link,
				  const char *key, const char *text,
				  uint64_t expected, uint64_t *ret_revision)
{
	must(strcmp(key, cluster.key) == 0);
	if (expected != store.revision)
		return -EEXIST;
	*ret_revision = store.revision = ++store.bucket.last;
	return heph_sleep(ctx, HEPH_USEC);
}

int __wrap_heph_cluster_store_get(heph_ctx ctx, struct heph_nats_link *link,
				  const char *key,
				  struct heph_cluster_stored **ret_stored)
{
	must(store.revision == 0);
	if (store.noticed_late)
		hear_of_new_store();
	store.noticed_late = false;
	return -ENOENT;
}

heph_time __wrap_heph_nats_wait(const struct heph_nats_link *link)
{
	return HEPH_SEC;
}

static int lose_store(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_cluster_renewer_ref renewer;
	heph_time until = heph_now() + 10 * HEPH_SEC;
	uint64_t first;

	cluster.config.lease = 300 * HEPH_MSEC;
	cluster.synced = true;
	strcpy(cluster.name, "a");
	strcpy(cluster.key, "member.a");
	cluster.self.id = 7;
	store.bucket.created = 1;
	must_be(heph_spawn(ctx, heph_cluster_renewer, &renewer,
			   { .state = &cluster }),
		0);
	while (store.revision < 2)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must(cluster.standing == HEPH_CLUSTER_IN && cluster.cuts == 0);
	first = cluster.self.term;
	store.bucket = (struct heph_cluster_bucket){ .created = 2 };
	store.revision = 0;
	store.noticed_late = true;
	while (store.revision == 0)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	/* It has put its entry into the new store: only after it was cut off. */
	must_be(cluster.cuts, 1);
	must(cluster.self.term > first);
	must(heph_now() < until);
	heph_stop(renewer);
	must_be(heph_join(ctx, renewer, NULL), 0);
	heph_cluster_members_free(&cluster);
	heph_cluster_map_clear(&cluster.map);
	return 0;
}

static void who_is_in_a_store_that_is_lost_is_cut_off(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&cluster, 0, sizeof(cluster));
		memset(&store, 0, sizeof(store));
		assert_int_equal(
			heph_sim_run(seed, NULL, act, { lose_store, NULL }), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_in_a_store_that_is_lost_is_cut_off),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
