/* SPDX-License-Identifier: MIT */
/*
 * remote.h - all of libheph-remote
 *
 * Where that was built without NATS there are no clusters: their headers are not
 * installed, and HEPH_HAS_CLUSTER is 0.
 */
#ifndef HEPH_REMOTE_H
#define HEPH_REMOTE_H

#include <heph/heph.h>

#include <heph/remote/actor.h>
#include <heph/remote/codec.h>
#include <heph/remote/node.h>
#include <heph/remote/router.h>
#include <heph/remote/sim.h>
#include <heph/remote/tcp.h>
#include <heph/remote/transport.h>
#include <heph/remote/udp.h>

#if __has_include(<heph/remote/nats.h>)
#define HEPH_HAS_CLUSTER 1
#include <heph/remote/cluster.h>
#include <heph/remote/nats.h>
#else
#define HEPH_HAS_CLUSTER 0
#endif

#endif
