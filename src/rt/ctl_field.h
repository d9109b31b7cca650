/* SPDX-License-Identifier: MIT */
/* ctl_field.h - what the control socket tells of an actor, field by field */
#ifndef HEPH_RT_CTL_FIELD_H
#define HEPH_RT_CTL_FIELD_H

#include <heph/inspect.h>

#include <jansson.h>

/* The number of the field with that name; -1: there is none. */
int heph_ctl_field_find(const char *name);

/* The name of a field; NULL: that is the number of fields. */
const char *heph_ctl_field_name(int field);

/* Its value. NULL: no memory. */
json_t *heph_ctl_field_value(int field, const struct heph_actor_info *info);

/* All of them. NULL: no memory. */
json_t *heph_ctl_field_all(const struct heph_actor_info *info);

#endif
