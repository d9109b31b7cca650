/* SPDX-License-Identifier: MIT */
/*
 * heph remote: a node that connects to another one, asks it, and goes.
 */
#if HEPH_REMOTE_TOOL

#include "remote.h"

#include <heph/heph.h>
#include <heph/remote.h>

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "remote_cert.h"
#include "remote_url.h"
#include "text.h"

static const char usage_text[] =
	"usage: heph remote ping|list|tap [OPTION...] URL\n\n"
	"  ping  how long a frame takes there and back\n"
	"  list  the names that the node exports, if it is .listed\n"
	"  tap   the messages, calls and answers that pass there, if it is "
	".tapped\n\n"
	"URL is tls://HOST:PORT, tcp-plain://HOST:PORT, unix:PATH, udp://HOST:PORT,\n"
	"udp-plain://HOST:PORT or nats://SERVER:PORT/NODE.\n\n";

static const struct {
	struct option option;
	const char *value, *what;
} all[] = {
	{ { "peer", required_argument, NULL, 'P' },
	  "NAME",
	  "only a node of that name" },
	{ { "name", required_argument, NULL, 'N' },
	  "NAME",
	  "our own; that of --cert, or \"heph-remote-PID\"" },
	{ { "cert", required_argument, NULL, 'c' },
	  "FILE",
	  "our certificate, in which is our name" },
	{ { "key", required_argument, NULL, 'k' }, "FILE", "its key" },
	{ { "ca", required_argument, NULL, 'a' },
	  "FILE",
	  "the certificates that are trusted" },
	{ { "key-file", required_argument, NULL, 'K' },
	  "FILE",
	  "of udp: a key, 64 hexadecimal digits" },
	{ { "secret-file", required_argument, NULL, 'S' },
	  "FILE",
	  "of udp: a secret of which a key is made" },
	{ { "credentials", required_argument, NULL, 'C' },
	  "FILE",
	  "of nats: of an account" },
	{ { "prefix", required_argument, NULL, 'x' },
	  "WORD",
	  "of nats: what all subjects begin with" },
	{ { "count", required_argument, NULL, 'n' },
	  "N",
	  "so many pings, 5; so many lines of a tap" },
	{ { "interval", required_argument, NULL, 'i' },
	  "SECONDS",
	  "between two pings; 0.2" },
	{ { "timeout", required_argument, NULL, 't' },
	  "SECONDS",
	  "for the connection, and each answer; 5" },
	{ { "json", no_argument, NULL, 'j' },
	  NULL,
	  "a JSON object in each line" },
	{ { "help", no_argument, NULL, 'h' }, NULL, "these lines" },
};
enum { ALL = sizeof(all) / sizeof(*all) };

struct remote {
	enum { REMOTE_PING, REMOTE_LIST, REMOTE_TAP } what;
	struct remote_url url;
	struct remote_options options;
	const char *text; /* of the URL */
	const char *peer; /* NULL: whoever it is */
	char name[HEPH_NODE_NAME_MAX + 1];
	char found[HEPH_NODE_NAME_MAX + 1]; /* who it is */
	long count;
	heph_time interval, timeout;
	bool json;
	int code; /* what the command ends with */
};

/* ---- the command line ----------------------------------------------------------------- */

static int tell_usage(FILE *to, int code)
{
	char text[40];

	fputs(usage_text, to);
	for (int n = 0; n < ALL; n++) {
		snprintf(text, sizeof(text), "-%c, --%s %s", all[n].option.val,
			 all[n].option.name, all[n].value ? all[n].value : "");
		fprintf(to, "  %-26s %s\n", text, all[n].what);
	}
	return code;
}

static int bad_number(const char *name, const char *what)
{
	fprintf(stderr, "heph: --%s needs %s, not '%s'\n", name, what, optarg);
	return EXIT_USAGE;
}

static int read_seconds(heph_time *ret_time, const char *name)
{
	char *end;
	double secs = strtod(optarg, &end);

	if (!*optarg || *end || !(secs >= 0.001 && secs <= 86400))
		return bad_number(name, "seconds from 0.001 to 86400");
	*ret_time = (heph_time)(secs * HEPH_SEC);
	return -1;
}

static int read_count(long *ret_count)
{
	char *end;

	*ret_count = strtol(optarg, &end, 10);
	if (!*optarg || *end || *ret_count < 1 || *ret_count > 1000000000)
		return bad_number("count", "a number from 1 on");
	return -1;
}

/* Returns -1, or what to end with. */
static int set(struct remote *remote, int letter)
{
	switch (letter) {
	case 'P':
		remote->peer = optarg;
		return -1;
	case 'N':
		remote->options.name = optarg;
		return -1;
	case 'c':
		remote->options.cert = optarg;
		return -1;
	case 'k':
		remote->options.key = optarg;
		return -1;
	case 'a':
		remote->options.ca = optarg;
		return -1;
	case 'K':
		remote->options.key_file = optarg;
		return -1;
	case 'S':
		remote->options.secret_file = optarg;
		return -1;
	case 'C':
		remote->options.credentials = optarg;
		return -1;
	case 'x':
		remote->options.prefix = optarg;
		return -1;
	case 'n':
		return read_count(&remote->count);
	case 'i':
		return read_seconds(&remote->interval, "interval");
	case 't':
		return read_seconds(&remote->timeout, "timeout");
	default:
		remote->json = true;
		return -1;
	}
}

static int read_command(struct remote *remote, const char *word)
{
	static const char *const words[] = { "ping", "list", "tap" };

	for (int n = 0; n < 3; n++) {
		if (strcmp(word, words[n]) == 0) {
			remote->what = n;
			return -1;
		}
	}
	fprintf(stderr, "heph: there is no command 'remote %s'\n", word);
	return tell_usage(stderr, EXIT_USAGE);
}

static int read_rest(struct remote *remote, int argc, char **argv)
{
	int code;

	if (argc < 2)
		return tell_usage(stderr, EXIT_USAGE);
	code = read_command(remote, argv[0]);
	if (code >= 0)
		return code;
	if (argc > 2) {
		fprintf(stderr, "heph: what is '%s' for?\n", argv[2]);
		return EXIT_USAGE;
	}
	if (!remote->count)
		remote->count = remote->what == REMOTE_PING ? 5 : 0;
	remote->text = argv[1];
	code = remote_url_read(&remote->url, argv[1]);
	return code ? code : -1;
}

/* Returns -1, or what to end with. */
static int read_arguments(struct remote *remote, int argc, char **argv)
{
	static char name[] = "heph remote";
	struct option longs[ALL + 1] = { { 0 } };
	char shorts[2 * ALL + 1], *at = shorts;
	int letter, code = -1;

	for (int n = 0; n < ALL; n++) {
		longs[n] = all[n].option;
		*at++ = (char)all[n].option.val;
		if (all[n].option.has_arg)
			*at++ = ':';
	}
	*at = '\0';
	argv[-1] = name;
	while (code < 0 && (letter = getopt_long(argc + 1, argv - 1, shorts,
						 longs, NULL)) != -1) {
		if (letter == 'h')
			code = tell_usage(stdout, 0);
		else if (letter == '?')
			code = tell_usage(stderr, EXIT_USAGE);
		else
			code = set(remote, letter);
	}
	if (code >= 0)
		return code;
	return read_rest(remote, argc + 1 - optind, argv - 1 + optind);
}

/* ---- the connection -------------------------------------------------------------------- */

/* The reason that the log has: of a line, what follows its "why=". */
static struct reason {
	char text[200];
	bool by_it; /* the other side has said it */
} reason;

/* On the thread of the log. The last one counts that says something. */
static void on_log(enum heph_log_level level, const char *line, size_t size)
{
	const char *at = strstr(line, " why=");
	size_t n = 0;
	char end = ' ';

	(void)level, (void)size;
	at = at ? at + sizeof(" why=") - 1 : "";
	if (*at == '"')
		end = *at++;
	if (*at == '"' || !*at)
		return;
	for (; *at && *at != '\n' && *at != end &&
	       n < sizeof(reason.text) - 1;
	     at++) {
		if (*at == '\\' && at[1])
			at++;
		reason.text[n++] = *at;
	}
	reason.text[n] = '\0';
	reason.by_it = strstr(at, " by_it=true") != NULL;
}

static void tell_reason(const struct remote *remote)
{
	heph_log_flush();
	if (!reason.text[0])
		return;
	fprintf(stderr, "heph: %s says: %s\n",
		reason.by_it ? "the other side" : "this side", reason.text);
	if (reason.by_it)
		fprintf(stderr, "heph: this side is \"%s\"\n",
			remote->options.name);
}

/* What to end with after an error, which is told. */
static int complain(const struct remote *remote, int err)
{
	const char *why = strerror(-err);

	switch (err) {
	case -ECANCELED:
		return 0;
	case -ETIME:
		why = "no answer in time";
		break;
	case -EACCES:
		why = remote->peer ?
			      "refused: it is another one, or one of both is "
			      "not welcome" :
			      "refused: one of both is not welcome";
		break;
	default:
		break;
	}
	fprintf(stderr, "heph: %s: %s\n", remote->text, why);
	tell_reason(remote);
	return err == -EACCES ? EXIT_REFUSED : EXIT_NONE;
}

static const char *trust_text(enum heph_trust trust)
{
	switch (trust) {
	case HEPH_TRUST_NAME:
		return "its name is proven";
	case HEPH_TRUST_KEY:
		return "it has the key";
	case HEPH_TRUST_HOST:
		return "somebody on this machine";
	case HEPH_TRUST_NONE:
		break;
	}
	return "whoever it may be";
}

/* Says with whom we speak. */
static int tell_peer(heph_ctx ctx, struct remote *remote, heph_node node)
{
	struct heph_peer_info *info = heph_alloc(ctx, sizeof(*info));
	int n;

	if (!info)
		return -ENOMEM;
	n = heph_node_peers(ctx, node, info, 1);
	if (n < 1)
		return n < 0 ? n : -ENOTCONN;
	memcpy(remote->found, info->name, sizeof(remote->found));
	if (!remote->json && remote->what != REMOTE_LIST)
		fprintf(stderr, "%s at %s over %s: %s\n", info->name,
			info->where, info->transport, trust_text(info->trust));
	return 0;
}

/* ---- ping --------------------------------------------------------------------------------- */

/* One object, which is taken, in a line. */
static void print_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int compare(const void *a, const void *b)
{
	const heph_time *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void tell_time(const struct remote *remote, heph_time took)
{
	if (remote->json)
		print_json(json_pack("{s:s, s:I}", "peer", remote->found,
				     "round_trip_ns", (json_int_t)took));
	else
		printf("%s: %.3f ms\n", remote->found,
		       (double)took / HEPH_MSEC);
	fflush(stdout);
}

static void tell_times(const struct remote *remote, heph_time *times, long n)
{
	if (remote->json || n < 2)
		return;
	qsort(times, (size_t)n, sizeof(*times), compare);
	printf("%ld pings: fastest %.3f, median %.3f, slowest %.3f ms\n", n,
	       (double)times[0] / HEPH_MSEC, (double)times[n / 2] / HEPH_MSEC,
	       (double)times[n - 1] / HEPH_MSEC);
}

static int ping(heph_ctx ctx, struct remote *remote, heph_node node)
{
	heph_time *times = calloc((size_t)remote->count, sizeof(*times));
	int err = times ? heph_own(ctx, times, free) : -ENOMEM;
	long n = 0;

	while (err == 0 && n < remote->count) {
		if (n > 0)
			err = heph_sleep(ctx, remote->interval);
		if (err == 0)
			err = heph_node_ping(heph_within(ctx, remote->timeout),
					     node, remote->found, &times[n]);
		if (err == 0)
			tell_time(remote, times[n++]);
	}
	if (times)
		tell_times(remote, times, n);
	return err;
}

/* ---- list --------------------------------------------------------------------------------- */

static void tell_name(const struct remote *remote, const char *name,
		      const char *type, const char *hash)
{
	if (remote->json) {
		print_json(json_pack("{s:s, s:s, s:s}", "name", name, "type",
				     type, "schema", hash));
		return;
	}
	text_print(stdout, name, 24);
	putchar(' ');
	text_print(stdout, type, 16);
	printf(" %s\n", hash);
}

static int list(heph_ctx ctx, struct remote *remote, heph_node node)
{
	char *text, *line, *rest;
	int err = heph_node_list(heph_within(ctx, remote->timeout), node,
				 remote->found, &text);

	if (err < 0)
		return err;
	if (!remote->json && *text)
		printf("%-24s %-16s %s\n", "NAME", "TYPE", "SCHEMA");
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		/* From the right: a name may have blanks in it. */
		char *hash = strrchr(line, ' '), *type = NULL;

		if (hash) {
			*hash++ = '\0';
			type = strrchr(line, ' ');
		}
		if (type) {
			*type++ = '\0';
			tell_name(remote, line, type, hash);
		}
	}
	free(text);
	return 0;
}

/* ---- tap ------------------------------------------------------------------------------------ */

struct looker_arg {
	struct remote *remote;
};
HEPH_ACTOR(looker, struct heph_node_event, struct looker_arg);

struct tap {
	struct remote *remote;
	looker_ref self;
	long n;
};

static void on_line(void *user, const char *line)
{
	struct tap *tap = user;

	if (tap->remote->count && tap->n >= tap->remote->count)
		return;
	tap->n++;
	if (tap->remote->json) {
		print_json(json_pack("{s:s, s:s}", "peer", tap->remote->found,
				     "line", line));
	} else {
		text_print(stdout, line, 0);
		putchar('\n');
	}
	fflush(stdout);
	if (tap->n == tap->remote->count)
		heph_stop(tap->self);
}

static int tap(heph_ctx ctx, looker_inbox in, struct remote *remote,
	       heph_node node)
{
	struct tap *tap = heph_alloc(ctx, sizeof(*tap));

	if (!tap)
		return -ENOMEM;
	*tap = (struct tap){ remote, heph_self(in), 0 };
	return heph_node_tap(ctx, node, remote->found, on_line, tap);
}

/* ---- the program ------------------------------------------------------------------------------ */

static int connect_to(heph_ctx ctx, struct remote *remote, heph_node *ret_node)
{
	struct heph_transport *transport;
	int err;

	remote->code = remote_url_open(heph_within(ctx, remote->timeout),
				       &remote->url, &remote->options,
				       &transport);
	if (remote->code)
		return -ECANCELED;
	err = heph_node_start(ctx, ret_node, .name = remote->options.name,
			      .attempts = 1, .handshake = remote->timeout);
	if (err == 0)
		err = heph_node_connect(heph_within(ctx, remote->timeout),
					*ret_node, transport, remote->url.where,
					remote->peer ? remote->peer : "");
	heph_transport_free(transport);
	return err < 0 ? err : tell_peer(ctx, remote, *ret_node);
}

/* Says of an error that comes after the connection what it means here. */
static int explain(const struct remote *remote, int err)
{
	if (err == -EACCES) {
		fprintf(stderr, "heph: %s does not tell: it is not %s\n",
			remote->found,
			remote->what == REMOTE_TAP ? ".tapped" : ".listed");
		return EXIT_REFUSED;
	}
	return err < 0 ? complain(remote, err) : 0;
}

static int looker_main(heph_ctx ctx, looker_inbox in, struct looker_arg *arg)
{
	struct remote *remote = arg->remote;
	heph_node node;
	int err = connect_to(ctx, remote, &node);

	if (err < 0) {
		if (!remote->code)
			remote->code = complain(remote, err);
		return 0;
	}
	if (remote->what == REMOTE_PING)
		err = ping(ctx, remote, node);
	else if (remote->what == REMOTE_LIST)
		err = list(ctx, remote, node);
	else
		err = tap(ctx, in, remote, node);
	remote->code = explain(remote, err);
	(void)!heph_node_stop(heph_shield(ctx, HEPH_SEC), node);
	return 0;
}
HEPH_ACTOR_MAIN(looker, looker_main);

int remote(int argc, char **argv)
{
	struct remote it = { .interval = 200 * HEPH_MSEC,
			     .timeout = 5 * HEPH_SEC };
	const struct heph_config config = { .name = "heph-remote",
					    .workers = 1 };
	int code = read_arguments(&it, argc, argv), err;

	if (code >= 0)
		return code;
	if (!it.options.name) {
		if (!it.options.cert ||
		    !remote_cert_name(it.options.cert, it.name, sizeof(it.name)))
			snprintf(it.name, sizeof(it.name), "heph-remote-%d",
				 getpid());
		it.options.name = it.name;
	}
	if (!getenv("HEPH_LOG")) { /* we say ourselves what is wrong */
		(void)!heph_log_set_filter("off,heph.remote=warn");
		heph_log_to_fn(on_log);
	}
	err = heph_run(&config, looker, { &it });
	if (err < 0) {
		fprintf(stderr, "heph: %s\n", strerror(-err));
		return EXIT_NONE;
	}
	return it.code;
}

#endif
