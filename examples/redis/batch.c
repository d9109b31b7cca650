/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <stdlib.h>

enum { KEEP = 64 << 10 }; /* bytes of each buffer that stay for the next time */

struct batch *batch_new(unsigned shard)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch)
		batch->shard = shard;
	return batch;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	buf_fini(&batch->requests);
	buf_fini(&batch->replies);
	free(batch);
}

void batch_add(struct batch *batch, const struct request *like,
	       const struct table_key *key, struct slice value)
{
	size_t size = sizeof(*like) + key->bytes.size + value.size;
	struct request *request;

	size = (size + 7) & ~(size_t)7;
	request = (struct request *)(void *)buf_reserve(&batch->requests, size);
	if (!request)
		return;
	*request = *like;
	request->hash = key->hash;
	request->key_size = key->bytes.size;
	request->value_size = value.size;
	if (key->bytes.size > 0)
		memcpy(request->bytes, key->bytes.data, key->bytes.size);
	if (value.size > 0)
		memcpy(request->bytes + key->bytes.size, value.data,
		       value.size);
	batch->requests.size += size;
}

void batch_reset(struct batch *batch)
{
	buf_reset(&batch->requests, KEEP);
	buf_reset(&batch->replies, KEEP);
	batch->executed = batch->taken = batch->replied = 0;
}

void batch_continue(struct batch *batch)
{
	buf_reset(&batch->replies, KEEP);
	batch->replied = 0;
}
