/* SPDX-License-Identifier: MIT */
/* What comes from the broker of a cluster: answers of JetStream, the subject that says
 * about a message how it was delivered, the head of a payload, keys and values of the
 * registry. What is read of those can be written and is read again as the same. */
#include "remote/cluster_entry.h"
#include "remote/cluster_js.h"
#include "remote/cluster_msg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_answer(const uint8_t *data, size_t size)
{
	struct heph_js_answer answer;

	if (heph_js_answer(data, size, &answer) < 0)
		return;
	must(!answer.consumer[0] || heph_js_name_ok(answer.consumer));
	must(answer.created >= 0);
}

static void try_reply(const char *reply)
{
	struct heph_delivery delivery;
	heph_time stored;

	if (heph_js_delivery(reply, &delivery, &stored) < 0)
		return;
	must(strncmp(reply, "$JS.ACK.", 8) == 0);
	must(stored >= 0);
	(void)heph_js_is_of(reply, "heph_consumer");
}

static void try_head(const uint8_t *data, size_t size)
{
	struct heph_cluster_head head;

	if (heph_cluster_head_read(data, size, &head) < 0)
		return;
	must(head.kind < HEPH_CLUSTER_KINDS);
	must(head.body == data + HEPH_CLUSTER_HEAD);
	must(head.size == size - HEPH_CLUSTER_HEAD);
}

static void try_key(const char *key)
{
	char name[HEPH_CLUSTER_NAME_MAX + 1], again[HEPH_CLUSTER_KEY_MAX];
	enum heph_cluster_kind kind;

	if (heph_cluster_key_read(key, &kind, name) < 0)
		return;
	must(heph_cluster_key(kind, name, again) == 0);
	must(strcmp(key, again) == 0);
}

static void try_value(enum heph_cluster_kind kind, const uint8_t *data, size_t size)
{
	struct heph_cluster_value value, again;
	char text[HEPH_CLUSTER_VALUE_MAX];

	memset(&value, 0, sizeof(value));
	memset(&again, 0, sizeof(again));
	if (heph_cluster_value_read(kind, data, size, &value) < 0)
		return;
	must(memchr(value.node, 0, sizeof(value.node)) != NULL);
	must(memchr(value.type, 0, sizeof(value.type)) != NULL);
	must(heph_cluster_value_write(kind, &value, text) == 0);
	must(heph_cluster_value_read(kind, text, strlen(text), &again) == 0);
	must(memcmp(&value, &again, sizeof(value)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_answer(data, size);
	try_reply(text);
	try_head(data, size);
	try_key(text);
	for (int kind = HEPH_CLUSTER_MEMBER; kind <= HEPH_CLUSTER_LEASE; kind++)
		try_value((enum heph_cluster_kind)kind, data, size);
	free(text);
	return 0;
}
