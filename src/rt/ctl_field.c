/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "rt/ctl_field.h"

#include <string.h>

#include "base/clock.h"
#include "rt/ctl_request.h"

typedef json_t *make_fn(const struct heph_actor_info *info);

/* ---- kinds of values ------------------------------------------------------------ */

#define NUMBER(member_)                                                        \
	static json_t *make_##member_(const struct heph_actor_info *info)      \
	{                                                                      \
		return json_integer((json_int_t)info->member_);                \
	}
#define TEXT(member_)                                                          \
	static json_t *make_##member_(const struct heph_actor_info *info)      \
	{                                                                      \
		return heph_ctl_text(info->member_);                           \
	}
#define YES_NO(member_)                                                        \
	static json_t *make_##member_(const struct heph_actor_info *info)      \
	{                                                                      \
		return json_boolean(info->member_);                            \
	}

NUMBER(worker)
NUMBER(inbox)
NUMBER(capacity)
NUMBER(received)
NUMBER(restarts)
NUMBER(children)
NUMBER(owed)
NUMBER(watchers)
NUMBER(operations)
NUMBER(stack)
NUMBER(stack_size)
NUMBER(arena)
NUMBER(messages)
NUMBER(priority)
TEXT(name)
TEXT(type)
TEXT(on_name)
TEXT(operation)
TEXT(text)
YES_NO(moves)
YES_NO(own_thread)
YES_NO(stopping)
YES_NO(shielded)

static json_t *id_or_null(heph_ref ref)
{
	return ref.addr.id ? json_integer((json_int_t)ref.addr.id) :
			     json_null();
}

static json_t *make_id(const struct heph_actor_info *info)
{
	return id_or_null(info->ref);
}

static json_t *make_parent(const struct heph_actor_info *info)
{
	return id_or_null(info->parent);
}

static json_t *make_on(const struct heph_actor_info *info)
{
	return id_or_null(info->on);
}

static json_t *make_state(const struct heph_actor_info *info)
{
	return json_string(heph_state_name(info->state));
}

static json_t *make_wait(const struct heph_actor_info *info)
{
	return info->wait == HEPH_WAITS_NOT ?
		       json_null() :
		       json_string(heph_wait_kind_name(info->wait));
}

static json_t *make_waits(const struct heph_actor_info *info)
{
	json_t *all = json_array();

	for (unsigned n = HEPH_WAITS_NOT + 1; all && n < HEPH_WAITS; n++)
		if (info->waits & (1u << n))
			json_array_append_new(all,
					      json_string(heph_wait_kind_name(
						      (enum heph_wait_kind)n)));
	return all;
}

static json_t *make_fd(const struct heph_actor_info *info)
{
	return info->fd < 0 ? json_null() : json_integer(info->fd);
}

static json_t *make_left(const struct heph_actor_info *info)
{
	return info->deadline == HEPH_NEVER ?
		       json_null() :
		       json_integer(info->deadline - heph_clock_now());
}

static json_t *make_waited(const struct heph_actor_info *info)
{
	return info->since ? json_integer(heph_clock_now() - info->since) :
			     json_null();
}

/* ---- the table -------------------------------------------------------------------- */

#define FIELD(name_)                                                           \
	{                                                                      \
#name_, make_##name_                                           \
	}

static const struct {
	const char *name;
	make_fn *make;
} fields[] = {
	FIELD(id),
	FIELD(name),
	FIELD(type),
	FIELD(parent),
	FIELD(worker),
	FIELD(state),
	FIELD(wait),
	FIELD(waits),
	FIELD(on),
	FIELD(on_name),
	FIELD(operation),
	FIELD(fd),
	{ "left_ns", make_left },
	{ "waited_ns", make_waited },
	FIELD(inbox),
	FIELD(capacity),
	FIELD(received),
	FIELD(restarts),
	FIELD(children),
	FIELD(owed),
	FIELD(watchers),
	FIELD(operations),
	FIELD(priority),
	FIELD(moves),
	FIELD(own_thread),
	FIELD(stopping),
	FIELD(shielded),
	FIELD(stack),
	FIELD(stack_size),
	FIELD(arena),
	FIELD(messages),
	FIELD(text),
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

_Static_assert((int)FIELDS <= (int)HEPH_CTL_FIELDS_MAX,
	       "a request may name them all");

int heph_ctl_field_find(const char *name)
{
	for (int n = 0; n < FIELDS; n++)
		if (strcmp(fields[n].name, name) == 0)
			return n;
	return -1;
}

const char *heph_ctl_field_name(int field)
{
	return field < FIELDS ? fields[field].name : NULL;
}

json_t *heph_ctl_field_value(int field, const struct heph_actor_info *info)
{
	return fields[field].make(info);
}

json_t *heph_ctl_field_all(const struct heph_actor_info *info)
{
	json_t *all = json_object();

	for (int n = 0; all && n < FIELDS; n++)
		if (json_object_set_new_nocheck(all, fields[n].name,
						fields[n].make(info)) < 0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

#endif
