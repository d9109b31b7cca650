/* SPDX-License-Identifier: MIT */
/*
 * Connecting: what the config means to libnats, and its callbacks.
 *
 * The callbacks run on threads of libnats. They set what others look at, and put
 * events into channels; nothing here waits.
 */
#include "remote/nats_state.h"

#include <stdio.h>
#include <string.h>

enum {
	CONNECT_MS = 2000, /* for one server; nothing can interrupt it */
	PING_MS = 2000,    /* so often a silent broker is asked whether it is there, */
	PINGS = 2,         /* and is not if it did not answer so many */
	BACKOFF_MS = 20,   /* after the first attempt to connect again; doubles */
	BACKOFF_MAX_MS = 1000,
	SERVERS = 32,
};

/* ---- callbacks -------------------------------------------------------------------- */

static void note_server(struct heph_nats_link *link, natsConnection *conn)
{
	char url[HEPH_WHERE_MAX] = "";
	const char *shown;

	natsConnection_GetConnectedUrl(conn, url, sizeof(url));
	shown = strchr(url, '@'); /* without user and password */
	pthread_mutex_lock(&link->lock);
	snprintf(link->server, sizeof(link->server), "%s", shown ? shown + 1 : url);
	pthread_mutex_unlock(&link->lock);
	link->payload_max = (size_t)natsConnection_GetMaxPayload(conn);
}

static void set_connected(struct heph_nats_link *link, natsConnection *conn)
{
	note_server(link, conn);
	link->connects++;
	link->connected = true;
}

static void on_disconnected(natsConnection *conn, void *closure)
{
	struct heph_nats_link *link = closure;

	(void)conn;
	link->connected = false;
	heph_nats_tell(link, false);
}

static void on_reconnected(natsConnection *conn, void *closure)
{
	struct heph_nats_link *link = closure;

	set_connected(link, conn);
	heph_nats_tell(link, true);
}

/* Nothing more comes; not that of a connection that could not be made. */
static void on_closed(natsConnection *conn, void *closure)
{
	struct heph_nats_link *link = closure;
	const char *text = NULL;
	natsStatus status = natsConnection_GetLastError(conn, &text);

	link->connected = false;
	pthread_mutex_lock(&link->lock);
	if (!link->closed) /* not by us: it was refused when it connected again */
		link->err = status == NATS_OK ? -ENOTCONN :
						heph_nats_error(status);
	pthread_mutex_unlock(&link->lock);
	heph_nats_tell(link, false);
	heph_nats_link_unref(link);
}

static void on_error(natsConnection *conn, natsSubscription *sub, natsStatus status,
		     void *closure)
{
	const char *text = NULL;

	(void)sub;
	if (status == NATS_SLOW_CONSUMER)
		((struct heph_nats_link *)closure)->slow++;
	natsConnection_GetLastError(conn, &text);
	heph_nats_say_error(closure,
			    text && *text ? text : natsStatus_GetText(status));
}

/* Milliseconds until the next attempt: random, up to a bound that doubles. */
static int64_t next_delay(natsConnection *conn, int attempts, void *closure)
{
	int64_t bound = BACKOFF_MAX_MS;
	int64_t now = nats_NowInNanoSeconds() / 1000;

	(void)conn, (void)closure;
	if (attempts < 6)
		bound = BACKOFF_MS << (attempts < 1 ? 0 : attempts - 1);
	return bound / 2 + now % (bound / 2 + 1);
}

/* ---- options ------------------------------------------------------------------------- */

/* The first that fails is what the others give back. */
#define AND(status_, call_) ((status_) == NATS_OK ? (call_) : (status_))

static natsStatus set_servers(natsOptions *options, const char *urls)
{
	char text[4096];
	const char *servers[SERVERS];
	char *rest = text, *url;
	int n = 0;

	if (strlen(urls) >= sizeof(text))
		return NATS_INVALID_ARG;
	strcpy(text, urls);
	while ((url = strsep(&rest, ",")) && n < SERVERS)
		if (*url)
			servers[n++] = url;
	return n > 0 && !url ? natsOptions_SetServers(options, servers, n) :
			       NATS_INVALID_ARG;
}

static natsStatus set_nkey(natsOptions *options, const char *seed_file)
{
	char key[HEPH_NATS_NKEY];

	if (heph_nats_nkey(seed_file, key) < 0)
		return NATS_INVALID_ARG;
	return natsOptions_SetNKeyFromSeed(options, key, seed_file);
}

static natsStatus set_who(natsOptions *options, const struct heph_nats_config *config)
{
	natsStatus s = NATS_OK;

	if (config->user)
		s = natsOptions_SetUserInfo(options, config->user,
					    config->password);
	if (config->token)
		s = AND(s, natsOptions_SetToken(options, config->token));
	if (config->credentials_file)
		s = AND(s, natsOptions_SetUserCredentialsFromFiles(
				   options, config->credentials_file, NULL));
	if (config->nkey_seed_file)
		s = AND(s, set_nkey(options, config->nkey_seed_file));
	return s;
}

static natsStatus set_tls(natsOptions *options, const struct heph_nats_config *config)
{
	natsStatus s = NATS_OK;

	if (config->tls || config->ca_file || config->cert_file)
		s = natsOptions_SetSecure(options, true);
	if (config->ca_file)
		s = AND(s, natsOptions_LoadCATrustedCertificates(
				   options, config->ca_file));
	if (config->cert_file)
		s = AND(s, natsOptions_LoadCertificatesChain(
				   options, config->cert_file, config->key_file));
	if (config->tls_skip_verify)
		s = AND(s, natsOptions_SkipServerVerification(options, true));
	return s;
}

static natsStatus set_callbacks(natsOptions *options, struct heph_nats_link *link)
{
	natsStatus s = natsOptions_SetClosedCB(options, on_closed, link);

	s = AND(s, natsOptions_SetDisconnectedCB(options, on_disconnected, link));
	s = AND(s, natsOptions_SetReconnectedCB(options, on_reconnected, link));
	s = AND(s, natsOptions_SetErrorHandler(options, on_error, link));
	return AND(s, natsOptions_SetCustomReconnectDelay(options, next_delay, link));
}

static natsStatus set_behaviour(natsOptions *options,
				const struct heph_nats_config *config)
{
	int64_t wait = config->wait / HEPH_MSEC;
	int64_t connect = wait < CONNECT_MS ? wait : CONNECT_MS;
	natsStatus s = natsOptions_SetName(options, config->name);

	s = AND(s, natsOptions_SetTimeout(options, connect));
	s = AND(s, natsOptions_SetWriteDeadline(options, connect));
	s = AND(s, natsOptions_SetPingInterval(options, PING_MS));
	s = AND(s, natsOptions_SetMaxPingsOut(options, PINGS));
	s = AND(s, natsOptions_SetMaxReconnect(options, -1));
	s = AND(s, natsOptions_SetReconnectBufSize(options, (int)config->buffer));
	s = AND(s, natsOptions_SetMaxPendingMsgs(options, (int)config->queue));
	s = AND(s, natsOptions_SetFailRequestsOnDisconnect(options, true));
	s = AND(s, natsOptions_SetSendAsap(options, true));
	/* A thread for each subscription would be one for each wire. */
	return AND(s, natsOptions_UseGlobalMessageDelivery(options, true));
}

/* ---- connecting ------------------------------------------------------------------------- */

static int error_of_connect(struct heph_nats_link *link, natsStatus status)
{
	heph_nats_say_error(link, nats_GetLastError(NULL));
	return status == NATS_TIMEOUT ? -EHOSTUNREACH : heph_nats_error(status);
}

static int set_all(natsOptions *options, struct heph_nats_link *link)
{
	const struct heph_nats_config *config = &link->config;
	natsStatus s = set_servers(options, config->url);

	s = AND(s, set_who(options, config));
	s = AND(s, set_tls(options, config));
	s = AND(s, set_behaviour(options, config));
	s = AND(s, set_callbacks(options, link));
	if (s == NATS_OK)
		return 0;
	heph_nats_say_error(link, nats_GetLastError(NULL));
	return s == NATS_NO_MEMORY ? -ENOMEM : -EINVAL;
}

int heph_nats_open(struct heph_nats_link *link, natsConnection **ret_conn)
{
	natsOptions *options = NULL;
	natsStatus s = natsOptions_Create(&options);
	int err;

	if (s != NATS_OK)
		return heph_nats_error(s);
	err = set_all(options, link);
	if (err == 0) {
		heph_nats_link_ref(link); /* on_closed() gives it back */
		s = natsConnection_Connect(ret_conn, options);
		if (s == NATS_OK)
			set_connected(link, *ret_conn);
		else
			err = error_of_connect(link, s);
		if (s != NATS_OK)
			heph_nats_link_unref(link);
	}
	natsOptions_Destroy(options);
	return err;
}
