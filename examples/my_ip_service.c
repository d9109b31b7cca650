/* SPDX-License-Identifier: MIT */
/*
 * my_ip_service.c - the server of my_ip.c as a service of systemd
 *
 * usage: my_ip_service
 *
 * It listens on the socket that systemd passes, by heph-my-ip.socket or from
 * before a restart, else on port $PORT (7890) of this machine. It tells systemd
 * when it is ready, reloads, stops, and that it is alive: an actor asks another one
 * whether it still answers. On SIGHUP it reads the filter of its log from the file
 * $MY_IP_LOG. The units are in share/systemd. Without systemd it runs as well, and
 * says on standard output where it listens.
 */
#include <heph/heph.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a connection -------------------------------------------------------------- */

struct conn_arg {
	heph_fd fd;
	struct heph_address peer;
};

HEPH_ACTOR(conn, void, struct conn_arg);

/* "192.0.2.1:5000" becomes "192.0.2.1", "[2001:db8::1]:5000" "2001:db8::1". */
static const char *without_port(char *address)
{
	char *port = strrchr(address, ':');

	if (port)
		*port = '\0';
	if (address[0] != '[')
		return address;
	address[strcspn(address, "]")] = '\0';
	return address + 1;
}

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	const char *ip;
	int err;

	heph_log_debug("connection", HEPH_KV_ADDRESS("peer", &arg->peer));
	err = heph_address_print(&arg->peer, address);
	if (err < 0)
		return err;
	ip = without_port(address);
	return heph_write_all(heph_within(ctx, 10 * HEPH_SEC), arg->fd, ip,
			      strlen(ip));
}
HEPH_ACTOR_MAIN(conn, conn_main);

/* ---- the server ------------------------------------------------------------------ */

HEPH_ACTOR(server, void, void);

static int listen_anew(heph_ctx ctx, heph_fd *ret_fd)
{
	const char *port = getenv("PORT");
	char address[HEPH_ADDRESS_MAX];

	snprintf(address, sizeof(address), "127.0.0.1:%s", port ? port : "7890");
	return heph_listen(ctx, address, ret_fd);
}

/* A new listener is given to systemd as well, for the process after a restart:
 * nobody who comes meanwhile is refused. */
static int find_listener(heph_ctx ctx, const struct heph_systemd *systemd,
			 heph_fd *ret_fd)
{
	int err = heph_activation_count(NULL);

	if (err > 0)
		return heph_activation_take(ctx, NULL, 0,
					    HEPH_ACTIVATION_LISTENER, ret_fd);
	if (err == 0)
		err = listen_anew(ctx, ret_fd);
	if (err == 0)
		err = heph_systemd_store(ctx, systemd, *ret_fd, "my_ip", 0);
	return err;
}

static int tell(heph_ctx ctx, const struct heph_systemd *systemd,
		heph_fd listener)
{
	char text[HEPH_ADDRESS_MAX + 16] = "listening on ";
	int err = heph_local_address(ctx, listener, text + strlen(text));

	if (err < 0)
		return err;
	printf("%s\n", text);
	fflush(stdout);
	return heph_systemd_state(ctx, systemd, HEPH_SYSTEMD_READY, text);
}

static int server_main(heph_ctx ctx)
{
	struct heph_systemd systemd;
	heph_fd listener;
	int err;

	err = heph_systemd_open(ctx, &systemd);
	if (err >= 0)
		err = find_listener(ctx, &systemd, &listener);
	if (err == 0)
		err = tell(ctx, &systemd, listener);
	if (err < 0) {
		heph_log_error("cannot listen", HEPH_KV_ERR("err", err));
		(void)!heph_systemd_errno(ctx, &systemd, err);
		return err;
	}
	heph_systemd_close(ctx, &systemd);
	return heph_serve(ctx, listener, conn, fd,
			  .peer = heph_peer_member(conn, peer));
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- the program ------------------------------------------------------------------ */

struct app_msg {
	HEPH_REPLY(int) are_you_well;
};

HEPH_ACTOR(app, struct app_msg, void);

/* Called by the actor heph_systemd. */
static int healthy(heph_ctx ctx, char ret_status[HEPH_SYSTEMD_STATUS_MAX])
{
	app_ref app;
	int well, err;

	err = heph_whereis(ctx, app, "app", &app);
	if (err == 0)
		err = heph_call(ctx, app, are_you_well, &well, { 0 });
	if (err < 0)
		strcpy(ret_status, "the program does not answer");
	return err;
}

static int read_filter(heph_ctx ctx, const char *path, char *text, size_t size)
{
	heph_fd fd;
	int n = heph_open(ctx, path, O_RDONLY, 0, &fd);

	if (n < 0)
		return n;
	n = heph_read(ctx, fd, text, size - 1);
	heph_close(fd);
	if (n < 0)
		return n;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return heph_log_set_filter(text);
}

static void reload(heph_ctx ctx, heph_systemd_ref systemd)
{
	const char *path = getenv("MY_IP_LOG");
	char filter[200] = "";
	int err;

	heph_post(systemd, { .kind = HEPH_SYSTEMD_SET_STATE,
			     .state = HEPH_SYSTEMD_RELOADING });
	err = path ? read_filter(ctx, path, filter, sizeof(filter)) : 0;
	if (err < 0)
		heph_log_error("cannot read the filter of the log",
			       HEPH_KV_STR("path", path),
			       HEPH_KV_STR("filter", filter),
			       HEPH_KV_ERR("err", err));
	else
		heph_log_info("reloaded", HEPH_KV_STR("filter", filter));
	heph_post(systemd, { .kind = HEPH_SYSTEMD_SET_STATE,
			     .state = HEPH_SYSTEMD_READY });
}

static int start(heph_ctx ctx, app_inbox in, heph_systemd_ref *ret_systemd,
		 server_ref *ret_server)
{
	int err = heph_register(ctx, heph_self(in), "app");

	if (err == 0)
		err = heph_spawn(ctx, heph_systemd, ret_systemd,
				 { .health = healthy, .later = true });
	if (err == 0)
		err = heph_spawn(ctx, server, ret_server);
	return err;
}

static int app_main(heph_ctx ctx, app_inbox in)
{
	enum { HANGUP, MESSAGE, SERVER };
	heph_systemd_ref systemd;
	struct heph_exit exit;
	struct app_msg msg;
	server_ref server;
	int which = start(ctx, in, &systemd, &server);

	while (which >= 0) {
		which = heph_wait(ctx, [HANGUP] = heph_on_signal(SIGHUP, NULL),
				  [MESSAGE] = heph_on_msg(in, &msg),
				  [SERVER] = heph_on_join(server, &exit));
		if (which == HANGUP)
			reload(ctx, systemd);
		else if (which == MESSAGE)
			heph_answer(msg.are_you_well, 1);
		else if (which == SERVER)
			return exit.err;
	}
	return which;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(void)
{
	/* Connections are short: one worker, which is where the listener is. */
	struct heph_config config = { .name = "my_ip",
				      .workers = 1,
				      .pin = true,
				      .grace = 5 * HEPH_SEC };
	int err = heph_run(&config, app);

	if (err < 0)
		fprintf(stderr, "my_ip_service: %s\n", strerror(-err));
	return err < 0;
}
