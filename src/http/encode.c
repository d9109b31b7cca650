/* SPDX-License-Identifier: MIT */
#include "http/encode.h"

#include <errno.h>
#include <limits.h>

#include "http/mem.h"

struct heph_http_encoder {
	const struct heph_http_coder_type *type;
	void *state;
	bool done; /* what was wished, with the bytes that were returned last */
};

int heph_http_encoder_new(enum heph_http_coding coding,
			  const struct heph_http_coder_options *options,
			  struct heph_http_encoder **ret_encoder)
{
	const struct heph_http_coder_type *type = heph_http_encoder_type(coding);
	struct heph_http_encoder *it;
	int err;

	if (!type)
		return -EOPNOTSUPP;
	it = heph_http_mem_alloc(sizeof(*it));
	if (!it)
		return -ENOMEM;
	*it = (struct heph_http_encoder){ .type = type };
	err = type->open(&it->state, options);
	if (err < 0)
		heph_http_mem_free(it);
	else
		*ret_encoder = it;
	return err;
}

void heph_http_encoder_free(struct heph_http_encoder *it)
{
	if (!it)
		return;
	it->type->close(it->state);
	heph_http_mem_free(it);
}

int heph_http_encode(struct heph_http_encoder *it,
		     enum heph_http_coder_wish wish, struct heph_str *in,
		     void *out, size_t size)
{
	struct heph_http_coder_step step = {
		.in = *in, .out = out, .room = size, .wish = wish
	};
	int more = !it->done;

	if (step.room > INT_MAX)
		step.room = INT_MAX;
	it->done = false;
	while (more && step.out == (char *)out) {
		more = it->type->step(it->state, &step);
		if (more < 0)
			return more;
	}
	*in = step.in;
	it->done = !more && step.out != (char *)out;
	return (int)(step.out - (char *)out);
}
