/* SPDX-License-Identifier: MIT */
/*
 * All that is told is there anyway, because the runtime needs it: the reasons
 * for which an actor would be woken, and what it waits for, which is a record
 * of its thread (heph_wait_about()). Nothing is kept for who may look.
 */
#include "rt/info.h"

#include <stdio.h>
#include <string.h>

#include "base/probe.h"
#include "core/child.h"
#include "core/inbox.h"
#include "core/parcel.h"
#include "core/park.h"
#include "core/slot.h"
#include "core/solo.h"
#include "core/supervisor.h"
#include "core/timers.h"
#include "core/wait.h"
#include "core/watch.h"
#include "io/op.h"

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* ---- the state ------------------------------------------------------------- */

/* The pause before a restart is the only wait that names both. */
static bool pausing(const struct heph_self *self)
{
	const unsigned both = HEPH_WAIT_STOP | HEPH_WAIT_FORCE;

	return (self->waiting & HEPH_WAIT_VERDICT) ||
	       ((self->flags & HEPH_FLAG_FINISHING) &&
		(self->waiting & both) == both);
}

enum heph_actor_state heph_info_state(const struct heph_self *self)
{
	if (pausing(self))
		return HEPH_STATE_RESTARTING;
	if (self->flags & HEPH_FLAG_FINISHING)
		return HEPH_STATE_ENDING;
	if (self->waiting)
		return HEPH_STATE_WAITING;
	return self->thread->current == self ? HEPH_STATE_RUNNING :
					       HEPH_STATE_READY;
}

static const struct {
	unsigned reason;
	enum heph_wait_kind kind;
} kinds[] = {
	{ HEPH_WAIT_MSG | HEPH_WAIT_HAND, HEPH_WAITS_MESSAGE },
	{ HEPH_WAIT_ROOM, HEPH_WAITS_ROOM },
	{ HEPH_WAIT_CALL, HEPH_WAITS_ANSWER },
	{ HEPH_WAIT_WATCH, HEPH_WAITS_DOWN },
	{ HEPH_WAIT_CHILD, HEPH_WAITS_CHILD },
	{ HEPH_WAIT_VERDICT, HEPH_WAITS_SUPERVISOR },
	{ HEPH_WAIT_OP, HEPH_WAITS_OPERATION },
	{ HEPH_WAIT_SIGNAL, HEPH_WAITS_SIGNAL },
	{ HEPH_WAIT_PARK, HEPH_WAITS_CHANNEL },
	{ HEPH_WAIT_REQUEST, HEPH_WAITS_THREAD },
};

static enum heph_wait_kind kind_of_park(const struct heph_park *park)
{
	switch (park->what) {
	case HEPH_PARKS_ONESHOT:
		return HEPH_WAITS_ONESHOT;
	case HEPH_PARKS_INSPECTION:
		return HEPH_WAITS_INSPECTION;
	default:
		return HEPH_WAITS_CHANNEL;
	}
}

/* The kind of a wait that says what it is about. */
static enum heph_wait_kind kind_about(const struct heph_self *self,
				      enum heph_wait_kind kind)
{
	const struct heph_request *request = self->about;

	switch (kind) {
	case HEPH_WAITS_MESSAGE:
		return HEPH_WAITS_SELECTED;
	case HEPH_WAITS_DOWN:
		return HEPH_WAITS_JOIN;
	case HEPH_WAITS_CHANNEL:
		return kind_of_park(self->about);
	case HEPH_WAITS_THREAD:
		return request->wants == HEPH_WANTS_NAME ? HEPH_WAITS_NAME :
							   kind;
	default:
		return kind;
	}
}

uint32_t heph_info_waits(const struct heph_self *self)
{
	enum heph_wait_kind kind;
	uint32_t waits = 0;

	if (!self->waiting)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!(self->waiting & kinds[i].reason))
			continue;
		if (kinds[i].kind == HEPH_WAITS_MESSAGE && pausing(self))
			continue; /* it does not receive it */
		kind = kinds[i].kind;
		if (self->waiting & HEPH_WAIT_ABOUT)
			kind = kind_about(self, kind);
		waits |= 1u << kind;
	}
	if (waits)
		return waits;
	return 1u << (self->waiting & HEPH_WAIT_TIME ? HEPH_WAITS_TIME :
						       HEPH_WAITS_STOP);
}

/* ---- what it waits for ----------------------------------------------------- */

static void set_on(struct heph_self *self, struct heph_actor_info *info,
		   struct heph_addr on)
{
	struct heph *heph = self->thread->heph;
	struct heph_worker *worker;
	struct heph_kind *kind;
	struct heph_self *there = NULL;

	info->on.addr = on;
	if (on.node != heph->node)
		return;
	worker = heph_worker_with(heph, on);
	if (worker && &worker->thread == self->thread)
		there = heph_worker_find(worker, on.id, on.slot);
	kind = heph_kind_with(heph, on);
	if (there)
		copy_text(info->on_name, sizeof(info->on_name),
			  heph_self_name(there));
	else if (kind)
		copy_text(info->on_name, sizeof(info->on_name),
			  kind->type->name);
}

/* A wait gets its number when it is first looked at: another one has none, even
 * if its record lies in the same place. */
static uint64_t number_of(struct heph_self *self, uint64_t number)
{
	return number ? number : ++self->thread->waits;
}

static void about_call(struct heph_self *self, struct heph_actor_info *info,
		       struct heph_reply *ret_reply)
{
	const struct heph_calls *calls = &self->thread->calls;
	const struct heph_waiting_call *call = self->about;
	uint64_t number =
		atomic_load_explicit(&call->number, memory_order_relaxed);

	set_on(self, info, call->to);
	info->wait_number = number;
	if (number & HEPH_CALL_TIMED)
		info->since = call->sent;
	*ret_reply = (struct heph_reply){
		.call = number,
		.slot = (uint32_t)(call - calls->table),
		.thread = self->thread->number,
		.node = self->thread->node,
	};
}

static void about_room(struct heph_self *self, struct heph_actor_info *info)
{
	/* The record is this thread's but for `state`. */
	struct heph_request *request = (void *)(uintptr_t)self->about;
	const struct heph_parcel *parcel =
		heph_container_of(request, struct heph_parcel, request);

	request->number = (uint32_t)number_of(self, request->number);
	info->wait_number = request->number;
	set_on(self, info,
	       (struct heph_addr){ .id = parcel->id,
				   .slot = parcel->slot,
				   .node = self->thread->node });
}

static void about_end(struct heph_self *self, struct heph_actor_info *info)
{
	struct heph_watch *watch = (void *)(uintptr_t)self->about;

	watch->number = number_of(self, watch->number);
	info->wait_number = watch->number;
	info->since = watch->since;
	set_on(self, info, watch->who);
}

/* What heph_wait() has begun. */
static const struct heph_op *any_operation(const struct heph_self *self)
{
	return self->ext && !heph_list_empty(&self->ext->operations) ?
		       heph_container_of(self->ext->operations.prev,
					 struct heph_op, node) :
		       NULL;
}

static void about_operation(struct heph_self *self,
			    struct heph_actor_info *info)
{
	const struct heph_op *op = self->waiting & HEPH_WAIT_ABOUT ?
					   self->about :
					   any_operation(self);

	if (!op)
		return;
	copy_text(info->operation, sizeof(info->operation),
		  heph_op_type(op)->name);
	info->fd = op->file ? op->file->number : -1;
}

/* Of an actor on the same worker, or of one that made the watch of a child. */
static struct heph_addr addr_of_watcher(const struct heph_watch *watch)
{
	if (!watch->by)
		return (struct heph_addr){ 0 };
	return (struct heph_addr){ .id = watch->by,
				   .slot = heph_self_index(watch->watcher),
				   .node = watch->who.node };
}

static void about_supervisor(struct heph_self *self,
			     struct heph_actor_info *info)
{
	if (self->ext && self->ext->child)
		set_on(self, info, addr_of_watcher(self->ext->child->watch));
}

static const struct heph_watch *distant_child(const struct heph_ext *ext)
{
	const struct heph_watch *watch;
	const struct heph_list *node;

	heph_list_each(node, &ext->watching) {
		watch = heph_container_of(node, struct heph_watch, owned.node);
		if (watch->child && !watch->down)
			return watch;
	}
	return NULL;
}

/* Who ends waits for all of its children. */
static void about_child(struct heph_self *self, struct heph_actor_info *info)
{
	const struct heph_watch *watch;

	if (!(self->flags & HEPH_FLAG_FINISHING))
		return;
	if (self->child) {
		set_on(self, info,
		       heph_self_addr(
			       &heph_worker_of(self)->selves[self->child]));
		return;
	}
	watch = self->ext ? distant_child(self->ext) : NULL;
	if (watch)
		set_on(self, info, watch->who);
}

static void say_about(struct heph_self *self, struct heph_actor_info *info,
		      struct heph_reply *ret_reply)
{
	bool about = self->waiting & HEPH_WAIT_ABOUT;

	switch (info->wait) {
	case HEPH_WAITS_ANSWER:
		if (about)
			about_call(self, info, ret_reply);
		break;
	case HEPH_WAITS_ROOM:
		if (about)
			about_room(self, info);
		break;
	case HEPH_WAITS_JOIN:
		about_end(self, info);
		break;
	case HEPH_WAITS_SUPERVISOR:
		about_supervisor(self, info);
		break;
	case HEPH_WAITS_CHILD:
		about_child(self, info);
		break;
	default:
		break;
	}
}

static void fill_wait(struct heph_self *self, struct heph_actor_info *info,
		      struct heph_reply *ret_reply)
{
	info->waits = heph_info_waits(self);
	if (!info->waits)
		return;
	while (!(info->waits & 1u << info->wait))
		info->wait++;
	info->deadline = heph_timers_deadline(self);
	info->shielded = self->waiting & HEPH_WAIT_FORCE;
	say_about(self, info, ret_reply);
	if (info->waits & 1u << HEPH_WAITS_OPERATION)
		about_operation(self, info);
}

/* ---- what it has ----------------------------------------------------------- */

static uint32_t count_list(const struct heph_list *list)
{
	const struct heph_list *node;
	uint32_t n = 0;

	heph_list_each(node, list)
		if (++n == HEPH_INFO_COUNTED)
			break;
	return n;
}

static uint32_t count_children(const struct heph_self *self)
{
	const struct heph_worker *worker = heph_worker_of(self);
	const struct heph_watch *watch;
	const struct heph_list *node;
	uint32_t n = 0, slot = self->child;

	for (; slot && n < HEPH_INFO_COUNTED; slot = worker->selves[slot].older)
		n++;
	if (!self->ext)
		return n;
	heph_list_each(node, &self->ext->watching) {
		watch = heph_container_of(node, struct heph_watch, owned.node);
		if (watch->child && !watch->down && n++ == HEPH_INFO_COUNTED)
			break;
	}
	return n;
}

static uint32_t count_owed(const struct heph_ext *ext)
{
	uint32_t n = ext->hand.call && heph_call_open(ext->hand);

	for (unsigned i = 0; i < ext->n_owed && i < HEPH_INFO_COUNTED; i++)
		n += heph_call_open(ext->owed[i]);
	return n;
}

static struct heph_addr parent_of(const struct heph_self *self)
{
	const struct heph_watch *watch;
	const struct heph_list *node;

	if (self->parent)
		return heph_self_addr(
			&heph_worker_of(self)->selves[self->parent]);
	if (!self->ext || (self->flags & HEPH_FLAG_ROOT))
		return (struct heph_addr){ 0 };
	heph_list_each(node, &self->ext->watchers) {
		watch = heph_container_of(node, struct heph_watch, by_watched);
		if (watch->child)
			return addr_of_watcher(watch);
	}
	return (struct heph_addr){ 0 };
}

static void fill_extension(const struct heph_ext *ext,
			   struct heph_actor_info *info)
{
	info->restarts = ext->restarts;
	info->owed = count_owed(ext);
	info->watchers = count_list(&ext->watchers);
	info->operations = count_list(&ext->operations);
	info->arena = heph_arena_size(&ext->arena);
}

static void fill_memory(const struct heph_self *self,
			struct heph_actor_info *info)
{
	const struct heph_actor *type = heph_type_of(self);

	info->stack_size = heph_slot_size(heph_slot_of(self));
	if (self->thread->current != self)
		info->stack = heph_slot_live(self);
	if (!type->msg_size)
		return;
	info->inbox = self->n;
	info->capacity = self->capacity;
	info->messages = self->n * (sizeof(struct heph_msg) + type->msg_size);
}

void heph_info_fill(struct heph_self *self, struct heph_actor_info *info,
		    struct heph_reply *ret_reply)
{
	const struct heph_thread *thread = self->thread;

	*ret_reply = (struct heph_reply){ 0 };
	*info = (struct heph_actor_info){
		.ref.addr = heph_self_addr(self),
		.parent.addr = parent_of(self),
		.worker = heph_solo_place(thread),
		.priority = HEPH_HIGH - (self->flags >> HEPH_FLAG_QUEUE),
		.moves = thread->moves,
		.own_thread = thread->number == HEPH_SOLO && !thread->moves,
		.stopping = self->flags & HEPH_FLAG_STOP,
		.state = heph_info_state(self),
		.fd = -1,
		.deadline = HEPH_NEVER,
		.received = heph_self_received(self),
		.children = count_children(self),
	};
	copy_text(info->name, sizeof(info->name), heph_self_name(self));
	copy_text(info->type, sizeof(info->type), heph_type_of(self)->name);
	fill_wait(self, info, ret_reply);
	if (self->ext)
		fill_extension(self->ext, info);
	fill_memory(self, info);
}

/* ---- answers --------------------------------------------------------------- */

static bool unread(const struct heph_self *self, struct heph_reply reply)
{
	const struct heph_msg *msg = self->last;
	struct heph_reply theirs;
	uint32_t at;

	for (uint32_t n = 0; n < self->n; n++, msg = msg->next) {
		at = heph_msg_marked(msg) ? msg->reply_at ^ HEPH_MSG_MARK :
					    msg->reply_at;
		if (at == HEPH_NO_REPLY)
			continue;
		memcpy(&theirs, msg->data + at, sizeof(theirs));
		if (heph_reply_same(theirs, reply))
			return true;
	}
	return false;
}

bool heph_info_owes(const struct heph_self *self, struct heph_reply reply)
{
	const struct heph_ext *ext = self->ext;

	if (self->last && unread(self, reply))
		return true;
	if (!ext)
		return false;
	if (heph_reply_same(ext->hand, reply))
		return true;
	for (unsigned i = 0; i < ext->n_owed; i++)
		if (heph_reply_same(ext->owed[i], reply))
			return true;
	return false;
}

/* ---- from elsewhere -------------------------------------------------------- */

/* Nobody else writes what is read here while the worker is stuck; if it comes
 * back in this very moment what was read is of no use, but does no harm. */
#if HEPH_TSAN
__attribute__((no_sanitize("thread")))
#endif
static struct heph_self *
running_on(struct heph_worker *worker)
{
	return __atomic_load_n(&worker->thread.current, __ATOMIC_RELAXED);
}

/* The name of its own, if there is one and it can be read. */
static void probe_name(const struct heph_self *self,
		       struct heph_actor_info *info)
{
	struct heph_ext ext, *at;
	char text[HEPH_INFO_NAME];

	if (!heph_probe(&at, &self->ext, sizeof(at)) || !at ||
	    !heph_probe(&ext, at, sizeof(ext)) || !ext.name)
		return;
	if (!heph_probe(text, ext.name, sizeof(text)))
		return;
	text[sizeof(text) - 1] = '\0';
	copy_text(info->name, sizeof(info->name), text);
}

bool heph_info_stuck(struct heph_worker *worker, struct heph_actor_info *info)
{
	const struct heph_self *self = running_on(worker);
	const struct heph_kind *kind;
	uint64_t id;

	if (!self || !heph_probe(&id, &self->id, sizeof(id)))
		return false;
	kind = heph_kind_at(worker, (uint32_t)(self - worker->selves));
	if (!kind || !id)
		return false;
	*info = (struct heph_actor_info){
		.ref.addr = { .id = id,
			      .slot = (uint32_t)(self - worker->selves),
			      .node = worker->thread.node },
		.worker = worker->thread.number == HEPH_SOLO ?
				  -1 :
				  worker->thread.number,
		.moves = worker->thread.moves,
		.own_thread = worker->thread.number == HEPH_SOLO &&
			      !worker->thread.moves,
		.state = HEPH_STATE_STUCK,
		.fd = -1,
		.deadline = HEPH_NEVER,
	};
	copy_text(info->type, sizeof(info->type), kind->type->name);
	copy_text(info->name, sizeof(info->name), kind->type->name);
	probe_name(self, info);
	return true;
}
