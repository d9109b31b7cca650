/* SPDX-License-Identifier: MIT */
#include <heph/http/auth.h>
#include <heph/http/value.h>

#include "http/base64.h"
#include "http/text.h"

/* What follows the scheme and blanks; { NULL, 0 }: it is another one. */
static struct heph_str credentials(struct heph_str text, const char *scheme)
{
	size_t size = strlen(scheme);

	text = heph_http_text_trim(text);
	if (text.size < size || strncasecmp(text.data, scheme, size) != 0 ||
	    (text.size > size && text.data[size] != ' '))
		return heph_str_of(NULL, 0);
	return heph_http_text_trim(text_part(text, size, text.size));
}

int heph_http_basic_read(struct heph_str text, char *buf, size_t room,
			 struct heph_str *ret_user, struct heph_str *ret_password)
{
	struct heph_str encoded = credentials(text, "Basic"), decoded;
	struct text_out out = text_out(buf, room);
	size_t colon;
	int err;

	if (!encoded.data)
		return 0;
	err = heph_http_base64_decode(&out, encoded);
	if (!err)
		err = heph_http_out_end(&out, buf, &decoded);
	if (err)
		return err;
	colon = text_find(decoded, 0, ':');
	if (colon == decoded.size || !heph_http_is_value(decoded))
		return -EBADMSG;
	*ret_user = text_part(decoded, 0, colon);
	*ret_password = text_part(decoded, colon + 1, decoded.size);
	return 1;
}

/* Two texts one after the other, three bytes at a time. */
static void put_pair(struct text_out *out, struct heph_str user,
		     struct heph_str password)
{
	size_t size = user.size + 1 + password.size;
	char group[3];

	for (size_t at = 0; at < size;) {
		size_t n = 0;

		for (; n < 3 && at < size; at++)
			group[n++] = at < user.size  ? user.data[at] :
				     at == user.size ? ':' :
						       password.data[at - user.size -
								     1];
		heph_http_base64_encode(out, group, n);
	}
}

int heph_http_basic_write(struct heph_str user, struct heph_str password,
			  char *buf, size_t room, struct heph_str *ret_text)
{
	struct text_out out = text_out(buf, room);

	if (text_find(user, 0, ':') < user.size || !heph_http_is_value(user) ||
	    !heph_http_is_value(password))
		return -EINVAL;
	heph_http_out_text(&out, "Basic ");
	put_pair(&out, user, password);
	return heph_http_out_end(&out, buf, ret_text);
}

int heph_http_bearer_read(struct heph_str text, struct heph_str *ret_token)
{
	struct heph_str token = credentials(text, "Bearer"), body;

	if (!token.data)
		return 0;
	body = token;
	while (body.size > 0 && body.data[body.size - 1] == '=')
		body.size--;
	if (body.size == 0 || !heph_http_text_all(body, TEXT_TOKEN68))
		return -EBADMSG;
	*ret_token = token;
	return 1;
}

bool heph_http_same_secret(struct heph_str a, struct heph_str b)
{
	unsigned differ = a.size != b.size;

	/* As long as the one that the client chose takes. */
	for (size_t i = 0; i < a.size; i++) {
		unsigned char other =
			b.size > 0 ? (unsigned char)b.data[i % b.size] : 0;

		differ |= (unsigned char)a.data[i] ^ other;
		__asm__ volatile("" : "+r"(differ));
	}
	return differ == 0;
}
