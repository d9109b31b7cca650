/* SPDX-License-Identifier: MIT */
/* heph.h - all of Heph's actor framework */
#ifndef HEPH_HEPH_H
#define HEPH_HEPH_H

#include <heph/types.h>
#include <heph/watch.h>

#include <heph/activation.h>
#include <heph/actor.h>
#include <heph/address.h>
#include <heph/call.h>
#include <heph/config.h>
#include <heph/file.h>
#include <heph/group.h>
#include <heph/inbox.h>
#include <heph/inspect.h>
#include <heph/io.h>
#include <heph/lines.h>
#include <heph/log.h>
#include <heph/message.h>
#include <heph/metrics.h>
#include <heph/net.h>
#include <heph/notify.h>
#include <heph/oneshot.h>
#include <heph/own.h>
#include <heph/process.h>
#include <heph/packet.h>
#include <heph/refs.h>
#include <heph/resolve.h>
#include <heph/runtime.h>
#include <heph/sched.h>
#include <heph/socket.h>
#include <heph/socket_msg.h>
#include <heph/standard.h>
#include <heph/str.h>
#include <heph/stream.h>
#include <heph/systemd.h>
#include <heph/time.h>
#include <heph/timer.h>
#include <heph/timers.h>
#include <heph/trace.h>
#include <heph/tree.h>
#include <heph/typed.h>

#endif
