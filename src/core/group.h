/* SPDX-License-Identifier: MIT */
/* group.h - members of a group that are found to be gone */
#ifndef HEPH_CORE_GROUP_H
#define HEPH_CORE_GROUP_H

#include <heph/group.h>

/* The member at that place is gone: it leaves the group and is counted. */
void heph_group_drop_at(struct heph_group *group, unsigned at);

#endif
