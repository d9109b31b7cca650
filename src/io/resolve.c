/* SPDX-License-Identifier: MIT */
#include <heph/resolve.h>

#include <string.h>
#include <sys/socket.h>

#include "core/wait.h"
#include "io/lookup.h"

static int ask(heph_ctx ctx, const char *host, const char *service, int family,
	       struct heph_address *ret_addresses, unsigned max)
{
	struct heph_op *op;
	int n;

	if (ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	n = heph_lookup_new(ctx, host, service, family, max, &op);
	if (n < 0)
		return n;
	n = heph_op_run(ctx, op);
	if (n > 0)
		memcpy(ret_addresses, heph_lookup_of(op)->found,
		       (size_t)n * sizeof(*ret_addresses));
	heph_op_free(op);
	return n;
}

int heph_resolve(heph_ctx ctx, const char *host, const char *service,
		 int family, struct heph_address ret_addresses[], size_t max)
{
	int n = heph_wait_allowed(ctx);

	if (n < 0)
		return n;
	if (!host || !max)
		return -EINVAL;
	if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (max > HEPH_RESOLVE_MAX)
		max = HEPH_RESOLVE_MAX;
	if (!service)
		service = "";
	n = heph_lookup_known(host, service, family, ret_addresses,
			      (unsigned)max);
	return n != -EAGAIN ? n :
			      ask(ctx, host, service, family, ret_addresses,
				  (unsigned)max);
}
