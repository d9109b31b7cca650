/* SPDX-License-Identifier: MIT */
/* http.h - all of libheph-http */
#ifndef HEPH_HTTP_H
#define HEPH_HTTP_H

#include <heph/heph.h>

#include <heph/http/types.h>

#include <heph/http/accept.h>
#include <heph/http/auth.h>
#include <heph/http/cache.h>
#include <heph/http/client.h>
#include <heph/http/compress.h>
#include <heph/http/condition.h>
#include <heph/http/cookie.h>
#include <heph/http/date.h>
#include <heph/http/etag.h>
#include <heph/http/form.h>
#include <heph/http/forwarded.h>
#include <heph/http/health.h>
#include <heph/http/media.h>
#include <heph/http/message.h>
#include <heph/http/method.h>
#include <heph/http/middleware.h>
#include <heph/http/multipart.h>
#include <heph/http/name.h>
#include <heph/http/parse.h>
#include <heph/http/range.h>
#include <heph/http/router.h>
#include <heph/http/server.h>
#include <heph/http/static.h>
#include <heph/http/status.h>
#include <heph/http/uri.h>
#include <heph/http/value.h>

#endif
