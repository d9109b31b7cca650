/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the echo servers of this folder have in common
 *
 * Each listens on a free port of 127.0.0.1, prints a line "port=N", echoes what
 * arrives on any number of connections, and ends at SIGTERM with a line
 * "cpu_secs=N" about its whole life. Errors end it with a line on stderr.
 */
#ifndef SERVER_H
#define SERVER_H

enum {
	SERVER_READ = 1 << 16, /* bytes read at once at most */
	SERVER_BACKLOG = 4096, /* connections that wait to be accepted */
	SERVER_EVENTS = 1024,  /* taken from the kernel at once */
};

/* Ends the program if `result`, which is returned, is an error: a negative
 * errno. */
int server_must(int result, const char *what);

/* The same with errno, for calls that return -1. */
int server_must_call(int result, const char *what);

void server_say_port(unsigned port);
void server_say_end(void);

#endif
