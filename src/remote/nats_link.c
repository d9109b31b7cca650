/* SPDX-License-Identifier: MIT */
/* Links: what all who use a connection share. */
#include "remote/mem.h"
#include "remote/nats_state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- the config ----------------------------------------------------------------- */

/* A text of the config becomes the link's. */
static int keep(struct heph_nats_link *link, const char **text)
{
	size_t size;
	char *copy;

	if (!*text)
		return 0;
	size = strlen(*text) + 1;
	copy = heph_remote_mem_alloc(size);
	if (!copy)
		return -ENOMEM;
	link->texts[link->n_texts++] = memcpy(copy, *text, size);
	*text = copy;
	return 0;
}

static int keep_all(struct heph_nats_link *link)
{
	struct heph_nats_config *config = &link->config;
	const char **texts[] = {
		&config->url, &config->prefix, &config->name, &config->user,
		&config->password, &config->token, &config->credentials_file,
		&config->nkey_seed_file, &config->ca_file, &config->cert_file,
		&config->key_file,
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(texts) / sizeof(*texts); i++)
		err = keep(link, texts[i]);
	return err;
}

static void set_defaults(struct heph_nats_config *config)
{
	if (!config->prefix)
		config->prefix = "heph";
	if (!config->name)
		config->name = "heph";
	if (config->wait == 0)
		config->wait = 5 * HEPH_SEC;
	if (config->queue == 0)
		config->queue = 65536;
	if (config->buffer == 0)
		config->buffer = 8 << 20;
}

static bool is_prefix(const char *prefix)
{
	size_t size = strlen(prefix);

	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)prefix[i]) && prefix[i] != '_')
			return false;
	return size > 0 && size <= 32;
}

static bool is_valid(const struct heph_nats_config *config)
{
	return config->url && config->url[0] && is_prefix(config->prefix) &&
	       config->wait >= HEPH_MSEC && config->queue <= 1 << 20 &&
	       config->buffer <= INT32_MAX &&
	       !config->cert_file == !config->key_file &&
	       !config->user == !config->password;
}

/* ---- life ------------------------------------------------------------------------- */

int heph_nats_link_new(const struct heph_nats_config *config,
		       struct heph_nats_link **ret_link)
{
	struct heph_nats_link *link = heph_remote_mem_zero(sizeof(*link));
	int err;

	if (!link)
		return -ENOMEM;
	link->refs = 1;
	pthread_mutex_init(&link->making, NULL);
	pthread_mutex_init(&link->lock, NULL);
	err = heph_take_options__(&link->config, sizeof(*config), config) ? 0 :
									    -EINVAL;
	set_defaults(&link->config);
	if (err == 0)
		err = is_valid(&link->config) ? keep_all(link) : -EINVAL;
	if (err == 0)
		err = heph_chan_new(heph_nats_in, link->config.queue, &link->out,
				    &link->out_end);
	if (err < 0)
		heph_nats_link_unref(link);
	else
		*ret_link = link;
	return err;
}

struct heph_nats_link *heph_nats_link_ref(struct heph_nats_link *link)
{
	link->refs++;
	return link;
}

static void free_graves(struct heph_nats_link *link)
{
	struct heph_nats_sub_state *sub;

	while ((sub = link->graves)) {
		link->graves = sub->next;
		heph_chan_free(sub->tx);
		heph_remote_mem_free(sub->subject);
		heph_remote_mem_free(sub->group);
		heph_remote_mem_free(sub);
	}
}

void heph_nats_link_unref(struct heph_nats_link *link)
{
	if (!link || --link->refs > 0)
		return;
	free_graves(link);
	for (unsigned i = 0; i < HEPH_NATS_LISTENERS; i++)
		heph_chan_free(link->listeners[i]);
	heph_chan_free(link->out);
	heph_chan_free(link->out_end);
	for (unsigned i = 0; i < link->n_texts; i++) {
		explicit_bzero(link->texts[i], strlen(link->texts[i]));
		heph_remote_mem_free(link->texts[i]);
	}
	pthread_mutex_destroy(&link->lock);
	pthread_mutex_destroy(&link->making);
	heph_remote_mem_free(link);
}

/* ---- what it says -------------------------------------------------------------------- */

const char *heph_nats_prefix(const struct heph_nats_link *link)
{
	return link->config.prefix;
}

size_t heph_nats_payload_max(const struct heph_nats_link *link)
{
	return link->payload_max;
}

bool heph_nats_credentials(const struct heph_nats_link *link)
{
	const struct heph_nats_config *config = &link->config;

	return config->user || config->token || config->credentials_file ||
	       config->nkey_seed_file || config->cert_file ||
	       strchr(config->url, '@');
}

heph_time heph_nats_wait(const struct heph_nats_link *link)
{
	return link->config.wait;
}

bool heph_nats_connected(const struct heph_nats_link *link)
{
	return link->connected && !link->closed;
}

bool heph_nats_closed(const struct heph_nats_link *link)
{
	return link->closed;
}

uint64_t heph_nats_connects(const struct heph_nats_link *link)
{
	return link->connects;
}

void heph_nats_say_error(struct heph_nats_link *link, const char *text)
{
	pthread_mutex_lock(&link->lock);
	snprintf(link->error, sizeof(link->error), "%s", text ? text : "");
	pthread_mutex_unlock(&link->lock);
}

void heph_nats_unique(const struct heph_nats_link *link, const char *what,
		      char ret_subject[HEPH_NATS_SUBJECT_MAX])
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
	unsigned char random[22];
	size_t n;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort(); /* getrandom(2): never, up to 256 bytes */
	n = (size_t)snprintf(ret_subject, HEPH_NATS_SUBJECT_MAX - 24, "%s.%s.",
			     link->config.prefix, what);
	if (n > HEPH_NATS_SUBJECT_MAX - 25)
		n = HEPH_NATS_SUBJECT_MAX - 25;
	for (size_t i = 0; i < sizeof(random); i++)
		ret_subject[n++] = letters[random[i] & 63];
	ret_subject[n] = 0;
}

bool heph_nats_below(const struct heph_nats_link *link, const char *what,
		     const char *subject)
{
	size_t n = strlen(link->config.prefix), m = strlen(what);

	return strncmp(subject, link->config.prefix, n) == 0 && subject[n] == '.' &&
	       strncmp(subject + n + 1, what, m) == 0 && subject[n + 1 + m] == '.' &&
	       subject[n + m + 2] && !strpbrk(subject, "*> \t\r\n");
}

/* ---- events ------------------------------------------------------------------------------ */

/* The first place that is free: of one who does not listen any more as well. */
static heph_nats_events_sender *find_place(struct heph_nats_link *link)
{
	for (unsigned i = 0; i < HEPH_NATS_LISTENERS; i++)
		if (!link->listeners[i].chan ||
		    !heph_chan_is_connected(link->listeners[i]))
			return &link->listeners[i];
	return NULL;
}

int heph_nats_listen(struct heph_nats_link *link,
		     heph_nats_events_receiver *ret_events)
{
	heph_nats_events_sender tx, *place;
	int err;

	err = heph_chan_new(heph_nats_events, HEPH_NATS_EVENTS, &tx, ret_events);
	if (err < 0)
		return err;
	pthread_mutex_lock(&link->lock);
	place = find_place(link);
	if (link->closed)
		err = -ESRCH;
	else if (!place)
		err = -ENOMEM;
	if (err == 0) {
		heph_chan_free(*place);
		*place = tx;
	}
	pthread_mutex_unlock(&link->lock);
	if (err < 0) {
		heph_chan_free(tx);
		heph_chan_free(*ret_events);
	}
	return err;
}

void heph_nats_tell(struct heph_nats_link *link, bool connected)
{
	pthread_mutex_lock(&link->lock);
	for (unsigned i = 0; i < HEPH_NATS_LISTENERS; i++)
		if (link->listeners[i].chan &&
		    heph_chan_try_send(link->listeners[i], { connected }) ==
			    -EPIPE) {
			heph_chan_free(link->listeners[i]);
			link->listeners[i].chan = NULL;
		}
	pthread_mutex_unlock(&link->lock);
}
