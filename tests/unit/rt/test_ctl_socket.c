/* SPDX-License-Identifier: MIT */
/* Where the control socket comes to be, and who may come to it. */
#include "../../api/task.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt/ctl_socket.h"

static char dir[64];

static const char *in_dir(const char *file)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, file);
	return path[turn];
}

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/heph-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static mode_t mode_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_mode;
}

static int reach(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err = -errno;
		close(fd);
	}
	return err ? err : fd;
}

/* A socket whose program has died. */
static void leave_dead(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
}

static void some_words_are_off(void **state)
{
	assert_true(heph_ctl_socket_off(NULL));
	assert_true(heph_ctl_socket_off(""));
	assert_true(heph_ctl_socket_off("0"));
	assert_true(heph_ctl_socket_off("off"));
	assert_false(heph_ctl_socket_off("1"));
	assert_false(heph_ctl_socket_off("/tmp/x"));
}

static void it_is_closed_to_others_whatever_the_umask(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket sock;
	mode_t mask = umask(0);

	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), 0);
	umask(mask);
	assert_string_equal(sock.path, path);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	heph_ctl_socket_close(&sock);
	assert_int_equal(access(path, F_OK), -1);
	heph_ctl_socket_close(&sock);
}

static void one_that_listens_is_left_alone(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket one, other;
	int fd;

	assert_int_equal(heph_ctl_socket_open(&one, path, "x"), 0);
	assert_int_equal(heph_ctl_socket_open(&other, path, "x"), -EADDRINUSE);
	assert_int_equal(other.fd, -1);
	fd = reach(path);
	assert_true(fd >= 0);
	close(fd);
	heph_ctl_socket_close(&one);
}

static void a_dead_one_is_replaced(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket sock;

	leave_dead(path);
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), 0);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	heph_ctl_socket_close(&sock);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	const char *path = in_dir("a"), *link = in_dir("b");
	struct heph_ctl_socket sock;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), -EEXIST);
	assert_int_equal(symlink("nowhere", link), 0);
	assert_int_equal(heph_ctl_socket_open(&sock, link, "x"), -EEXIST);
	assert_int_equal(mode_of(path), S_IFREG | 0600);
}

static void bad_places_are_refused(void **state)
{
	struct heph_ctl_socket sock;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), -ENAMETOOLONG);
	path[0] = '/';
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), -ENAMETOOLONG);
	assert_int_equal(heph_ctl_socket_open(&sock, in_dir("no/a"), "x"),
			 -ENOENT);
}

static void a_directory_gets_one_by_name(void **state)
{
	struct heph_ctl_socket one, two, three;
	char file[64];

	assert_int_equal(heph_ctl_socket_open(&one, dir, "my app/1"), 0);
	snprintf(file, sizeof(file), "my_app_1.%d", getpid());
	assert_string_equal(one.path, in_dir(file));
	assert_int_equal(heph_ctl_socket_open(&two, dir, "my app/1"), 0);
	snprintf(file, sizeof(file), "my_app_1.%d-2", getpid());
	assert_string_equal(two.path, in_dir(file));
	assert_int_equal(heph_ctl_socket_open(&three, in_dir("new/"), ".."), 0);
	snprintf(file, sizeof(file), "new/_..%d", getpid());
	assert_string_equal(three.path, in_dir(file));
	assert_int_equal(mode_of(in_dir("new")), S_IFDIR | 0700);
	heph_ctl_socket_close(&one);
	heph_ctl_socket_close(&two);
	heph_ctl_socket_close(&three);
}

static void a_relative_place_is_one_from_here(void **state)
{
	struct heph_ctl_socket sock;
	char here[256];

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(heph_ctl_socket_open(&sock, "a", "x"), 0);
	assert_int_equal(chdir(here), 0);
	assert_string_equal(sock.path, in_dir("a"));
	heph_ctl_socket_close(&sock);
	assert_int_equal(access(in_dir("a"), F_OK), -1);
}

static void auto_makes_a_directory_of_its_own(void **state)
{
	struct heph_ctl_socket sock;

	setenv("XDG_RUNTIME_DIR", dir, 1);
	assert_int_equal(mkdir(in_dir("heph"), 0755), 0);
	assert_int_equal(chmod(in_dir("heph"), 0755), 0);
	leave_dead(in_dir("heph/dead.1"));
	assert_int_equal(heph_ctl_socket_open(&sock, "auto", "x"), 0);
	assert_int_equal(mode_of(in_dir("heph")), S_IFDIR | 0700);
	assert_memory_equal(sock.path, in_dir("heph/x."), strlen(dir) + 8);
	/* It has swept. */
	assert_int_equal(access(in_dir("heph/dead.1"), F_OK), -1);
	heph_ctl_socket_close(&sock);
	unsetenv("XDG_RUNTIME_DIR");
}

static void a_trap_in_its_place_is_refused(void **state)
{
	struct heph_ctl_socket sock;

	setenv("XDG_RUNTIME_DIR", dir, 1);
	assert_int_equal(mkdir(in_dir("elsewhere"), 0700), 0);
	assert_int_equal(symlink("elsewhere", in_dir("heph")), 0);
	assert_true(heph_ctl_socket_open(&sock, "auto", "x") < 0);
	unlink(in_dir("heph"));
	if (geteuid() == 0) {
		assert_int_equal(mkdir(in_dir("heph"), 0700), 0);
		assert_int_equal(chown(in_dir("heph"), 12345, 12345), 0);
		assert_int_equal(heph_ctl_socket_open(&sock, "auto", "x"),
				 -EPERM);
	}
	unsetenv("XDG_RUNTIME_DIR");
}

static void a_file_that_came_later_stays(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket sock;

	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), 0);
	unlink(path);
	leave_dead(path);
	heph_ctl_socket_close(&sock);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_locked_directory_is_told(void **state)
{
	struct heph_ctl_socket sock;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(heph_ctl_socket_open(&sock, in_dir("a"), "x"), -EBUSY);
	close(fd);
}

/* ---- several at once -------------------------------------------------------------- */

enum { RACERS = 8, ROUNDS = 20 };

static struct racer {
	struct heph_ctl_socket sock;
	pthread_barrier_t *start;
	const char *path;
	int err;
} racers[RACERS];

static void *race(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(racer->start);
	racer->err = heph_ctl_socket_open(&racer->sock, racer->path, "x");
	return NULL;
}

/* All find the same dead socket; one of them has the place then, and can be
 * reached. */
static void one_of_several_gets_the_place(void **state)
{
	pthread_t threads[RACERS];
	const char *path = in_dir("a");
	pthread_barrier_t start;
	int winners, fd;

	pthread_barrier_init(&start, NULL, RACERS);
	for (int round = 0; round < ROUNDS; round++) {
		leave_dead(in_dir("a"));
		winners = 0;
		for (int n = 0; n < RACERS; n++) {
			racers[n].start = &start;
			racers[n].path = path;
			pthread_create(&threads[n], NULL, race, &racers[n]);
		}
		for (int n = 0; n < RACERS; n++) {
			pthread_join(threads[n], NULL);
			winners += racers[n].err == 0;
			if (racers[n].err)
				assert_int_equal(racers[n].err, -EADDRINUSE);
		}
		assert_int_equal(winners, 1);
		fd = reach(in_dir("a"));
		assert_true(fd >= 0);
		close(fd);
		for (int n = 0; n < RACERS; n++)
			heph_ctl_socket_close(&racers[n].sock);
		assert_int_equal(access(in_dir("a"), F_OK), -1);
	}
	pthread_barrier_destroy(&start);
}

/* ---- other users -------------------------------------------------------------------- */

/* What another user finds: in a process of its own, which tells by its status. */
static int reach_as_other(const char *path)
{
	char text[256] = "";
	pid_t pid = fork();
	int fd, status;

	if (pid == 0) {
		if (setgid(12345) < 0 || setuid(12345) < 0)
			_exit(99);
		fd = reach(path);
		if (fd < 0)
			_exit(fd == -EACCES ? 1 : 98);
		_exit(read(fd, text, sizeof(text) - 1) > 0 &&
				      strstr(text, "EPERM") ?
			      2 :
			      97);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WEXITSTATUS(status);
}

static void another_user_is_refused(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket sock;
	int fd;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), 0);
	assert_int_equal(heph_ctl_socket_accept(&sock), -EAGAIN);
	assert_int_equal(reach_as_other(path), 1);
	fd = reach(path);
	assert_true(fd >= 0);
	close(fd);
	fd = heph_ctl_socket_accept(&sock);
	assert_true(fd >= 0);
	close(fd);
	heph_ctl_socket_close(&sock);
}

static void *accept_one(void *arg)
{
	struct heph_ctl_socket *sock = arg;
	int err;

	do
		err = heph_ctl_socket_accept(sock);
	while (err == -EAGAIN);
	if (err >= 0)
		close(err);
	return (void *)(intptr_t)err;
}

/* Somebody has opened the file to all: the kernel still tells who it is. */
static void another_user_is_known(void **state)
{
	const char *path = in_dir("a");
	struct heph_ctl_socket sock;
	pthread_t thread;
	void *result;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(heph_ctl_socket_open(&sock, path, "x"), 0);
	assert_int_equal(chmod(path, 0666), 0);
	pthread_create(&thread, NULL, accept_one, &sock);
	assert_int_equal(reach_as_other(path), 2);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -EPERM);
	heph_ctl_socket_close(&sock);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(some_words_are_off),
		TEST(it_is_closed_to_others_whatever_the_umask),
		TEST(one_that_listens_is_left_alone),
		TEST(a_dead_one_is_replaced),
		TEST(what_is_no_socket_is_left_alone),
		TEST(bad_places_are_refused),
		TEST(a_directory_gets_one_by_name),
		TEST(a_relative_place_is_one_from_here),
		TEST(auto_makes_a_directory_of_its_own),
		TEST(a_trap_in_its_place_is_refused),
		TEST(a_file_that_came_later_stays),
		TEST(a_locked_directory_is_told),
		TEST(one_of_several_gets_the_place),
		TEST(another_user_is_refused),
		TEST(another_user_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
