/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/rand.h"
#include "io/driver.h"
#include "io/process.h"
#include "io/scarce.h"
#include "io/net.h"
#include "io/socket.h"
#include "io/resolver.h"

/* A thread takes so many free places at once, and gives back as many when it
 * has twice as many. */
enum { BATCH = 64 };

struct heph_files {
	struct heph_file *table; /* reserved memory; place 0 is not used */
	uint32_t first_turn;     /* other than in runtimes before this one */
	pthread_mutex_t lock;    /* of the two below */
	uint32_t n;              /* ever used */
	uint32_t free;           /* list */
};

_Static_assert(offsetof(struct heph_files, table) == 0, "heph-gdb.py reads it");

int heph_files_init(struct heph *heph)
{
	struct heph_files *files = heph_mem_alloc(sizeof(*files));

	if (!files)
		return -ENOMEM;
	files->n = 1;
	files->first_turn = (uint32_t)heph_rand_entropy() | 1;
	files->table = heph_mem_reserve(HEPH_FILES_MAX * sizeof(*files->table));
	if (!files->table) {
		heph_mem_free(files);
		return -ENOMEM;
	}
	pthread_mutex_init(&files->lock, NULL);
	heph->files = files;
	heph_resolver_enter();
	return 0;
}

static void close_queued(struct heph *heph, struct heph_backlog *backlog)
{
	for (unsigned i = 0; i < backlog->n; i++)
		heph_op_close_now(
			heph,
			backlog->numbers[(backlog->first + i) % backlog->max]);
	heph_mem_free(backlog->numbers);
	*backlog = (struct heph_backlog){ 0 };
}

void heph_files_fini(struct heph *heph)
{
	struct heph_files *files = heph->files;
	struct heph_file *file;

	heph_resolver_leave();
	for (uint32_t slot = 1; slot < files->n; slot++) {
		file = &files->table[slot];
		if (file->spawned)
			heph_process_kill_now(heph, file);
		if (file->number < 0)
			continue;
		close_queued(heph, &file->backlog);
		heph_op_close_now(heph, file->number);
	}
	heph_mem_unreserve(files->table,
			   HEPH_FILES_MAX * sizeof(*files->table));
	pthread_mutex_destroy(&files->lock);
	heph_mem_free(files);
	heph->files = NULL;
}

/* ---- places ---------------------------------------------------------------- */

static uint32_t take_shared(struct heph_files *files)
{
	uint32_t slot = files->free;

	if (slot) {
		files->free = files->table[slot].next_free;
	} else if (files->n < HEPH_FILES_MAX) {
		slot = files->n++;
		files->table[slot].slot = slot;
		files->table[slot].number = -1;
		atomic_store(&files->table[slot].turn, files->first_turn);
	}
	return slot;
}

static void put_shared(struct heph_files *files, uint32_t slot)
{
	files->table[slot].next_free = files->free;
	files->free = slot;
}

static void put_own(struct heph_thread *thread, struct heph_files *files,
		    uint32_t slot)
{
	files->table[slot].next_free = thread->free_files;
	thread->free_files = slot;
	thread->n_free_files++;
}

static uint32_t take_own(struct heph_thread *thread, struct heph_files *files)
{
	uint32_t slot = thread->free_files;

	thread->free_files = files->table[slot].next_free;
	thread->n_free_files--;
	return slot;
}

static void refill(struct heph_thread *thread, struct heph_files *files)
{
	uint32_t slot;

	pthread_mutex_lock(&files->lock);
	while (thread->n_free_files < BATCH && (slot = take_shared(files)))
		put_own(thread, files, slot);
	pthread_mutex_unlock(&files->lock);
}

static void spill(struct heph_thread *thread, struct heph_files *files)
{
	pthread_mutex_lock(&files->lock);
	while (thread->n_free_files > BATCH)
		put_shared(files, take_own(thread, files));
	pthread_mutex_unlock(&files->lock);
}

static struct heph_file *take_place(struct heph_thread *thread)
{
	struct heph_files *files = thread->heph->files;

	if (!thread->n_free_files)
		refill(thread, files);
	if (!thread->n_free_files)
		return NULL;
	return &files->table[take_own(thread, files)];
}

static void give_place(struct heph_thread *thread, struct heph_file *file)
{
	struct heph_files *files = thread->heph->files;

	file->number = -1;
	put_own(thread, files, file->slot);
	if (thread->n_free_files > 2 * BATCH)
		spill(thread, files);
}

/* ---- entries --------------------------------------------------------------- */

static uint32_t turn_of(struct heph_file *file)
{
	return atomic_load_explicit(&file->turn, memory_order_relaxed);
}

static uint32_t turn_after(uint32_t turn)
{
	return turn + 1 ? turn + 1 : 1;
}

/* All that knew the entry before know it no more. */
static void next_turn(struct heph_file *file)
{
	atomic_store_explicit(&file->turn, turn_after(turn_of(file)),
			      memory_order_release); /* entry() */
}

static struct heph_self *owner_of(const struct heph_file *file)
{
	return atomic_load_explicit(&file->owner, memory_order_relaxed);
}

static void set_owner(struct heph_file *file, struct heph_self *owner)
{
	atomic_store_explicit(&file->owner, owner, memory_order_relaxed);
}

static void close_file(struct heph_file *file)
{
	heph_file_end_view(owner_of(file), file);
	next_turn(file);
	set_owner(file, NULL);
	if (file->backlog.accept) {
		file->closing = true;
		if (file->flags & HEPH_FILE_LISTENER) /* its port is free now */
			heph_socket_shut(heph_thread_current->heph,
					 file->number, SHUT_RDWR);
		heph_op_cancel(file->backlog.accept);
	} else {
		heph_file_finish(file);
	}
}

static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_file *file =
		heph_container_of(owned, struct heph_file, owned);

	if (file->spawned)
		heph_process_undo(ctx.self, file);
	close_file(file);
}

static void own(struct heph_file *file, struct heph_self *owner)
{
	set_owner(file, owner);
	heph_list_push_back(&owner->ext->owned, &file->owned.node);
}

int heph_file_open(struct heph_self *owner, int number, unsigned flags,
		   struct heph_fd *ret_fd)
{
	struct heph_file *file;

	if (owner->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	if (!heph_self_extend(owner))
		return -ENOMEM;
	file = take_place(owner->thread);
	if (!file)
		return -ENFILE;
	file->owned.undo = undo;
	file->number = number;
	file->flags = (uint16_t)flags;
	file->closing = false;
	own(file, owner);
	heph_count(&owner->thread->count.descriptors);
	*ret_fd = (struct heph_fd){ .slot = file->slot, .turn = turn_of(file) };
	return 0;
}

void heph_file_scarce(const struct heph_self *owner, int err)
{
	if (!owner->thread->heph->driver->simulated)
		heph_scarce_tell(err);
}

int heph_file_admit(struct heph_self *owner, int number, unsigned flags,
		    struct heph_fd *ret_fd)
{
	int err;

	if (number < 0) {
		heph_file_scarce(owner, number);
		return number;
	}
	err = heph_file_open(owner, number, flags, ret_fd);
	if (err < 0)
		heph_op_close_now(owner->thread->heph, number);
	return err;
}

/* Its number is closed. */
static void free_entry(struct heph_file *file)
{
	struct heph_thread *thread = heph_thread_current;

	heph_count_add(&thread->count.descriptors, (uint64_t)-1);
	give_place(thread, file);
}

void heph_file_finish(struct heph_file *file)
{
	struct heph_thread *thread = heph_thread_current;

	if (file->spawned)
		heph_process_leave(thread->heph, file);
	close_queued(thread->heph, &file->backlog);
	if (file->flags & HEPH_FILE_LISTENER) /* its port is free now */
		heph_op_close_now(thread->heph, file->number);
	else if (file->number >= 0) /* not one that never had one */
		heph_op_close(file->number);
	free_entry(file);
}

int heph_file_reserve(struct heph_self *owner, unsigned flags,
		      struct heph_fd *ret_fd, struct heph_file **ret_file)
{
	struct heph_files *files = owner->thread->heph->files;
	int err = heph_file_open(owner, -1, flags, ret_fd);

	if (err == 0)
		*ret_file = &files->table[ret_fd->slot];
	return err;
}

void heph_file_cancel(struct heph_file *file)
{
	heph_list_remove(&file->owned.node);
	close_file(file);
}

/* What these say has not been begun; all else has closed it. */
void heph_file_closed(struct heph_op *op)
{
	switch (op->result) {
	case -ECANCELED:
	case -EINVAL:
	case -ENOMEM:
	case -EAGAIN:
		heph_op_close_now(heph_thread_current->heph, op->number);
		if (op->result != -ECANCELED)
			op->result = 0;
		break;
	case -EINTR:
		op->result = 0;
		break;
	}
	free_entry(op->file);
}

static struct heph_file *entry(struct heph *heph, uint32_t slot, uint32_t turn)
{
	struct heph_files *files = heph->files;
	struct heph_file *file = &files->table[slot];

	if (!turn || slot >= HEPH_FILES_MAX ||
	    atomic_load_explicit(&file->turn, memory_order_acquire) != turn)
		return NULL;
	return file;
}

struct heph_file *heph_file_find(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file =
		entry(ctx.self->thread->heph, fd.slot, fd.turn);

	return file && owner_of(file) == ctx.self && file->number >= 0 ? file :
									 NULL;
}

struct heph_file *heph_file_of_parent(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_self *self = ctx.self;
	struct heph_file *file = entry(self->thread->heph, fd.slot, fd.turn);
	struct heph_worker *worker;

	if (!file || !self->kind || !self->parent || self->thread->moves)
		return NULL;
	worker = heph_worker_of(self);
	return owner_of(file) == &worker->selves[self->parent] ? file : NULL;
}

/* ---- from hand to hand ------------------------------------------------------ */

static void forget(struct heph_self *self, struct heph_file *file)
{
	const struct heph_io *io = heph_io_of(self->thread->heph);

	if (self->kind && io->forget)
		io->forget(heph_worker_of(self), file->number);
}

int heph_file_detach(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	heph_file_end_view(ctx.self, file);
	heph_net_quiet(ctx.self, file);
	forget(ctx.self, file);
	heph_list_remove(&file->owned.node);
	set_owner(file, NULL);
	return 0;
}

void heph_file_attach(struct heph_self *to, struct heph_fd fd)
{
	struct heph_file *file = entry(to->thread->heph, fd.slot, fd.turn);

	heph_assert(file && !owner_of(file) && to->ext);
	own(file, to);
}

/* ---- public ------------------------------------------------------------------ */

static struct heph_file *find_for(struct heph_thread *thread, struct heph_fd fd)
{
	if (!thread->current)
		return NULL;
	return heph_file_find(heph_self_ctx(thread->current), fd);
}

/* A thread may have several contexts, each with descriptors of its own. */
void heph_close(struct heph_fd fd)
{
	struct heph_thread *mine = heph_thread_current, *thread;
	struct heph_file *file = NULL;

	for (thread = mine; thread; thread = thread->outer)
		if ((file = find_for(thread, fd)))
			break;
	if (!file)
		return;
	heph_thread_current = thread;
	heph_list_remove(&file->owned.node);
	close_file(file);
	heph_thread_current = mine;
}

static int close_and_tell(heph_ctx ctx, struct heph_file *file,
			  struct heph_op *op)
{
	bool actor = heph_op_by_actor(ctx.self, op);

	heph_file_end_view(ctx.self, file);
	forget(ctx.self, file);
	heph_list_remove(&file->owned.node);
	next_turn(file);
	set_owner(file, NULL);
	if (file->spawned)
		heph_process_leave(ctx.self->thread->heph, file);
	close_queued(ctx.self->thread->heph, &file->backlog);
	op->result = heph_op_run(ctx, op);
	if (actor) /* otherwise it is told by who completes it */
		heph_file_closed(op);
	return op->result;
}

int heph_close_wait(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);
	struct heph_op *op;
	int err;

	if (!file)
		return -EBADF;
	err = heph_op_new(ctx, HEPH_OP_CLOSE_FILE, file, &op);
	if (err < 0) {
		heph_close(fd);
		return err;
	}
	heph_net_quiet(ctx.self, file);
	err = close_and_tell(ctx, file, op);
	heph_op_free(op);
	return err;
}

int heph_file_inspect(struct heph_self *self, int number)
{
	struct stat info = { 0 };
	struct heph_op status_op = { .kind = HEPH_OP_STATUS, .number = number };
	struct heph_op stat_op = { .kind = HEPH_OP_STAT,
				   .number = number,
				   .buf = &info };
	int status = heph_op_now(self, &status_op), flags = 0;

	if (status < 0)
		return status;
	if (heph_op_now(self, &stat_op) < 0)
		return -EBADF;
	if (status & O_NONBLOCK)
		flags |= HEPH_FILE_NONBLOCK;
	if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) ||
	    S_ISBLK(info.st_mode))
		flags |= HEPH_FILE_DISK;
	if (S_ISFIFO(info.st_mode))
		flags |= HEPH_FILE_PIPE;
	if (S_ISFIFO(info.st_mode) && (status & O_DIRECT))
		flags |= HEPH_FILE_PACKETS;
	if (S_ISSOCK(info.st_mode))
		flags |= (int)heph_socket_inspect(self, number);
	return flags;
}

int heph_fd_adopt(heph_ctx ctx, int number, struct heph_fd *ret_fd)
{
	int flags = heph_file_inspect(ctx.self, number);

	return flags < 0 ? flags :
			   heph_file_open(ctx.self, number,
					  (unsigned)flags | HEPH_FILE_LENT,
					  ret_fd);
}

int heph_fd_number(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	file->flags |= HEPH_FILE_LENT;
	return file->number;
}

int heph_fd_give(heph_ctx ctx, struct heph_fd fd,
		 struct heph_fd_handle *ret_handle)
{
	int err = heph_file_detach(ctx, fd);
	struct heph_file *file;

	if (err < 0)
		return err;
	file = entry(ctx.self->thread->heph, fd.slot, fd.turn);
	next_turn(file);
	*ret_handle = (struct heph_fd_handle){ .slot = fd.slot,
					       .turn = turn_of(file),
					       .node = ctx.self->thread->node };
	return 0;
}

/* The entry of a handle, for the first who asks; NULL for all others. */
static struct heph_file *open_handle(struct heph *heph,
				     struct heph_fd_handle handle)
{
	struct heph_file *file = entry(heph, handle.slot, handle.turn);
	uint32_t turn = handle.turn;

	if (!file || owner_of(file) ||
	    !atomic_compare_exchange_strong(&file->turn, &turn,
					    turn_after(turn)))
		return NULL;
	return file;
}

int heph_fd_take(heph_ctx ctx, struct heph_fd_handle handle,
		 struct heph_fd *ret_fd)
{
	struct heph_file *file;

	if (!heph_self_extend(ctx.self))
		return -ENOMEM;
	if (handle.node != ctx.self->thread->node)
		return -EBADF;
	file = open_handle(ctx.self->thread->heph, handle);
	if (!file)
		return -EBADF;
	*ret_fd =
		(struct heph_fd){ .slot = handle.slot, .turn = turn_of(file) };
	heph_file_attach(ctx.self, *ret_fd);
	return 0;
}

/* By a thread that has no free places of its own. */
static void close_for_stranger(struct heph *heph, struct heph_file *file)
{
	struct heph_files *files = heph->files;

	if (file->spawned)
		heph_process_leave(heph, file);
	close_queued(heph, &file->backlog);
	heph_op_close_now(heph, file->number);
	file->number = -1;
	atomic_fetch_add(&heph->strangers_closed, 1);
	pthread_mutex_lock(&files->lock);
	put_shared(files, file->slot);
	pthread_mutex_unlock(&files->lock);
}

void heph_fd_discard(struct heph_fd_handle handle)
{
	struct heph_file *file;
	struct heph *heph;
	bool inside;

	heph = heph_enter(handle.node, &inside);
	if (!heph)
		return; /* it was closed with its runtime */
	file = open_handle(heph, handle);
	if (file && inside)
		close_file(file);
	else if (file)
		close_for_stranger(heph, file);
	heph_leave(handle.node, inside);
}
