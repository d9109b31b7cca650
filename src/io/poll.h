/* SPDX-License-Identifier: MIT */
/* poll.h - descriptors as clauses of heph_wait(); see struct heph_driver */
#ifndef HEPH_IO_POLL_H
#define HEPH_IO_POLL_H

#include "core/self.h"

int heph_poll_now(struct heph_self *self, struct heph_fd fd, bool writing);
int heph_poll_begin(struct heph_self *self, struct heph_fd fd, bool writing,
		    void **ret_poll);
bool heph_poll_ready(void *poll);
void heph_poll_end(void *poll);

#endif
