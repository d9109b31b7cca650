/* SPDX-License-Identifier: MIT */
/* Each function is a job, which has what it needs, and its result, on the heap. */
#include "remote/cluster_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"

#define EXPECTED "Nats-Expected-Last-Subject-Sequence"
#define OPERATION "KV-Operation"

enum {
	NAME = 64, /* of a bucket or stream */
	TIDY_AFTER = 3600, /* seconds */
};

struct store_job {
	struct heph_nats_job job;
	unsigned replicas;
	char key[HEPH_CLUSTER_KEY_MAX];
	char text[HEPH_CLUSTER_VALUE_MAX];
	bool deletes;
	uint64_t expected;
	/* Results. */
	uint64_t revision;
	struct heph_cluster_bucket bucket;
	struct heph_cluster_stored *list;
};

/* ---- names -------------------------------------------------------------------------- */

static void bucket_of(const struct heph_nats_link *link, char name[NAME])
{
	snprintf(name, NAME, "%s_cluster", heph_nats_prefix(link));
}

static void stream_of(const struct heph_nats_link *link, char name[NAME])
{
	snprintf(name, NAME, "KV_%s_cluster", heph_nats_prefix(link));
}

static void subject_of(const struct heph_nats_link *link, const char *key,
		       char subject[HEPH_NATS_SUBJECT_MAX])
{
	snprintf(subject, HEPH_NATS_SUBJECT_MAX, "$KV.%s_cluster.%s",
		 heph_nats_prefix(link), key);
}

void heph_cluster_changes(const struct heph_nats_link *link,
			  char ret_subject[HEPH_NATS_SUBJECT_MAX])
{
	snprintf(ret_subject, HEPH_NATS_SUBJECT_MAX, "%s.registry.>",
		 heph_nats_prefix(link));
}

/* The key in a subject that begins so; NULL: another one. */
static const char *key_in(const char *subject, const char *format, const char *prefix)
{
	char begin[HEPH_NATS_SUBJECT_MAX];
	int n = snprintf(begin, sizeof(begin), format, prefix);

	return strncmp(subject, begin, (size_t)n) == 0 ? subject + n : NULL;
}

/* ---- what is stored ---------------------------------------------------------------------- */

static struct heph_cluster_stored *stored_new(const char *key, uint64_t revision,
					      bool deleted, const void *data,
					      size_t size)
{
	struct heph_cluster_stored *stored;

	if (strlen(key) >= sizeof(stored->key))
		return NULL;
	stored = heph_remote_mem_alloc(sizeof(*stored) + size);
	if (!stored)
		return NULL;
	stored->next = NULL;
	strcpy(stored->key, key);
	stored->revision = revision;
	stored->deleted = deleted;
	stored->size = size;
	stored->data = size > 0 ? memcpy(stored + 1, data, size) : NULL;
	return stored;
}

void heph_cluster_stored_free(struct heph_cluster_stored *list)
{
	struct heph_cluster_stored *next;

	for (; list; list = next) {
		next = list->next;
		heph_remote_mem_free(list);
	}
}

int heph_cluster_change_read(const struct heph_nats_link *link,
			     const struct heph_nats_msg *msg,
			     struct heph_cluster_stored **ret_stored)
{
	const char *key = key_in(msg->subject, "%s.registry.", heph_nats_prefix(link));
	const char *number = heph_nats_msg_header(msg, "Nats-Sequence");
	uint64_t revision = strtoull(number, NULL, 10);

	if (!key || revision == 0 || strlen(key) >= HEPH_CLUSTER_KEY_MAX)
		return -EPROTO;
	*ret_stored = stored_new(key, revision,
				 heph_nats_msg_header(msg, OPERATION)[0] != 0,
				 msg->data, msg->size);
	return *ret_stored ? 0 : -ENOMEM;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void free_job(struct heph_nats_job *base)
{
	struct store_job *job = (struct store_job *)base;

	heph_cluster_stored_free(job->list);
	heph_remote_mem_free(job);
}

static struct store_job *job_new(int (*run)(struct heph_nats_job *,
					    struct heph_nats_tools *))
{
	struct store_job *job = heph_remote_mem_zero(sizeof(*job));

	if (job)
		job->job = (struct heph_nats_job){ run, free_job, 1 };
	return job;
}

/* Nobody takes the message: there is no stream, or JetStream has just begun. */
static int error_of(natsStatus status, jsErrCode code)
{
	if (status == NATS_NO_RESPONDERS || code == JSStreamNotFoundErr)
		return -ENETUNREACH;
	return heph_nats_js_error(status, code);
}

static int no_connection(const struct heph_nats_tools *tools)
{
	return heph_nats_connected(tools->link) ? 0 : -ENOTCONN;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static int examine(struct heph_nats_tools *tools, struct store_job *job)
{
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	char stream[NAME];
	natsStatus s;

	stream_of(tools->link, stream);
	s = js_GetStreamInfo(&info, tools->js, stream, NULL, &code);
	if (s != NATS_OK)
		return code == JSStreamNotFoundErr || s == NATS_NOT_FOUND ?
			       -ENOENT :
			       error_of(s, code);
	job->bucket.created = info->Created / 1000;
	job->bucket.last = info->State.LastSeq;
	s = info->Config->RePublish && info->Config->MaxMsgsPerSubject == 1 ?
		    NATS_OK :
		    NATS_ERR;
	jsStreamInfo_Destroy(info);
	return s == NATS_OK ? 0 : -EPROTO;
}

static int make(struct heph_nats_tools *tools, const struct store_job *job)
{
	char bucket[NAME], source[HEPH_NATS_SUBJECT_MAX], to[HEPH_NATS_SUBJECT_MAX];
	jsRePublish republish;
	kvStore *kv = NULL;
	kvConfig config;
	natsStatus s;

	bucket_of(tools->link, bucket);
	subject_of(tools->link, ">", source);
	heph_cluster_changes(tools->link, to);
	jsRePublish_Init(&republish);
	republish.Source = source;
	republish.Destination = to;
	kvConfig_Init(&config);
	config.Bucket = bucket;
	config.Description = "members, names and leases of a cluster of Heph";
	config.MaxValueSize = HEPH_CLUSTER_VALUE_MAX;
	config.Replicas = (int)job->replicas;
	config.RePublish = &republish;
	s = js_CreateKeyValue(&kv, tools->js, &config);
	kvStore_Destroy(kv);
	return error_of(s, 0);
}

static int run_open(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct store_job *job = (struct store_job *)base;
	int err = no_connection(tools);

	if (err == 0)
		err = examine(tools, job);
	if (err != -ENOENT)
		return err;
	err = make(tools, job);
	/* Another one may just have made it. */
	return err == -ENOTSUP || err == -EACCES ? err : examine(tools, job);
}

int heph_cluster_store_open(heph_ctx ctx, struct heph_nats_link *link,
			    unsigned replicas, struct heph_cluster_bucket *ret_bucket)
{
	struct store_job *job = job_new(run_open);
	int err;

	if (!job)
		return -ENOMEM;
	job->replicas = replicas ? replicas : 1;
	err = heph_nats_do(ctx, link, &job->job);
	if (err == 0)
		*ret_bucket = job->bucket;
	heph_nats_job_unref(&job->job);
	return err;
}

/* ---- putting --------------------------------------------------------------------------------------- */

static natsStatus put_msg(const struct store_job *job, const char *subject,
			  natsMsg **ret_msg)
{
	char expected[24];
	natsStatus s = natsMsg_Create(ret_msg, subject, NULL, job->text,
				      (int)strlen(job->text));

	snprintf(expected, sizeof(expected), "%llu",
		 (unsigned long long)job->expected);
	if (s == NATS_OK)
		s = natsMsgHeader_Set(*ret_msg, EXPECTED, expected);
	if (s == NATS_OK && job->deletes)
		s = natsMsgHeader_Set(*ret_msg, OPERATION, "DEL");
	return s;
}

static int run_put(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct store_job *job = (struct store_job *)base;
	char subject[HEPH_NATS_SUBJECT_MAX];
	jsPubOptions options;
	jsErrCode code = 0;
	jsPubAck *ack = NULL;
	natsMsg *msg = NULL;
	natsStatus s;

	if (no_connection(tools) < 0)
		return -ENOTCONN;
	subject_of(tools->link, job->key, subject);
	jsPubOptions_Init(&options);
	options.MaxWait = tools->wait;
	s = put_msg(job, subject, &msg);
	if (s == NATS_OK)
		s = js_PublishMsg(&ack, tools->js, msg, &options, &code);
	if (s == NATS_OK)
		job->revision = ack->Sequence;
	jsPubAck_Destroy(ack);
	natsMsg_Destroy(msg);
	return error_of(s, code);
}

int heph_cluster_store_put(heph_ctx ctx, struct heph_nats_link *link,
			   const char *key, const char *text, uint64_t expected,
			   uint64_t *ret_revision)
{
	struct store_job *job = job_new(run_put);
	int err;

	if (!job)
		return -ENOMEM;
	strcpy(job->key, key);
	strcpy(job->text, text ? text : "");
	job->deletes = !text;
	job->expected = expected;
	err = heph_nats_do(ctx, link, &job->job);
	if (err == 0)
		*ret_revision = job->revision;
	heph_nats_job_unref(&job->job);
	return err;
}

/* ---- getting ------------------------------------------------------------------------------------------ */

static int run_get(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct store_job *job = (struct store_job *)base;
	char subject[HEPH_NATS_SUBJECT_MAX], stream[NAME];
	const char *operation = "";
	jsErrCode code = 0;
	jsOptions options;
	natsMsg *msg = NULL;
	natsStatus s;

	if (no_connection(tools) < 0)
		return -ENOTCONN;
	subject_of(tools->link, job->key, subject);
	stream_of(tools->link, stream);
	jsOptions_Init(&options);
	options.Wait = tools->wait;
	s = js_GetLastMsg(&msg, tools->js, stream, subject, &options, &code);
	if (s != NATS_OK)
		return error_of(s, code);
	natsMsgHeader_Get(msg, OPERATION, &operation);
	job->list = stored_new(job->key, natsMsg_GetSequence(msg),
			       operation && operation[0], natsMsg_GetData(msg),
			       (size_t)natsMsg_GetDataLength(msg));
	natsMsg_Destroy(msg);
	return job->list ? 0 : -ENOMEM;
}

static struct heph_cluster_stored *take_list(struct store_job *job)
{
	struct heph_cluster_stored *list = job->list;

	job->list = NULL;
	return list;
}

int heph_cluster_store_get(heph_ctx ctx, struct heph_nats_link *link, const char *key,
			   struct heph_cluster_stored **ret_stored)
{
	struct store_job *job = job_new(run_get);
	int err;

	if (!job)
		return -ENOMEM;
	strcpy(job->key, key);
	err = heph_nats_do(ctx, link, &job->job);
	if (err == 0)
		*ret_stored = take_list(job);
	heph_nats_job_unref(&job->job);
	return err;
}

/* ---- reading all ---------------------------------------------------------------------------------------- */

/* Keys that are too long are none of ours, and left out. */
static int add_entry(struct store_job *job, kvEntry *entry)
{
	const char *key = kvEntry_Key(entry);
	struct heph_cluster_stored *stored;

	if (!key || strlen(key) >= HEPH_CLUSTER_KEY_MAX)
		return 0;
	stored = stored_new(key, kvEntry_Revision(entry),
			    kvEntry_Operation(entry) != kvOp_Put,
			    kvEntry_Value(entry), (size_t)kvEntry_ValueLen(entry));
	if (!stored)
		return -ENOMEM;
	stored->next = job->list;
	job->list = stored;
	return 0;
}

/* Until a NULL says that there are no more. */
static int read_entries(struct heph_nats_tools *tools, struct store_job *job,
			kvWatcher *watcher)
{
	kvEntry *entry = NULL;
	natsStatus s;
	int err = 0;

	do {
		s = kvWatcher_Next(&entry, watcher, tools->wait);
		if (s == NATS_OK && entry)
			err = add_entry(job, entry);
		kvEntry_Destroy(entry);
	} while (s == NATS_OK && entry && err == 0);
	return err < 0 ? err : error_of(s, 0);
}

static int run_read(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct store_job *job = (struct store_job *)base;
	kvWatcher *watcher = NULL;
	kvStore *kv = NULL;
	char bucket[NAME];
	natsStatus s;
	int err = no_connection(tools);

	if (err == 0)
		err = examine(tools, job);
	if (err < 0)
		return err == -ENOENT ? -ENETUNREACH : err;
	bucket_of(tools->link, bucket);
	s = js_KeyValue(&kv, tools->js, bucket);
	if (s == NATS_OK)
		s = kvStore_WatchAll(&watcher, kv, NULL);
	err = s == NATS_OK ? read_entries(tools, job, watcher) : error_of(s, 0);
	kvWatcher_Destroy(watcher);
	kvStore_Destroy(kv);
	return err;
}

int heph_cluster_store_read(heph_ctx ctx, struct heph_nats_link *link,
			    struct heph_cluster_bucket *ret_bucket,
			    struct heph_cluster_stored **ret_list)
{
	struct store_job *job = job_new(run_read);
	int err;

	if (!job)
		return -ENOMEM;
	err = heph_nats_do(ctx, link, &job->job);
	if (err == 0) {
		*ret_bucket = job->bucket;
		*ret_list = take_list(job);
	}
	heph_nats_job_unref(&job->job);
	return err;
}

/* ---- tidying ---------------------------------------------------------------------------------------------- */

static int run_tidy(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	kvPurgeOptions options;
	kvStore *kv = NULL;
	char bucket[NAME];
	natsStatus s;

	(void)base;
	if (no_connection(tools) < 0)
		return -ENOTCONN;
	bucket_of(tools->link, bucket);
	kvPurgeOptions_Init(&options);
	options.Timeout = tools->wait;
	options.DeleteMarkersOlderThan = TIDY_AFTER * INT64_C(1000000000);
	s = js_KeyValue(&kv, tools->js, bucket);
	if (s == NATS_OK)
		s = kvStore_PurgeDeletes(kv, &options);
	kvStore_Destroy(kv);
	return error_of(s, 0);
}

int heph_cluster_store_tidy(heph_ctx ctx, struct heph_nats_link *link)
{
	struct store_job *job = job_new(run_tidy);
	int err;

	if (!job)
		return -ENOMEM;
	err = heph_nats_do(ctx, link, &job->job);
	heph_nats_job_unref(&job->job);
	return err;
}
