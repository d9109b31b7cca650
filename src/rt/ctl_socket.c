/* SPDX-License-Identifier: MIT */
/*
 * Two programs may come to the same place at the same time, and find the same
 * dead socket there. So whoever looks and binds holds a lock on the directory,
 * which leaves no file behind. No umask is touched, as that belongs to the
 * process: Linux gives the file the mode that the socket has when it is bound.
 */
#include "rt/ctl_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum {
	BACKLOG = 64,
	LOCK_TRIES = 1000, /* of a millisecond */
	SAME_NAME = 256,   /* runtimes in a process */
	SWEEP_MAX = 4096,  /* files looked at for sockets of the dead */
	SUN_PATH = sizeof(((struct sockaddr_un *)0)->sun_path),
};

bool heph_ctl_socket_off(const char *place)
{
	return !place || !*place || strcmp(place, "0") == 0 ||
	       strcmp(place, "off") == 0;
}

/* ---- the directory ------------------------------------------------------------- */

/* Opens the directory; with `own` it is made, and must be ours alone. */
static int open_dir(const char *path, bool own)
{
	struct stat stat;
	int fd, err = 0;

	if (own && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path,
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC | (own ? O_NOFOLLOW : 0));
	if (fd < 0)
		return -errno;
	if (!own)
		return fd;
	if (fstat(fd, &stat) < 0)
		err = -errno;
	else if (stat.st_uid != geteuid())
		err = -EPERM;
	else if ((stat.st_mode & 077) && fchmod(fd, 0700) < 0)
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* For the time of looking and binding. Others hold it for microseconds. */
static int lock_dir(int dir)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (int n = 0; n < LOCK_TRIES; n++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&nap, NULL);
	}
	return -EBUSY;
}

/* ---- what is there --------------------------------------------------------------- */

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ?
		       errno :
		       0;
}

/* Whether somebody listens there: 1; 0; an error. */
static int listened(const char *path)
{
	int err, fd = socket(AF_UNIX,
			     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	err = connect_to(fd, path);
	close(fd);
	if (err == 0 || err == EAGAIN)
		return 1;
	return err == ECONNREFUSED || err == ENOENT ? 0 : -err;
}

/* Makes room for our socket. 0, or why there is none. */
static int clear(const char *path)
{
	struct stat stat;
	int is;

	if (lstat(path, &stat) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -EEXIST;
	if (stat.st_uid != geteuid() && geteuid() != 0)
		return -EPERM;
	is = listened(path);
	if (is != 0)
		return is < 0 ? is : -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Removes the sockets in our directory that nobody listens to any more. */
static void sweep(const char *dir)
{
	char path[SUN_PATH + 257];
	DIR *files = opendir(dir);
	struct dirent *entry;

	if (!files)
		return;
	for (int n = 0; n < SWEEP_MAX && (entry = readdir(files)); n++) {
		if (strlen(entry->d_name) + strlen(dir) + 2 > SUN_PATH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		(void)!clear(path);
	}
	closedir(files);
}

/* ---- binding ------------------------------------------------------------------------ */

static int fill(struct heph_ctl_socket *sock)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat stat;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock->path);
	if (fchmod(sock->fd, 0600) < 0 ||
	    bind(sock->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (listen(sock->fd, BACKLOG) < 0 || lstat(sock->path, &stat) < 0) {
		int err = -errno;

		unlink(sock->path);
		return err;
	}
	sock->device = stat.st_dev;
	sock->inode = stat.st_ino;
	return 0;
}

static int bind_it(struct heph_ctl_socket *sock)
{
	int err;

	sock->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		return -errno;
	err = fill(sock);
	if (err < 0) {
		close(sock->fd);
		sock->fd = -1;
	}
	return err;
}

static int set_path(struct heph_ctl_socket *sock, const char *dir,
		    const char *file)
{
	int n = snprintf(sock->path, sizeof(sock->path), "%s/%s",
			 strcmp(dir, "/") == 0 ? "" : dir, file);

	return n < 0 || (size_t)n >= sizeof(sock->path) ? -ENAMETOOLONG : 0;
}

/* A name as the name of a file: what is unusual becomes '_'. */
static void clean(char *text, size_t size, const char *name)
{
	size_t n = 0;

	for (; name[n] && n + 1 < size; n++)
		text[n] = (char)((name[n] >= 'a' && name[n] <= 'z') ||
						 (name[n] >= 'A' &&
						  name[n] <= 'Z') ||
						 (name[n] >= '0' &&
						  name[n] <= '9') ||
						 (n && strchr(".-", name[n])) ?
					 name[n] :
					 '_');
	text[n] = '\0';
}

/* NAME.PID, or NAME.PID-2 and so on for further runtimes of the process. */
static int bind_by_name(struct heph_ctl_socket *sock, const char *dir,
			const char *name)
{
	char text[32], file[64];
	int err = -EADDRINUSE;

	clean(text, sizeof(text), name);
	for (int n = 1; err == -EADDRINUSE && n <= SAME_NAME; n++) {
		snprintf(file, sizeof(file), n == 1 ? "%s.%d" : "%s.%d-%d",
			 text, getpid(), n);
		err = set_path(sock, dir, file);
		if (err == 0)
			err = clear(sock->path);
	}
	return err < 0 ? err : bind_it(sock);
}

static int bind_by_path(struct heph_ctl_socket *sock, const char *dir,
			const char *file)
{
	int err = set_path(sock, dir, file);

	if (err == 0)
		err = clear(sock->path);
	return err < 0 ? err : bind_it(sock);
}

/* ---- the place ------------------------------------------------------------------------ */

struct place {
	char dir[SUN_PATH + 1];
	char file[SUN_PATH + 1]; /* "": by name */
	bool own;                /* the directory is for such sockets only */
};

static bool is_dir(const char *path, bool ours)
{
	struct stat there;

	return stat(path, &there) == 0 && S_ISDIR(there.st_mode) &&
	       (!ours || there.st_uid == geteuid());
}

static int by_itself(struct place *at)
{
	const char *given = secure_getenv("XDG_RUNTIME_DIR");
	char user[32];
	int n;

	snprintf(user, sizeof(user), "/run/user/%u", geteuid());
	if (given && *given == '/')
		n = snprintf(at->dir, sizeof(at->dir), "%s/heph", given);
	else if (is_dir(user, true))
		n = snprintf(at->dir, sizeof(at->dir), "%s/heph", user);
	else
		n = snprintf(at->dir, sizeof(at->dir), "/tmp/heph-%u",
			     geteuid());
	at->own = true;
	return n < 0 || (size_t)n >= sizeof(at->dir) ? -ENAMETOOLONG : 0;
}

/* One that is relative is one from here. */
static int make_absolute(char *path, size_t size, const char *place)
{
	char here[SUN_PATH] = "";
	int n;

	if (*place != '/' && !getcwd(here, sizeof(here)))
		return errno == ERANGE ? -ENAMETOOLONG : -errno;
	n = snprintf(path, size, "%s%s%s", here, *here ? "/" : "", place);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : n;
}

static int by_path(struct place *at, const char *place)
{
	char path[SUN_PATH + 1], *slash;
	int n = make_absolute(path, sizeof(path), place);

	if (n < 0)
		return n;
	at->own = path[n - 1] == '/';
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	if (at->own || is_dir(path, false)) {
		memcpy(at->dir, path, (size_t)n + 1);
		return 0;
	}
	slash = strrchr(path, '/');
	strcpy(at->file, slash + 1);
	slash[slash == path] = '\0';
	strcpy(at->dir, path);
	return 0;
}

static int find_place(struct place *at, const char *place)
{
	*at = (struct place){ 0 };
	if (strcmp(place, "auto") == 0 || strcmp(place, "1") == 0)
		return by_itself(at);
	return by_path(at, place);
}

/* ---- all of it ------------------------------------------------------------------------- */

static int open_at(struct heph_ctl_socket *sock, const struct place *at,
		   const char *name)
{
	int err, dir = open_dir(at->dir, at->own);

	if (dir < 0)
		return dir;
	err = lock_dir(dir);
	if (err == 0 && at->own)
		sweep(at->dir);
	if (err == 0 && *at->file)
		err = bind_by_path(sock, at->dir, at->file);
	else if (err == 0)
		err = bind_by_name(sock, at->dir, name);
	close(dir);
	return err;
}

static const char *reason(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another program listens there";
	case -EEXIST:
		return "what is there is not a socket";
	case -EPERM:
		return "what is there belongs to another user";
	case -ENAMETOOLONG:
		return "the path is longer than 107 bytes";
	case -EBUSY:
		return "somebody locks the directory";
	default:
		return strerrordesc_np(-err);
	}
}

int heph_ctl_socket_open(struct heph_ctl_socket *sock, const char *place,
			 const char *name)
{
	struct place at;
	int err;

	*sock = (struct heph_ctl_socket){ .fd = -1 };
	err = find_place(&at, place);
	if (err == 0)
		err = open_at(sock, &at, name);
	if (err < 0)
		heph_log_error("the control socket cannot be opened",
			       HEPH_KV_STR("control", place),
			       HEPH_KV_STR("why", reason(err)),
			       HEPH_KV_ERR("err", err));
	return err;
}

void heph_ctl_socket_close(struct heph_ctl_socket *sock)
{
	struct stat stat;

	if (sock->fd < 0)
		return;
	if (lstat(sock->path, &stat) == 0 && stat.st_dev == sock->device &&
	    stat.st_ino == sock->inode)
		unlink(sock->path);
	close(sock->fd);
	sock->fd = -1;
}

static void tell_stranger(int fd)
{
	static const char text[] =
		"{\"error\": {\"code\": \"EPERM\", \"message\": "
		"\"only the user of this program, and root\"}}\n";
	ssize_t n =
		send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)n;
}

int heph_ctl_socket_accept(struct heph_ctl_socket *sock)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	int fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN :
								 -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	    (who.uid == geteuid() || who.uid == 0))
		return fd;
	tell_stranger(fd);
	close(fd);
	return -EPERM;
}
