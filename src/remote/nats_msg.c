/* SPDX-License-Identifier: MIT */
/* Messages: one block, the data first, then the texts. */
#include "remote/mem.h"
#include "remote/nats_state.h"

#include <string.h>

static size_t headers_size(const struct heph_nats_header *headers, size_t n)
{
	size_t size = 1;

	for (size_t i = 0; i < n; i++)
		size += strlen(headers[i].name) + strlen(headers[i].value) + 2;
	return size;
}

/* Returns what follows it. */
static char *put_text(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

int heph_nats_msg_new(struct heph_nats_msg **ret_msg, const char *subject,
		      const char *reply, const struct heph_nats_header *headers,
		      size_t n_headers, const void *data, size_t size)
{
	size_t texts = strlen(subject) + strlen(reply ? reply : "") + 2 +
		       headers_size(headers, n_headers);
	struct heph_nats_msg *msg;
	char *at;

	if (size > PTRDIFF_MAX - texts - sizeof(*msg))
		return -ENOMEM;
	msg = heph_remote_mem_alloc(sizeof(*msg) + size + texts);
	if (!msg)
		return -ENOMEM;
	msg->data = (char *)(msg + 1);
	msg->size = size;
	if (data && size > 0)
		memcpy(msg->data, data, size);
	msg->subject = at = msg->data + size;
	msg->reply = at = put_text(at, subject);
	msg->headers = at = put_text(at, reply ? reply : "");
	for (size_t i = 0; i < n_headers; i++)
		at = put_text(put_text(at, headers[i].name), headers[i].value);
	*at = 0;
	*ret_msg = msg;
	return 0;
}

static size_t copy_headers(const struct heph_nats_msg *msg, char *to)
{
	const char *at = msg->headers;

	while (*at) {
		at += strlen(at) + 1;
		at += strlen(at) + 1;
	}
	if (to)
		memcpy(to, msg->headers, (size_t)(at - msg->headers) + 1);
	return (size_t)(at - msg->headers) + 1;
}

int heph_nats_msg_asking(const struct heph_nats_msg *msg, const char *reply,
			 struct heph_nats_msg **ret_msg)
{
	size_t size = strlen(msg->subject) + strlen(reply) + 2 + msg->size +
		      copy_headers(msg, NULL);
	struct heph_nats_msg *made = heph_remote_mem_alloc(sizeof(*made) + size);
	char *at;

	if (!made)
		return -ENOMEM;
	made->data = (char *)(made + 1);
	made->size = msg->size;
	memcpy(made->data, msg->data, msg->size);
	made->subject = at = made->data + msg->size;
	made->reply = at = put_text(at, msg->subject);
	made->headers = at = put_text(at, reply);
	copy_headers(msg, at);
	*ret_msg = made;
	return 0;
}

void heph_nats_msg_free(struct heph_nats_msg *msg)
{
	heph_remote_mem_free(msg);
}

const char *heph_nats_msg_header(const struct heph_nats_msg *msg, const char *name)
{
	const char *at = msg->headers;

	while (*at) {
		const char *value = at + strlen(at) + 1;

		if (strcmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return at;
}

bool heph_nats_msg_nobody(const struct heph_nats_msg *msg)
{
	return msg->size == 0 &&
	       strcmp(heph_nats_msg_header(msg, "Status"), "503") == 0;
}
