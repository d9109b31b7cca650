/* SPDX-License-Identifier: MIT */
#include "http/client_proxy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/base64.h"
#include "http/client_mem.h"
#include "http/client_target.h"

/* ---- Basic; RFC 7617 -------------------------------------------------------------- */

char *heph_http_basic(const char *user)
{
	size_t size = strlen(user);
	size_t room = strlen("Basic ") + (size + 2) / 3 * 4 + 1;
	char *value = client_mem(room);
	struct text_out out;

	if (!value)
		return NULL;
	out = text_out(value, room);
	heph_http_out_text(&out, "Basic ");
	heph_http_base64_encode(&out, user, size);
	heph_http_out_char(&out, '\0');
	return value;
}

/* ---- proxies ----------------------------------------------------------------------- */

static int fill(struct heph_http_proxy *proxy,
		const struct heph_http_target *target)
{
	proxy->connect = client_mem_text(target->connect);
	if (target->user)
		proxy->authorization = heph_http_basic(target->user);
	if (!proxy->connect || (target->user && !proxy->authorization))
		return -ENOMEM;
	return 0;
}

static int parse(const char *url, struct heph_http_target *ret_target)
{
	static const char scheme[] = "http://";
	char *whole;
	int err;

	if (strstr(url, "://"))
		return heph_http_target_new(ret_target, heph_str(url));
	whole = client_mem(sizeof(scheme) + strlen(url));
	if (!whole)
		return -ENOMEM;
	strcpy(stpcpy(whole, scheme), url);
	err = heph_http_target_new(ret_target, heph_str(whole));
	free(whole);
	return err;
}

int heph_http_proxy_new(const char *url, struct heph_http_proxy **ret_proxy)
{
	struct heph_http_target target;
	struct heph_http_proxy *proxy;
	int err = parse(url, &target);

	if (err < 0)
		return err;
	proxy = client_mem_zero(sizeof(*proxy));
	err = proxy ? fill(proxy, &target) : -ENOMEM;
	if (err == 0 && target.secure)
		err = -EPROTONOSUPPORT;
	heph_http_target_free(&target);
	if (err < 0)
		heph_http_proxy_free(proxy);
	else
		*ret_proxy = proxy;
	return err;
}

void heph_http_proxy_free(struct heph_http_proxy *proxy)
{
	if (!proxy)
		return;
	free(proxy->connect);
	free(proxy->authorization);
	free(proxy);
}

/* Whether `host` is `name`, or below it. */
static bool is_below(const char *host, const char *name, size_t size)
{
	size_t host_size = strlen(host);

	while (size && name[0] == '.') {
		name++;
		size--;
	}
	if (size == 1 && name[0] == '*')
		return true;
	return size && host_size >= size &&
	       strncasecmp(host + host_size - size, name, size) == 0 &&
	       (host_size == size || host[host_size - size - 1] == '.');
}

bool heph_http_proxy_not_for(const char *list, const char *host)
{
	size_t size;

	for (; list && *list; list += size) {
		list += strspn(list, ", \t");
		size = strcspn(list, ", \t");
		if (is_below(host, list, size))
			return true;
	}
	return false;
}
