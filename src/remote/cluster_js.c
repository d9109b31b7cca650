/* SPDX-License-Identifier: MIT */
/*
 * What JetStream is asked, and what it says.
 *
 * An inbox is a stream of one subject with one consumer that all who take from it
 * share. Its retention is that of a work queue: what was acknowledged is
 * gone, so the broker's disk holds what is still to be done, and the limits of the
 * inbox are about that. (A stream kept by limits would have to be cleaned by somebody,
 * and would count what is done.) The price: the broker knows the ids of what is
 * done until it is restarted, not after.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "remote/cluster_js.h"
#include "remote/json_load.h"

enum { DEPTH = 16 }; /* of an answer: what brokers send has 6 levels */

static bool letter_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool heph_js_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > HEPH_JS_NAME || name[0] == '.' || name[n - 1] == '.' ||
	    strstr(name, ".."))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!letter_ok(name[i]))
			return false;
	return true;
}

/* ---- an inbox ----------------------------------------------------------------------- */

/* Names that a stream may have, which has no dots: "PREFIX_durable_a" with the dots
 * of the name as "=". Each is cut off by nothing: names are short enough. */
static void stream_of(char ret[HEPH_JS_SUBJECT], const char *prefix, const char *name)
{
	snprintf(ret, HEPH_JS_SUBJECT, "%s_durable_%s", prefix, name);
	for (char *dot = ret; (dot = strchr(dot, '.'));)
		*dot = '=';
}

void heph_js_subject(char ret[HEPH_JS_SUBJECT], const char *prefix, const char *kind,
		     const char *name)
{
	snprintf(ret, HEPH_JS_SUBJECT, "%s.%s.%s", prefix, kind, name);
}

static void ask(struct heph_js_request *ret, const char *what, const char *stream,
		const char *consumer)
{
	snprintf(ret->subject, sizeof(ret->subject), "$JS.API.%s.%s%s%s", what,
		 stream, consumer ? "." : "", consumer ? consumer : "");
}

/* The broker's -1 is "any number". */
static int64_t limit(uint64_t n)
{
	return n && n <= INT64_MAX ? (int64_t)n : -1;
}

void heph_js_create(struct heph_js_request *ret, const char *prefix, const char *name,
		    const struct heph_durable_config *config, unsigned replicas,
		    bool update)
{
	char stream[HEPH_JS_SUBJECT], subject[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	heph_js_subject(subject, prefix, "durable", name);
	ask(ret, update ? "STREAM.UPDATE" : "STREAM.CREATE", stream, NULL);
	snprintf(ret->text, sizeof(ret->text),
		 "{\"name\":\"%s\",\"subjects\":[\"%s\"],"
		 "\"retention\":\"workqueue\",\"storage\":\"file\","
		 "\"discard\":\"new\",\"max_msgs\":%" PRId64
		 ",\"max_bytes\":%" PRId64 ",\"max_consumers\":-1,"
		 "\"max_age\":0,\"num_replicas\":%u,"
		 "\"duplicate_window\":%" PRId64 "}",
		 stream, subject, limit(config->messages), limit(config->bytes), replicas,
		 config->duplicates);
}

/* What nobody takes must not fill the disk: the oldest go. */
void heph_js_create_dead(struct heph_js_request *ret, const char *prefix,
			 unsigned replicas)
{
	char stream[HEPH_JS_SUBJECT];

	snprintf(stream, sizeof(stream), "%s_dead", prefix);
	ask(ret, "STREAM.CREATE", stream, NULL);
	snprintf(ret->text, sizeof(ret->text),
		 "{\"name\":\"%s\",\"subjects\":[\"%s.dead.>\"],"
		 "\"retention\":\"limits\",\"storage\":\"file\","
		 "\"discard\":\"old\",\"max_msgs\":-1,\"max_bytes\":-1,"
		 "\"max_msgs_per_subject\":%d,\"max_consumers\":-1,"
		 "\"max_age\":0,\"num_replicas\":%u}",
		 stream, prefix, HEPH_DEAD_KEPT, replicas);
}

/* No limit of deliveries there: who counts them is who gives up, and tells why. */
void heph_js_consume(struct heph_js_request *ret, const char *prefix, const char *name,
		     const char *consumer, const struct heph_durable_config *config)
{
	char stream[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	ask(ret, "CONSUMER.DURABLE.CREATE", stream, consumer);
	snprintf(ret->text, sizeof(ret->text),
		 "{\"stream_name\":\"%s\",\"config\":{"
		 "\"durable_name\":\"%s\",\"deliver_policy\":\"all\","
		 "\"ack_policy\":\"explicit\",\"ack_wait\":%" PRId64
		 ",\"max_deliver\":-1,\"max_ack_pending\":-1,"
		 "\"max_waiting\":4096,\"replay_policy\":\"instant\","
		 "\"mem_storage\":true}}",
		 stream, consumer, config->redeliver);
}

void heph_js_info(struct heph_js_request *ret, const char *prefix, const char *name)
{
	char stream[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	ask(ret, "STREAM.INFO", stream, NULL);
	ret->text[0] = '\0';
}

void heph_js_consumers(struct heph_js_request *ret, const char *prefix,
		       const char *name)
{
	char stream[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	ask(ret, "CONSUMER.NAMES", stream, NULL);
	ret->text[0] = '\0';
}

void heph_js_consumer_info(struct heph_js_request *ret, const char *prefix,
			   const char *name, const char *consumer)
{
	char stream[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	ask(ret, "CONSUMER.INFO", stream, consumer);
	ret->text[0] = '\0';
}

void heph_js_next(struct heph_js_request *ret, const char *prefix, const char *name,
		  const char *consumer, unsigned batch, heph_time expires, heph_time beat)
{
	char stream[HEPH_JS_SUBJECT];

	stream_of(stream, prefix, name);
	ask(ret, "CONSUMER.MSG.NEXT", stream, consumer);
	snprintf(ret->text, sizeof(ret->text),
		 "{\"batch\":%u,\"expires\":%" PRId64
		 ",\"idle_heartbeat\":%" PRId64 "}",
		 batch, expires, beat);
}

/* ---- answers ------------------------------------------------------------------------- */

/* Of errors.json; what is not here is told apart by its HTTP-like code. */
static const struct {
	int number, err;
} errors[] = {
	{ 10014, -ENOENT },   /* consumer not found */
	{ 10059, -ENOENT },   /* stream not found */
	{ 10058, -EEXIST },   /* name in use with a different configuration */
	{ 10099, -EEXIST },   /* multiple non-filtered consumers on a work queue */
	{ 10077, -ENOSPC },   /* store failed: maximum messages, bytes exceeded */
	{ 10023, -ENOSPC },   /* insufficient resources */
	{ 10028, -ENOSPC },   /* resource limits exceeded for account */
	{ 10047, -ENOSPC },   /* insufficient storage */
	{ 10122, -ENOSPC },   /* storage limit of account */
	{ 10054, -EMSGSIZE }, /* message size exceeds maximum allowed */
	{ 10039, -ENOTSUP },  /* not enabled for account */
	{ 10076, -ENOTSUP },  /* not enabled */
};

static int error_of(const json_t *error, struct heph_js_answer *ret)
{
	const char *text = json_string_value(json_object_get(error, "description"));
	json_int_t number = json_integer_value(json_object_get(error, "err_code"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	snprintf(ret->text, sizeof(ret->text), "%s", text ? text : "no reason given");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].number == number)
			return errors[i].err;
	if (code == 503)
		return -EAGAIN;
	return code == 404 ? -ENOENT : -EINVAL;
}

/* A time as RFC 3339, section 5.6, has it, up to 2262; 0: that is none. */
static heph_time time_of(const char *text)
{
	struct tm tm = { 0 };
	const char *at = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	heph_time rest = 0;
	int64_t seconds;
	long east;

	if (at && *at == '.')
		for (heph_time digit = HEPH_SEC / 10; isdigit((unsigned char)*++at);
		     digit /= 10)
			rest += (*at - '0') * digit;
	at = at ? strptime(at, "%z", &tm) : NULL;
	if (!at || *at)
		return 0;
	east = tm.tm_gmtoff; /* timegm(3) sets it */
	seconds = timegm(&tm) - east;
	return seconds > 0 && seconds < INT64_MAX / HEPH_SEC ? seconds * HEPH_SEC + rest : 0;
}

/* What is said about a stream or a consumer; nothing of it need be there. */
static void read_info(const json_t *root, struct heph_js_answer *ret)
{
	const json_t *config = json_object_get(root, "config");
	const char *consumer = json_string_value(
		json_array_get(json_object_get(root, "consumers"), 0));

	if (consumer && strlen(consumer) < sizeof(ret->consumer) &&
	    heph_js_name_ok(consumer))
		strcpy(ret->consumer, consumer);
	ret->redeliver = json_integer_value(json_object_get(config, "ack_wait"));
	ret->created = time_of(json_string_value(json_object_get(root, "created")));
	ret->limits = (struct heph_js_limits){
		.messages = json_integer_value(json_object_get(config, "max_msgs")),
		.bytes = json_integer_value(json_object_get(config, "max_bytes")),
		.replicas = json_integer_value(json_object_get(config, "num_replicas")),
		.duplicates =
			json_integer_value(json_object_get(config, "duplicate_window")),
	};
}

bool heph_js_limits_are(const struct heph_js_limits *limits,
			const struct heph_durable_config *config, unsigned replicas)
{
	return limits->messages == limit(config->messages) &&
	       limits->bytes == limit(config->bytes) &&
	       limits->replicas == replicas && limits->duplicates == config->duplicates;
}

int heph_js_answer(const void *data, size_t size, struct heph_js_answer *ret)
{
	json_t *root = heph_json_load(data, size, DEPTH, 0, NULL);
	const json_t *error;
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	if (!json_is_object(root)) {
		json_decref(root);
		return -EPROTO;
	}
	error = json_object_get(root, "error");
	ret->seq = (uint64_t)json_integer_value(json_object_get(root, "seq"));
	ret->duplicate = json_is_true(json_object_get(root, "duplicate"));
	if (error)
		err = error_of(error, ret);
	else
		read_info(root, ret);
	json_decref(root);
	return err;
}

/* ---- messages -------------------------------------------------------------------------- */

/* "$JS.ACK.STREAM.CONSUMER.times.number.n.time.waiting", and with the domain and the
 * account before the stream and a random word at the end, for other servers: twelve
 * parts. Counted from the end of the fixed ones. */
static unsigned cut_up(const char *subject, const char *parts[12])
{
	unsigned n = 0;

	for (const char *at = subject; at; at = strchr(at, '.')) {
		if (at != subject)
			at++;
		if (n == 12)
			return 0;
		parts[n++] = at;
	}
	return n;
}

static int number_at(const char *part, uint64_t max, uint64_t *ret)
{
	char *end;

	if (*part < '0' || *part > '9')
		return -EPROTO;
	errno = 0;
	*ret = strtoull(part, &end, 10);
	return errno || (*end && *end != '.') || *ret > max ? -EPROTO : 0;
}

int heph_js_delivery(const char *reply, struct heph_delivery *ret, heph_time *ret_stored)
{
	const char *parts[12];
	unsigned n = strncmp(reply, "$JS.ACK.", 8) ? 0 : cut_up(reply, parts);
	unsigned at = n == 9 ? 4 : 6;
	uint64_t times, stored, waiting;

	if ((n != 9 && n != 11 && n != 12) ||
	    number_at(parts[at], UINT32_MAX, &times) < 0 ||
	    number_at(parts[at + 1], UINT64_MAX, &ret->number) < 0 ||
	    number_at(parts[at + 3], INT64_MAX, &stored) < 0 ||
	    number_at(parts[at + 4], UINT64_MAX, &waiting) < 0)
		return -EPROTO;
	*ret_stored = (heph_time)stored;
	ret->times = (uint32_t)times;
	ret->waiting = waiting > UINT32_MAX ? UINT32_MAX : (uint32_t)waiting;
	return 0;
}

bool heph_js_is_of(const char *reply, const char *consumer)
{
	const char *parts[12];
	unsigned n = strncmp(reply, "$JS.ACK.", 8) ? 0 : cut_up(reply, parts);
	size_t size = strlen(consumer);
	const char *part = n >= 9 ? parts[n == 9 ? 3 : 5] : ".";

	return strncmp(part, consumer, size) == 0 && part[size] == '.';
}

void heph_js_nak(char ret[64], heph_time delay)
{
	snprintf(ret, 64, "-NAK {\"delay\":%" PRId64 "}", delay);
}
