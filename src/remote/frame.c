/* SPDX-License-Identifier: MIT */
#include "remote/frame.h"

#include "remote/mem.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* ---- numbers ------------------------------------------------------------------------ */

static void put_le(unsigned char *at, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_le(const unsigned char *at, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = n; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

/* These are in each header, and quick where numbers are little-endian. */
static void put_u64(unsigned char *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint64_t get_u64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* ---- a frame ------------------------------------------------------------------------- */

void heph_frame_init(void *data, enum heph_frame_type type, unsigned flags,
		     uint32_t number)
{
	unsigned char *at = data;

	memset(at, 0, HEPH_FRAME_HEAD);
	at[0] = (unsigned char)type;
	at[1] = (unsigned char)flags;
	put_le(at + 4, number, 4);
}

int heph_frame_new(struct heph_frame *ret_frame, enum heph_frame_type type,
		   unsigned flags, uint32_t number, size_t body)
{
	unsigned char *data = heph_remote_mem_alloc(HEPH_FRAME_HEAD + body);

	if (!data)
		return -ENOMEM;
	heph_frame_init(data, type, flags, number);
	*ret_frame = (struct heph_frame){ data, HEPH_FRAME_HEAD + body };
	return 0;
}

void heph_frame_free(struct heph_frame *frame)
{
	heph_remote_mem_free(frame->data);
	*frame = (struct heph_frame){ NULL, 0 };
}

void heph_frame_set_seq(struct heph_frame *frame, uint64_t seq)
{
	put_u64(frame->data + 8, seq);
}

void heph_frame_set_ack(struct heph_frame *frame, uint64_t ack)
{
	put_u64(frame->data + 16, ack);
}

int heph_frame_view(const void *data, size_t size,
		    struct heph_frame_view *ret_view)
{
	const unsigned char *at = data;

	if (size < HEPH_FRAME_HEAD || at[0] == 0 || at[0] >= HEPH_FRAME_TYPES ||
	    at[1] & ~(HEPH_FRAME_JSON | HEPH_FRAME_LOOSE) || at[2] || at[3])
		return -EPROTO;
	*ret_view = (struct heph_frame_view){
		.type = at[0],
		.flags = at[1],
		.number = (uint32_t)(get_u64(at) >> 32),
		.seq = get_u64(at + 8),
		.ack = get_u64(at + 16),
		.body = at + HEPH_FRAME_HEAD,
		.size = size - HEPH_FRAME_HEAD,
	};
	return 0;
}

/* ---- bodies --------------------------------------------------------------------------- */

int heph_cut_bytes(struct heph_cut *cut, size_t n, const void **ret_bytes)
{
	if ((size_t)(cut->end - cut->at) < n)
		return -EPROTO;
	*ret_bytes = cut->at;
	cut->at += n;
	return 0;
}

/* A number of `n` bytes. */
static int cut_le(struct heph_cut *cut, unsigned n, uint64_t *ret_value)
{
	const void *bytes;
	int err = heph_cut_bytes(cut, n, &bytes);

	if (err == 0)
		*ret_value = get_le(bytes, n);
	return err;
}

int heph_cut_u64(struct heph_cut *cut, uint64_t *ret_value)
{
	const void *bytes;
	int err = heph_cut_bytes(cut, 8, &bytes);

	if (err == 0)
		*ret_value = get_u64(bytes);
	return err;
}

int heph_cut_text(struct heph_cut *cut, const char **ret_text, size_t *ret_size)
{
	size_t left = (size_t)(cut->end - cut->at);
	const unsigned char *nul = left ? memchr(cut->at, 0, left) : NULL;

	if (!left)
		return -EPROTO;
	*ret_text = (const char *)cut->at;
	*ret_size = nul ? (size_t)(nul - cut->at) : left;
	cut->at = nul ? nul + 1 : cut->end;
	return 0;
}

unsigned char *heph_put_u64(unsigned char *at, uint64_t value)
{
	put_u64(at, value);
	return at + 8;
}

unsigned char *heph_put_bytes(unsigned char *at, const void *bytes, size_t n)
{
	if (n)
		memcpy(at, bytes, n);
	return at + n;
}

static unsigned char *put_u32(unsigned char *at, uint32_t value)
{
	put_le(at, value, 4);
	return at + 4;
}

/* ---- the first frames ------------------------------------------------------------------ */

enum {
	HELLO_FIXED = 4 + 2 + 1 + 1 + 4 * 8 + 2 * 4,
	READY_SIZE = 3 * 8,
	FORMATS = 1 | 2, /* CBOR, JSON: both are always understood */
};

int heph_hello_write(const struct heph_hello *hello, struct heph_frame *ret_frame)
{
	size_t name = strlen(hello->name) + 1, where = strlen(hello->where) + 1;
	int err = heph_frame_new(ret_frame, HEPH_FRAME_HELLO, 0, hello->lost,
				 HELLO_FIXED + name + where);
	unsigned char *at;

	if (err < 0)
		return err;
	at = put_u32(heph_frame_body(ret_frame), HEPH_FRAME_MAGIC);
	put_le(at, HEPH_FRAME_VERSION, 2);
	at[2] = FORMATS;
	at[3] = 0;
	at = heph_put_u64(at + 4, hello->id);
	at = heph_put_u64(at, hello->expected);
	at = heph_put_u64(at, hello->received);
	at = heph_put_u64(at, hello->wire);
	at = put_u32(at, hello->window);
	at = put_u32(at, hello->frame_max);
	at = heph_put_bytes(at, hello->name, name);
	heph_put_bytes(at, hello->where, where);
	return 0;
}

/* A text with its nul into `size` bytes. */
static int cut_into(struct heph_cut *cut, char *ret_text, size_t size)
{
	const char *text;
	size_t n;

	if (heph_cut_text(cut, &text, &n) < 0 || text[n] != 0 || n >= size)
		return -EPROTO;
	memcpy(ret_text, text, n);
	memset(ret_text + n, 0, size - n);
	return 0;
}

static int cut_version(struct heph_cut *cut)
{
	uint64_t magic, version, formats;

	if (cut_le(cut, 4, &magic) < 0 || magic != HEPH_FRAME_MAGIC ||
	    cut_le(cut, 2, &version) < 0 || cut_le(cut, 2, &formats) < 0)
		return -EPROTO;
	return version == HEPH_FRAME_VERSION && (formats & FORMATS) == FORMATS ?
		       0 :
		       -EPROTONOSUPPORT;
}

static int cut_numbers(struct heph_cut *cut, struct heph_hello *ret)
{
	uint64_t window, frame_max;

	if (heph_cut_u64(cut, &ret->id) < 0 ||
	    heph_cut_u64(cut, &ret->expected) < 0 ||
	    heph_cut_u64(cut, &ret->received) < 0 ||
	    heph_cut_u64(cut, &ret->wire) < 0 || cut_le(cut, 4, &window) < 0 ||
	    cut_le(cut, 4, &frame_max) < 0)
		return -EPROTO;
	ret->window = (uint32_t)window;
	ret->frame_max = (uint32_t)frame_max;
	return ret->id && window && frame_max > HEPH_FRAME_HEAD ? 0 : -EPROTO;
}

int heph_hello_read(const struct heph_frame_view *view, struct heph_hello *ret_hello)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	int err = view->type == HEPH_FRAME_HELLO ? cut_version(&cut) : -EPROTO;

	if (err < 0)
		return err;
	ret_hello->lost = view->number;
	/* The last text has its nul as well, or cut_into() would read beyond it. */
	if (view->body[view->size - 1] != 0 || cut_numbers(&cut, ret_hello) < 0 ||
	    cut_into(&cut, ret_hello->name, sizeof(ret_hello->name)) < 0 ||
	    cut_into(&cut, ret_hello->where, sizeof(ret_hello->where)) < 0)
		return -EPROTO;
	return cut.at == cut.end && ret_hello->name[0] ? 0 : -EPROTO;
}

int heph_ready_write(const struct heph_ready *ready, struct heph_frame *ret_frame)
{
	int err = heph_frame_new(ret_frame, HEPH_FRAME_READY, 0, ready->lost,
				 READY_SIZE);
	unsigned char *at;

	if (err < 0)
		return err;
	at = heph_put_u64(heph_frame_body(ret_frame), ready->expected);
	at = heph_put_u64(at, ready->received);
	heph_put_u64(at, ready->last);
	return 0;
}

int heph_ready_read(const struct heph_frame_view *view, struct heph_ready *ret_ready)
{
	struct heph_cut cut = { view->body, view->body + view->size };

	if (view->type != HEPH_FRAME_READY || view->size != READY_SIZE)
		return -EPROTO;
	heph_cut_u64(&cut, &ret_ready->expected);
	heph_cut_u64(&cut, &ret_ready->received);
	heph_cut_u64(&cut, &ret_ready->last);
	ret_ready->lost = view->number;
	return 0;
}
