/* SPDX-License-Identifier: MIT */
/*
 * messages.c - what our parser makes of bytes, for comparison with others
 *
 * Reads samples: a letter ("q": requests, "s": responses to GET), four bytes of size,
 * the highest first, and the bytes. Writes a line of JSON for each: the messages that
 * are in it, texts in hexadecimal, until one is refused, has not ended, or ends the
 * connection.
 */
#include <heph/http.h>

#include <stdio.h>
#include <stdlib.h>

enum { SIZE_MOST = 1 << 16, FIELDS = 100 };

struct message {
	struct heph_str method, target; /* of a request */
	unsigned status, minor;
	struct heph_http_fields fields;
	enum heph_http_framing framing;
	uint64_t length;
	bool last; /* nothing more comes behind it */
	enum heph_http_wrong wrong;
};

static struct heph_http_field places[FIELDS], trailer_places[FIELDS];

static void print_hex(const char *name, struct heph_str str)
{
	printf("\"%s\": \"", name);
	for (size_t i = 0; i < str.size; i++)
		printf("%02x", (unsigned char)str.data[i]);
	printf("\", ");
}

static void print_message(const struct message *message, struct heph_str body)
{
	printf("{");
	print_hex("method", message->method);
	print_hex("target", message->target);
	print_hex("body", body);
	printf("\"status\": %u, \"minor\": %u, \"fields\": [", message->status,
	       message->minor);
	for (unsigned i = 0; i < message->fields.n; i++) {
		printf("%s{", i ? ", " : "");
		print_hex("value",
			  heph_http_field_value(&message->fields.at[i]));
		print_hex("name", heph_http_field_name(&message->fields.at[i]));
		printf("\"n\": %u}", i);
	}
	printf("]}");
}

static ssize_t read_request(const char *data, size_t size, struct message *message)
{
	struct heph_http_request_head head;
	ssize_t n;

	head.fields = (struct heph_http_fields){ .at = places, .room = FIELDS };
	n = heph_http_parse_request(data, size, 0, NULL, &head);
	message->wrong = head.wrong;
	if (n > 0)
		*message = (struct message){
			.method = head.method_name,
			.target = head.target,
			.minor = head.minor,
			.fields = head.fields,
			.framing = head.framing,
			.length = head.length,
			.last = !head.keep_alive || head.upgrades ||
				head.method == HEPH_HTTP_CONNECT,
		};
	return n;
}

static ssize_t read_response(const char *data, size_t size,
			     struct message *message)
{
	struct heph_http_response_head head;
	ssize_t n;

	head.fields = (struct heph_http_fields){ .at = places, .room = FIELDS };
	n = heph_http_parse_response(data, size, 0, HEPH_HTTP_GET, NULL, &head);
	message->wrong = head.wrong;
	if (n > 0)
		*message = (struct message){
			.status = head.status,
			.minor = head.minor,
			.fields = head.fields,
			.framing = head.framing,
			.length = head.length,
			.last = !head.keep_alive || head.upgrades,
		};
	return n;
}

/* Takes the body apart into `to`. Returns as the parsers do; 0 may be the whole. */
static ssize_t read_chunked(const char *data, size_t size, char *to,
			    size_t *ret_body, struct message *message)
{
	struct heph_http_fields trailers = { .at = trailer_places,
					     .room = FIELDS };
	struct heph_http_chunks chunks = { 0 };
	size_t at = 0, used, body;
	ssize_t n;
	int err = 1;

	*ret_body = 0;
	while (err == 1 && at < size) {
		err = heph_http_parse_chunks(&chunks, data + at, size - at,
					     &used, &body);
		at += used;
		memcpy(to + *ret_body, data + at - body, body);
		*ret_body += body;
	}
	message->wrong = chunks.wrong;
	if (err != 0)
		return err == 1 ? 0 : err;
	n = heph_http_parse_trailers(data + at, size - at, 0, NULL, &trailers,
				     &message->wrong);
	return n > 0 ? (ssize_t)at + n : n;
}

/* Returns how long the message is; 0: it has not ended; -EBADMSG. */
static ssize_t read_message(char kind, const char *data, size_t size, char *to,
			    struct message *message, struct heph_str *ret_body)
{
	ssize_t n = kind == 'q' ? read_request(data, size, message) :
				  read_response(data, size, message);
	ssize_t more;

	if (n <= 0)
		return n;
	size -= (size_t)n;
	*ret_body = heph_str_of(data + n, 0);
	switch (message->framing) {
	case HEPH_HTTP_LENGTH:
		ret_body->size = (size_t)message->length;
		return message->length <= size ? n + (ssize_t)message->length : 0;
	case HEPH_HTTP_UNTIL_CLOSE:
		ret_body->size = size;
		return n + (ssize_t)size;
	case HEPH_HTTP_CHUNKED:
		ret_body->data = to;
		more = read_chunked(data + n, size, to, &ret_body->size, message);
		return more > 0 ? n + more : more;
	default:
		return n;
	}
}

static void take_apart(char kind, const char *data, size_t size)
{
	static char body_bytes[SIZE_MOST];
	struct message message = { .wrong = HEPH_HTTP_FINE };
	struct heph_str body;
	const char *end = "done";
	size_t at = 0;

	printf("{\"messages\": [");
	while (at < size && !message.last) {
		ssize_t n = read_message(kind, data + at, size - at, body_bytes,
					 &message, &body);

		if (n <= 0) {
			end = n < 0 ? heph_http_wrong_text(message.wrong) :
				      "more";
			break;
		}
		printf("%s", at > 0 ? ", " : "");
		print_message(&message, body);
		at += (size_t)n;
	}
	printf("], \"end\": \"%s\"}\n", end);
}

int main(void)
{
	unsigned char head[5];

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 |
			      (size_t)head[3] << 8 | head[4];
		char *data;

		if (size >= SIZE_MOST)
			return 2;
		data = malloc(size + 1); /* of just that size for a sanitizer */
		if (data == NULL || (size > 0 && fread(data, size, 1, stdin) != 1))
			return 2;
		take_apart((char)head[0], data, size);
		free(data);
	}
	return 0;
}
