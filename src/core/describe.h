/* SPDX-License-Identifier: MIT */
/* describe.h - who was running, for reports and log lines */
#ifndef HEPH_CORE_DESCRIBE_H
#define HEPH_CORE_DESCRIBE_H

struct heph_fmt;
struct heph_self;

/* Tells the layers below how to find out. Once; further calls do nothing. */
void heph_describe_install(void);

/* "actor NAME (type TYPE, id N, worker N)", in a signal handler on its thread. */
void heph_describe_actor(struct heph_fmt *fmt, const struct heph_self *self);

#endif
