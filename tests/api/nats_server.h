/* SPDX-License-Identifier: MIT */
/*
 * nats_server.h - a real nats-server for a test
 *
 *     struct nats_server server;
 *
 *     nats_server_start(&server);       with JetStream, on a free port of 127.0.0.1
 *     ... server.url ...
 *     nats_server_kill(&server);        SIGKILL; its store stays
 *     nats_server_restart(&server);     on the same port, with the same store
 *     nats_server_end(&server);         killed if it runs, store deleted
 *
 * These block, as tests outside of actors may: also the actors of tests on own
 * threads. A server that is still there when the test's process ends, however it does,
 * is killed then, and its folder deleted.
 */
#ifndef TEST_NATS_SERVER_H
#define TEST_NATS_SERVER_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct nats_server {
	pid_t pid; /* 0: it does not run */
	int port;  /* 0: not known yet */
	char url[64];
	char dir[64];     /* of its store, log and config; deleted at the end */
	char config[256]; /* a file; "": none */
	bool no_store; /* without JetStream */
	pid_t guard_pid;
	int guard; /* a pipe to that one */
};

__attribute__((unused)) static void nats_server_fail(const char *what)
{
	fprintf(stderr, "nats_server.h: %s: %s\n", what, strerror(errno));
	abort();
}

__attribute__((unused)) static const char *nats_server_program(void)
{
	return access("/usr/sbin/nats-server", X_OK) == 0 ?
		       "/usr/sbin/nats-server" :
		       "nats-server";
}

/* A process that waits for a byte: all is well. Without one the test has ended. */
__attribute__((unused)) static void nats_server_guard(struct nats_server *server)
{
	char byte;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		nats_server_fail("pipe2");
	server->guard = ends[1];
	server->guard_pid = fork();
	if (server->guard_pid == 0) {
		setsid();
		close(ends[1]);
		if (read(ends[0], &byte, 1) == 1)
			_exit(0);
		kill(server->pid, SIGKILL);
		execl("/bin/rm", "rm", "-rf", server->dir, NULL);
		_exit(1);
	}
	close(ends[0]);
}

/* The server has ended. */
__attribute__((unused)) static void nats_server_unguard(struct nats_server *server)
{
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		;
	server->pid = 0;
	if (write(server->guard, "", 1) < 0)
		nats_server_fail("guard");
	close(server->guard);
	while (waitpid(server->guard_pid, NULL, 0) < 0 && errno == EINTR)
		;
}

__attribute__((unused)) static void
nats_server_exec(const struct nats_server *server)
{
	char log[128], port[16];
	const char *argv[] = { nats_server_program(),
			       "-a", "127.0.0.1",
			       "-p", port,
			       "--ports_file_dir", server->dir,
			       NULL, NULL, NULL, NULL, NULL, NULL };
	int n = 7;
	int fd;

	if (!server->no_store) {
		argv[n++] = "-js";
		argv[n++] = "-sd";
		argv[n++] = server->dir;
	}
	if (server->config[0]) {
		argv[n++] = "-c";
		argv[n++] = server->config;
	}
	snprintf(port, sizeof(port), "%d", server->port ? server->port : -1);
	snprintf(log, sizeof(log), "%s/log", server->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execvp(argv[0], (char *const *)(void *)argv);
	_exit(127);
}

/* The port is in a file that the server writes: nats-server_PID.ports. */
__attribute__((unused)) static int nats_server_port(const struct nats_server *server)
{
	char path[160], text[1024] = "";
	const char *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/nats-server_%d.ports", server->dir,
		 (int)server->pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = 0;
	fclose(file);
	at = strstr(text, "127.0.0.1:");
	return at ? atoi(at + 10) : 0;
}

/* Whether it says INFO to who connects. */
__attribute__((unused)) static bool nats_server_answers(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((unsigned short)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval limit = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[5];
	bool answers;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	answers = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		  recv(fd, text, 5, MSG_WAITALL) == 5 &&
		  memcmp(text, "INFO ", 5) == 0;
	close(fd);
	return answers;
}

__attribute__((unused)) static void nats_server_sleep(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* Starts it again on its port. Returns when it answers. */
__attribute__((unused)) static void nats_server_restart(struct nats_server *server)
{
	int tries = 0;

	server->pid = fork();
	if (server->pid < 0)
		nats_server_fail("fork");
	if (server->pid == 0)
		nats_server_exec(server);
	nats_server_guard(server);
	while (nats_server_port(server) == 0 ||
	       !nats_server_answers(nats_server_port(server))) {
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid ||
		    ++tries > 4000) {
			fprintf(stderr, "see %s/log\n", server->dir);
			nats_server_fail("it does not start");
		}
		nats_server_sleep();
	}
	server->port = nats_server_port(server);
	snprintf(server->url, sizeof(server->url), "nats://127.0.0.1:%d",
		 server->port);
}

/* Its folder, for who wants to put something there before it starts. */
__attribute__((unused)) static void nats_server_dir(struct nats_server *server)
{
	strcpy(server->dir, "/tmp/heph-nats-XXXXXX");
	if (!mkdtemp(server->dir))
		nats_server_fail("mkdtemp");
}

/* With the text of a configuration, which may be NULL, and what is set in the struct. */
__attribute__((unused)) static void
nats_server_start_as(struct nats_server *server, const char *config)
{
	FILE *file;

	if (!server->dir[0])
		nats_server_dir(server);
	if (config) {
		snprintf(server->config, sizeof(server->config), "%s/config",
			 server->dir);
		file = fopen(server->config, "w");
		if (!file || fputs(config, file) < 0 || fclose(file) != 0)
			nats_server_fail("config");
	}
	nats_server_restart(server);
}

__attribute__((unused)) static void
nats_server_start_with(struct nats_server *server, const char *config)
{
	memset(server, 0, sizeof(*server));
	nats_server_start_as(server, config);
}

__attribute__((unused)) static void nats_server_start(struct nats_server *server)
{
	nats_server_start_with(server, NULL);
}

__attribute__((unused)) static void nats_server_signal(struct nats_server *server,
						       int number)
{
	if (server->pid > 0)
		kill(server->pid, number);
}

/* At once, as a crash. */
__attribute__((unused)) static void nats_server_kill(struct nats_server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGKILL);
	nats_server_unguard(server);
}

/* In good order. */
__attribute__((unused)) static void nats_server_stop(struct nats_server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGTERM);
	kill(server->pid, SIGCONT);
	nats_server_unguard(server);
}

/* Stands still, with its connections open, and goes on. */
__attribute__((unused)) static void nats_server_pause(struct nats_server *server)
{
	nats_server_signal(server, SIGSTOP);
	while (waitpid(server->pid, NULL, WUNTRACED) < 0 && errno == EINTR)
		; /* until all its threads do */
}

__attribute__((unused)) static void nats_server_go_on(struct nats_server *server)
{
	nats_server_signal(server, SIGCONT);
}

__attribute__((unused)) static int
nats_server_remove(const char *path, const struct stat *stat, int what,
		   struct FTW *ftw)
{
	(void)stat, (void)what, (void)ftw;
	remove(path);
	return 0;
}

/* Deletes what JetStream has stored; while the server does not run. */
__attribute__((unused)) static void
nats_server_forget(const struct nats_server *server)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/jetstream", server->dir);
	nftw(path, nats_server_remove, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void nats_server_end(struct nats_server *server)
{
	nats_server_kill(server);
	if (server->dir[0])
		nftw(server->dir, nats_server_remove, 16, FTW_DEPTH | FTW_PHYS);
	server->dir[0] = 0;
}

#endif
