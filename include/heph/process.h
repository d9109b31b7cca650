/* SPDX-License-Identifier: MIT */
/*
 * process.h - child processes
 *
 *     struct heph_process cat;
 *     const char *const argv[] = { "cat", NULL };
 *
 *     err = heph_process_start(ctx, &cat, argv, .in = HEPH_PROCESS_PIPE,
 *                              .out = HEPH_PROCESS_PIPE);
 *     ... heph_write_all(ctx, cat.in, ...), heph_read(ctx, cat.out, ...)
 *     err = heph_process_wait(ctx, &cat, &status);
 *
 * A child process is owned by the actor, or plain thread, that started it, by a
 * descriptor (see pidfd_open(2)), so it is never mistaken for another process
 * that has got its number. When the actor ends so does the child: it gets
 * SIGTERM, and after the grace SIGKILL, and is waited for. There are no zombies,
 * whatever becomes of the actor. A `.detached` one goes on.
 *
 * Nothing is inherited but the three standard streams, as the options say, and
 * `.more`: all other descriptors are closed in the child, those of libraries
 * too. Its signals are as if it had been started from a shell: none is blocked,
 * ignored or caught.
 *
 * The program must not wait for children by itself that it did not start (with
 * waitpid(-1)), and not ignore SIGCHLD; then the status of ours may be lost,
 * which is -ECHILD.
 */
#ifndef HEPH_PROCESS_H
#define HEPH_PROCESS_H

#include <heph/io.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Plain data, and no more than names for things which the actor owns. The
 * pipes are descriptors like others; none where no pipe was asked for. */
struct heph_process {
	struct heph_fd fd; /* for heph_on_readable(): it has ended */
	int pid;           /* to be shown; for signals see heph_process_kill() */
	struct heph_fd in, out, err; /* our ends */
};

/* What a standard stream of the child is. */
enum heph_process_stream {
	HEPH_PROCESS_INHERIT, /* that of this process */
	HEPH_PROCESS_NULL,    /* /dev/null */
	HEPH_PROCESS_PIPE,    /* a pipe, whose other end is ours */
	HEPH_PROCESS_FD,      /* the descriptor in `in_fd`, `out_fd`, `err_fd` */
	HEPH_PROCESS_OUT,     /* only for `err`: what `out` is */
};

/* All zero is right for most. What it points to is copied. */
struct heph_process_options {
	size_t size; /* of this struct; set by heph_process_start() */

	/* The program; NULL: `argv[0]`. Without a slash it is looked for in the
	 * PATH of this process. */
	const char *path;
	const char *const *environment; /* "NAME=value", NULL at the end; NULL:
					 * that of this process */
	const char *directory; /* to run in; NULL: the current one */
	enum heph_process_stream in, out, err;
	struct heph_fd in_fd, out_fd, err_fd; /* stay the caller's */
	const struct heph_fd *more; /* are 3, 4, ... in the child; they stay */
	size_t n_more;

	bool new_group;   /* its number is that of its process group */
	bool new_session; /* the same, and it has no terminal */
	bool detached;    /* it goes on when the actor ends */
	bool as_user;     /* as `user` and `group`, and no other groups */
	unsigned user, group;
	heph_time grace;  /* between SIGTERM and SIGKILL; 0: 2 s, below: none */
};

/*
 * heph_process_start(ctx, &process, argv[, .option = ...]): waits, until the
 * child runs the program, or it is known why it cannot. `argv` ends with NULL.
 * Does not wait for anything else, and once the child has been made, not for a
 * deadline or a stop either. Returns 0; -ENOENT (no such program or directory),
 * -EACCES, -ENOEXEC, -ENOTDIR, -E2BIG (arguments of more than 16 MiB count as
 * that too), -EAGAIN (too many processes), -EPERM (`.as_user`), -EMFILE,
 * -ENFILE, -EINVAL (no argv[0], options that do not fit); others of execve(2).
 */
#define heph_process_start(ctx_, ret_process_, argv_, ...)                     \
	HEPH_WITH__(heph_raw_process_start(                                    \
		(ctx_), (ret_process_), (argv_),                               \
		HEPH_SIZED__(struct heph_process_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_raw_process_start(heph_ctx ctx, struct heph_process *ret_process,
		       const char *const *argv,
		       const struct heph_process_options *options);

/* How it has ended. */
struct heph_process_status {
	enum heph_process_how {
		HEPH_PROCESS_EXITED, /* `code` is what it gave to exit(3) */
		HEPH_PROCESS_KILLED, /* `code` is the signal that did it */
		HEPH_PROCESS_DUMPED, /* the same, and there is a core file */
	} how;
	int code;
};

/*
 * Waits until it has ended. `ret_status` may be NULL. It can be called again,
 * and tells the same. Returns 0; -ECHILD (somebody else has waited for it).
 */
HEPH_API HEPH_MUST int
heph_process_wait(heph_ctx ctx, const struct heph_process *process,
		  struct heph_process_status *ret_status);

/* Sends it a signal; 0: only looks. The second one sends it to all processes of
 * its group, which it must have got with `.new_group` or `.new_session`. Do not
 * wait. Return 0; -ESRCH (it has ended, and that was waited for), -EINVAL (no such
 * signal, no such group), -EPERM. */
HEPH_API HEPH_MUST int heph_process_kill(heph_ctx ctx,
					 const struct heph_process *process,
					 int signal);
HEPH_API HEPH_MUST int
heph_process_kill_group(heph_ctx ctx, const struct heph_process *process,
			int signal);

/*
 * Waits. Ends it as the end of the actor would, its group with it if it has one
 * of its own: SIGTERM, the grace, SIGKILL. A deadline or stop cuts the grace
 * short. Closes all descriptors of `process`. `ret_status` may be NULL. Returns
 * 0; -ECHILD.
 */
HEPH_API int heph_process_end(heph_ctx ctx, const struct heph_process *process,
			      struct heph_process_status *ret_status);

/* ---- one that is run to its end -------------------------------------------- */

/* What it is given, and what becomes of its output. The memory is the caller's,
 * and may lie anywhere. */
struct heph_process_talk {
	const void *input; /* all of its standard input */
	size_t input_size;
	void *out, *err;   /* where to collect; NULL: /dev/null */
	size_t out_size, err_size; /* room there */
	size_t n_out, n_err; /* set: how many bytes it wrote, which may be more
			      * than there was room for: the rest is lost */
};

/*
 * heph_process_run(ctx, argv, &talk, &status[, .option = ...]): waits. Starts a
 * process, gives it the input, collects the output until nobody can write to it
 * any more, and waits for its end. `talk` and `status` may be NULL: then it has
 * /dev/null, and nothing is told. The options `in`, `out` and `err` are not
 * looked at, but `.err = HEPH_PROCESS_OUT` mixes both outputs. A deadline or stop
 * ends the process as heph_process_end() does. Returns 0 (look at `status`); what
 * heph_process_start() returns; -EOPNOTSUPP (a plain thread that has input or
 * output). What was collected is told in all cases.
 */
#define heph_process_run(ctx_, argv_, talk_, ret_status_, ...)                 \
	HEPH_WITH__(heph_raw_process_run(                                      \
		(ctx_), (argv_), (talk_), (ret_status_),                       \
		HEPH_SIZED__(struct heph_process_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_raw_process_run(heph_ctx ctx, const char *const *argv,
		     struct heph_process_talk *talk,
		     struct heph_process_status *ret_status,
		     const struct heph_process_options *options);

/* ---- signals ------------------------------------------------------------------ */

/* The name of a signal: "SIGTERM", "SIGRTMIN+3"; "SIG0" for what is none. Any
 * thread; the text is static. */
HEPH_API const char *heph_signal_name(int signal);

/* The signal of that name, with or without "SIG"; -EINVAL. Any thread. */
HEPH_API int heph_signal_number(const char *name);

#ifdef __cplusplus
}
#endif
#endif
