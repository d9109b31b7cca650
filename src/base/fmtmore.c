/* SPDX-License-Identifier: MIT */
/* Numbers with fractions, times and addresses; printf(3) would look at the
 * locale, and take more stack than an actor may have. */
#include "base/fmt.h"

#include <heph/address.h>

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

/* ---- fractions -------------------------------------------------------------- */

/* Appends value / 10^digits without zeros at the end. */
static void append_fixed(struct heph_fmt *fmt, uint64_t value, unsigned digits)
{
	uint64_t unit = 1;

	for (; digits && value % 10 == 0; digits--)
		value /= 10;
	for (unsigned i = 0; i < digits; i++)
		unit *= 10;
	heph_fmt_uint(fmt, value / unit);
	if (!digits)
		return;
	heph_fmt_char(fmt, '.');
	heph_fmt_padded(fmt, value % unit, digits);
}

/* Of one that is neither very large nor very small. */
static void append_plain(struct heph_fmt *fmt, double value)
{
	if (value < 1)
		append_fixed(fmt, (uint64_t)(value * 1e9 + 0.5), 9);
	else if (value < 1e9)
		append_fixed(fmt, (uint64_t)(value * 1e6 + 0.5), 6);
	else if (value < 1e12)
		append_fixed(fmt, (uint64_t)(value * 1e3 + 0.5), 3);
	else
		append_fixed(fmt, (uint64_t)(value + 0.5), 0);
}

static void append_scientific(struct heph_fmt *fmt, double value)
{
	int exponent = 0;

	for (; value >= 10; exponent++)
		value /= 10;
	for (; value < 1; exponent--)
		value *= 10;
	append_plain(fmt, value);
	heph_fmt_char(fmt, 'e');
	heph_fmt_int(fmt, exponent);
}

static void append_magnitude(struct heph_fmt *fmt, double value)
{
	if (isnan(value))
		heph_fmt_str(fmt, "nan");
	else if (isinf(value))
		heph_fmt_str(fmt, "inf");
	else if (value == 0 || (value >= 1e-3 && value < 1e15))
		append_plain(fmt, value);
	else
		append_scientific(fmt, value);
}

/* What was made in another buffer is appended whole or not at all. */
static void append_made(struct heph_fmt *fmt, const struct heph_fmt *made)
{
	if (made->len < fmt->size - fmt->len)
		heph_fmt_mem(fmt, made->buf, made->len);
	else
		fmt->cut = true;
}

void heph_fmt_double(struct heph_fmt *fmt, double value)
{
	char buf[40];
	struct heph_fmt made;

	heph_fmt_init(&made, buf, sizeof(buf));
	if (signbit(value) && !isnan(value))
		heph_fmt_char(&made, '-');
	append_magnitude(&made, fabs(value));
	append_made(fmt, &made);
}

/* ---- times -------------------------------------------------------------------- */

static void append_length(struct heph_fmt *fmt, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t unit;
	} units[] = { { "s", HEPH_SEC },
		      { "ms", HEPH_MSEC },
		      { "us", HEPH_USEC } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (ns < units[i].unit)
			continue;
		append_fixed(fmt, ns / (units[i].unit / 1000), 3);
		heph_fmt_str(fmt, units[i].name);
		return;
	}
	heph_fmt_uint(fmt, ns);
	heph_fmt_str(fmt, "ns");
}

void heph_fmt_time(struct heph_fmt *fmt, heph_time value)
{
	char buf[40];
	struct heph_fmt made;

	heph_fmt_init(&made, buf, sizeof(buf));
	if (value < 0)
		heph_fmt_char(&made, '-');
	if (value >= HEPH_NEVER)
		heph_fmt_str(&made, "never");
	else
		append_length(&made,
			      value < 0 ? -(uint64_t)value : (uint64_t)value);
	append_made(fmt, &made);
}

/* ---- addresses ------------------------------------------------------------------ */

static void append_v4(struct heph_fmt *fmt, const void *host, in_port_t port)
{
	char digits[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, host, digits, sizeof(digits));
	heph_fmt_str(fmt, digits);
	heph_fmt_char(fmt, ':');
	heph_fmt_uint(fmt, ntohs(port));
}

static void append_v6(struct heph_fmt *fmt, const struct sockaddr_in6 *in)
{
	char digits[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
		append_v4(fmt, &in->sin6_addr.s6_addr[12], in->sin6_port);
		return;
	}
	inet_ntop(AF_INET6, &in->sin6_addr, digits, sizeof(digits));
	heph_fmt_char(fmt, '[');
	heph_fmt_str(fmt, digits);
	if (in->sin6_scope_id) {
		heph_fmt_char(fmt, '%');
		heph_fmt_uint(fmt, in->sin6_scope_id);
	}
	heph_fmt_str(fmt, "]:");
	heph_fmt_uint(fmt, ntohs(in->sin6_port));
}

/* The kernel gives paths with and without an end. */
static void append_unix(struct heph_fmt *fmt, const struct sockaddr_un *un,
			size_t size)
{
	size_t at = offsetof(struct sockaddr_un, sun_path);
	size_t length = size > at ? size - at : 0;

	if (length > sizeof(un->sun_path))
		length = sizeof(un->sun_path);
	if (length && un->sun_path[0])
		length = strnlen(un->sun_path, length);
	heph_fmt_str(fmt, "unix:");
	for (size_t i = 0; i < length; i++)
		heph_fmt_char(fmt, un->sun_path[i] ? un->sun_path[i] : '@');
}

bool heph_fmt_address(struct heph_fmt *fmt, const struct heph_address *address)
{
	const void *storage = &address->storage;
	const struct sockaddr_in *in = storage;

	switch (address->size ? address->storage.ss_family : AF_UNSPEC) {
	case AF_INET:
		append_v4(fmt, &in->sin_addr, in->sin_port);
		return true;
	case AF_INET6:
		append_v6(fmt, storage);
		return true;
	case AF_UNIX:
		append_unix(fmt, storage, address->size);
		return true;
	default:
		return false;
	}
}
