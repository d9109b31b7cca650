/* SPDX-License-Identifier: MIT */
/*
 * Children run programs of a table: one of them is its output, which it writes
 * when its time is over, and its status. It keeps the descriptors that it was
 * given until it ends, which may be after its descriptor was closed.
 */
#include "io/sim_child.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "io/process.h"
#include "io/sim_file.h"

enum { FIRST_PID = 1000 };
#define WRITE_AGAIN HEPH_MSEC
#define DYING_MAX (10 * HEPH_MSEC)

struct program {
	struct heph_list node; /* in sim->programs */
	struct heph_sim_program is;
	char *name, *output; /* copies */
};

struct child {
	struct heph_sim_file file; /* first */
	struct heph_list node;     /* in sim->children */
	struct heph_sim_event go_on;
	const struct program *program;
	int pid;
	size_t written;
	struct heph_sim_file **files;
	size_t n_files;
	bool ended, reaped, closed;
	int code, status; /* as siginfo_t has them */
};

/* ---- programs ---------------------------------------------------------------------- */

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(heph_sim_memory(size), text, size);
}

int heph_sim_program(heph_ctx ctx, const struct heph_sim_program *is)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;
	struct program *program;

	if (!sim)
		return -EOPNOTSUPP;
	if (!is->name || !*is->name || strchr(is->name, '/') || is->length < 0 ||
	    is->status < 0 || is->status > 255)
		return -EINVAL;
	program = heph_sim_memory(sizeof(*program));
	program->is = *is;
	program->name = copy(is->name);
	program->output = copy(is->output ? is->output : "");
	heph_list_push_front(&sim->programs, &program->node);
	return 0;
}

/* The one of a path, which its last part says; NULL. */
static const struct program *find(struct heph_sim *sim, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const struct program *program;
	struct heph_list *node;

	heph_list_each(node, &sim->programs) {
		program = heph_container_of(node, struct program, node);
		if (strcmp(program->name, name) == 0)
			return program;
	}
	return NULL;
}

/* ---- a child's life -------------------------------------------------------------------- */

static void release_files(struct heph_sim *sim, struct child *child)
{
	for (size_t n = 0; n < child->n_files; n++)
		if (child->files[n])
			heph_sim_release(sim, child->files[n]);
	heph_mem_free(child->files);
	child->files = NULL;
	child->n_files = 0;
}

static void free_child(struct heph_sim *sim, struct child *child)
{
	heph_sim_never(sim, &child->go_on);
	heph_list_remove(&child->node);
	heph_mem_free(child->files);
	heph_mem_free(child);
}

static void end(struct heph_sim *sim, struct child *child, int code, int status)
{
	heph_sim_never(sim, &child->go_on);
	child->ended = true;
	child->code = code;
	child->status = status;
	release_files(sim, child);
	if (child->closed)
		free_child(sim, child);
	else
		heph_sim_touch(sim, &child->file);
}

/* All of its output; 0, or why it cannot. */
static int write_output(struct heph_sim *sim, struct child *child)
{
	struct heph_sim_file *out = child->n_files > 1 ? child->files[1] : NULL;
	const char *text = child->program->output + child->written;
	int n = 0;

	if (!out || !out->class->write)
		return 0;
	for (; *text; text += n, child->written += (size_t)n) {
		n = out->class->write(sim, out, text, strlen(text), 0,
				      HEPH_OFFSET_NONE);
		if (n < 0)
			return n;
	}
	return 0;
}

static void on_go_on(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct child *child = heph_container_of(event, struct child, go_on);
	int err = write_output(sim, child);

	if (err == -EAGAIN)
		heph_sim_at(sim, event, sim->now + WRITE_AGAIN);
	else if (err == -EPIPE)
		end(sim, child, CLD_KILLED, SIGPIPE);
	else
		end(sim, child, CLD_EXITED, child->program->is.status);
}

static void on_killed(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct child *child = heph_container_of(event, struct child, go_on);

	end(sim, child, CLD_KILLED, child->status);
}

/* ---- its descriptor ----------------------------------------------------------------------- */

static unsigned child_ready(struct heph_sim_file *file)
{
	return ((struct child *)file)->ended ? POLLIN : 0;
}

static void child_close(struct heph_sim *sim, struct heph_sim_file *file)
{
	struct child *child = (struct child *)file;

	child->closed = true;
	if (child->ended)
		free_child(sim, child);
}

static const struct heph_sim_class child_class = {
	.ready = child_ready,
	.close = child_close,
};

static struct child *child_at(struct heph_sim *sim, int number)
{
	struct heph_sim_file *file = heph_sim_file(sim, number);

	return file && file->class == &child_class ? (struct child *)file : NULL;
}

/* ---- kinds ------------------------------------------------------------------------------------ */

static int take_files(struct heph_sim *sim, struct child *child,
		      const struct heph_birth_plan *plan)
{
	size_t n = plan->n_files;

	child->files = heph_sim_memory((n + 1) * sizeof(struct heph_sim_file *));
	for (; child->n_files < n; child->n_files++) {
		struct heph_sim_file *file = NULL;
		int number = plan->files[child->n_files];

		if (number >= 0)
			file = heph_sim_file(sim, number);
		if (number >= 0 && !file)
			return -EBADF;
		if (file)
			file->references++;
		child->files[child->n_files] = file;
	}
	return 0;
}

static int bear(struct heph_sim *sim, const struct program *program,
		struct heph_birth_plan *plan)
{
	struct child *child = heph_sim_memory(sizeof(*child));
	heph_time length = program->is.length;
	int err = take_files(sim, child, plan);

	heph_list_init(&child->node);
	if (err < 0) {
		release_files(sim, child);
		heph_mem_free(child);
		return err;
	}
	child->program = program;
	child->go_on.fn = on_go_on;
	child->pid = plan->pid = FIRST_PID + (int)sim->n_children++;
	heph_list_push_back(&sim->children, &child->node);
	heph_sim_at(sim, &child->go_on,
		    sim->now + heph_sim_between(sim, length, 2 * length));
	return heph_sim_open(sim, &child->file, &child_class, 0);
}

int heph_sim_do_spawn(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_birth_plan *plan = op->buf;
	const struct program *program = NULL;

	if (!heph_sim_may_open(sim))
		return -EMFILE;
	for (size_t n = 0; !program && n < plan->n_paths; n++)
		program = find(sim, plan->paths[n]);
	return program ? bear(sim, program, plan) : -ENOENT;
}

int heph_sim_do_wait(struct heph_sim *sim, struct heph_op *op)
{
	struct child *child = child_at(sim, op->number);
	siginfo_t *info = op->buf;

	if (!child)
		return heph_sim_file(sim, op->number) ? -EINVAL : -EBADF;
	if (child->reaped)
		return -ECHILD;
	info->si_pid = 0;
	if (!child->ended)
		return -EAGAIN;
	info->si_signo = SIGCHLD;
	info->si_pid = child->pid;
	info->si_code = child->code;
	info->si_status = child->status;
	child->reaped = !(op->flags & WNOWAIT);
	return 0;
}

static bool harmless(const struct child *child, int signal)
{
	return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG ||
	       signal == SIGWINCH || signal == SIGSTOP || signal == SIGTSTP ||
	       (signal != SIGKILL && child->program->is.stubborn);
}

/* It dies a little later. */
int heph_sim_do_kill(struct heph_sim *sim, struct heph_op *op)
{
	struct child *child = child_at(sim, op->number);
	int signal = (int)op->flags;

	if (!child)
		return heph_sim_file(sim, op->number) ? -EINVAL : -EBADF;
	if (signal < 0 || signal > 64)
		return -EINVAL;
	if (child->ended)
		return child->reaped ? -ESRCH : 0;
	if (!signal || harmless(child, signal) ||
	    child->go_on.fn == on_killed)
		return 0;
	child->status = signal;
	child->go_on.fn = on_killed;
	heph_sim_at(sim, &child->go_on,
		    sim->now + heph_sim_between(sim, 0, DYING_MAX));
	return 0;
}

/* ---- the end of the world ------------------------------------------------------------------------ */

static void free_program(struct program *program)
{
	heph_mem_free(program->name);
	heph_mem_free(program->output);
	heph_mem_free(program);
}

static struct child *next_running(struct heph_sim *sim)
{
	struct heph_list *node;
	struct child *child;

	heph_list_each(node, &sim->children) {
		child = heph_container_of(node, struct child, node);
		if (!child->ended)
			return child;
	}
	return NULL;
}

void heph_sim_children_end(struct heph_sim *sim)
{
	struct child *child;

	while ((child = next_running(sim)))
		end(sim, child, CLD_KILLED, SIGKILL);
}

void heph_sim_children_fini(struct heph_sim *sim)
{
	struct heph_list *node;

	while (!heph_list_empty(&sim->children))
		free_child(sim, heph_container_of(sim->children.next,
						  struct child, node));
	while ((node = heph_list_pop_front(&sim->programs)))
		free_program(heph_container_of(node, struct program, node));
}
