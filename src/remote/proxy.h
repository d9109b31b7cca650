/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - an actor here that stands for one of a peer
 *
 * What is known of that one is a struct heph_import, which the proxy holds.
 *
 * Proxies are no children of their peer: one may be made while another peer's
 * message is read, in that peer's actor. They end when their peer says so, which it
 * does whenever it ends.
 */
#ifndef HEPH_REMOTE_PROXY_H
#define HEPH_REMOTE_PROXY_H

#include "remote/import.h"

struct heph_proxy_arg {
	struct heph_import *import; /* held */
};
HEPH_ACTOR(heph_proxy, void, struct heph_proxy_arg);

#endif
