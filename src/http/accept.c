/* SPDX-License-Identifier: MIT */
/*
 * For each one offered, the member of the list that fits it most closely decides
 * what it is worth; the one that is worth most is chosen, the first of several.
 */
#include <heph/http/accept.h>
#include <heph/http/media.h>
#include <heph/http/value.h>

#include "http/text.h"

enum { BEST = 1000, LEAST = 1 };

/* How closely a member fits what is offered: 0: not at all. */
typedef unsigned fit_fn(const struct heph_http_choice *choice,
			struct heph_str offered);

/* ---- members ------------------------------------------------------------------------ */

/* "0", "0.5", "1.000". */
static int read_q(struct heph_str text, unsigned *q)
{
	unsigned unit = BEST;

	if (text.size == 0 || text.size > 5 || (text.size > 1 && text.data[1] != '.'))
		return -EBADMSG;
	*q = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (i == 1)
			continue;
		if (!text_is_digit(text.data[i]))
			return -EBADMSG;
		*q += unit * (unsigned)(text.data[i] - '0');
		unit /= 10;
	}
	return *q <= BEST ? 0 : -EBADMSG;
}

static int split_member(struct heph_str member, struct heph_http_choice *choice)
{
	size_t end = text_find(member, 0, ';'), at = end, before = end;
	struct heph_http_param param;
	int got;

	choice->value = heph_http_text_trim(text_part(member, 0, end));
	choice->q = BEST;
	while ((got = heph_http_params_next(member, &at, &param)) > 0) {
		if (heph_str_equal_case(param.name, "q")) {
			got = read_q(param.value, &choice->q);
			break;
		}
		before = at;
	}
	choice->params = text_part(member, end, before);
	return got < 0 || choice->value.size == 0 ? -EBADMSG : 0;
}

int heph_http_choice_next(struct heph_str list, size_t *at,
			  struct heph_http_choice *ret_choice)
{
	struct heph_http_choice choice;
	struct heph_str member;
	int got = heph_http_list_next(list, at, &member);

	if (got <= 0)
		return got;
	got = split_member(member, &choice);
	if (got < 0)
		return got;
	*ret_choice = choice;
	return 1;
}

/* ---- choosing ------------------------------------------------------------------------ */

struct worth {
	unsigned fit, q;
};

/* What a list makes of one that is offered. */
static int weigh(struct heph_str list, struct heph_str offered, fit_fn *fits,
		 struct worth *worth)
{
	struct heph_http_choice choice;
	size_t at = 0;
	int got;

	while ((got = heph_http_choice_next(list, &at, &choice)) > 0) {
		unsigned fit = fits(&choice, offered);

		if (fit > worth->fit) {
			worth->fit = fit;
			worth->q = choice.q;
		}
	}
	return got;
}

/* The same with all fields of the name. Returns how many there were. */
static int weigh_all(const struct heph_http_fields *fields, const char *name,
		     struct heph_str offered, fit_fn *fits, struct worth *worth)
{
	int n = 0, err = 0;

	worth->fit = worth->q = 0;
	for (unsigned i = 0; i < fields->n && !err; i++) {
		const struct heph_http_field *field = &fields->at[i];

		if (!heph_str_equal_case(heph_http_field_name(field), name))
			continue;
		n++;
		err = weigh(heph_http_field_value(field), offered, fits, worth);
	}
	return err < 0 ? err : n;
}

/* `without`: whether one may be chosen without the field, or without being named. */
static int choose(const struct heph_http_fields *fields, const char *name,
		  const char *const *offered, unsigned n, fit_fn *fits,
		  unsigned (*without)(struct heph_str offered, int fields_n))
{
	int best = -ENOENT;
	unsigned best_q = 0;

	for (unsigned i = 0; i < n; i++) {
		struct heph_str one = heph_str(offered[i]);
		struct worth worth;
		int got = weigh_all(fields, name, one, fits, &worth);

		if (got < 0)
			return got;
		if (worth.fit == 0)
			worth.q = without(one, got);
		if (worth.q > best_q) {
			best_q = worth.q;
			best = (int)i;
		}
	}
	return best;
}

static unsigned all_without_field(struct heph_str offered, int fields_n)
{
	return fields_n == 0 ? BEST : 0;
}

static unsigned identity_alone(struct heph_str offered, int fields_n)
{
	return heph_str_equal_case(offered, "identity") ? LEAST : 0;
}

/* ---- what fits ----------------------------------------------------------------------- */

static bool same(struct heph_str a, struct heph_str b)
{
	return a.size == b.size &&
	       (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

static bool has_param(struct heph_str params, const struct heph_http_param *param)
{
	struct heph_http_param its;
	size_t at = 0;

	while (heph_http_params_next(params, &at, &its) > 0)
		if (same(its.name, param->name) && same(its.value, param->value))
			return true;
	return false;
}

/* How many parameters the member has, if what is offered has them all; or -1. */
static int count_params(struct heph_str wanted, struct heph_str offered)
{
	struct heph_http_param param;
	size_t at = 0;
	int n = 0;

	for (; heph_http_params_next(wanted, &at, &param) > 0; n++)
		if (!has_param(offered, &param))
			return -1;
	return n;
}

static unsigned fit_type(const struct heph_http_choice *choice,
			 struct heph_str offered)
{
	struct heph_http_media wanted, its;
	int n;

	if (heph_http_media_read(offered, &its) < 0 ||
	    heph_http_media_read(choice->value, &wanted) < 0)
		return 0;
	n = count_params(choice->params, its.params);
	if (n < 0)
		return 0;
	if (heph_str_equal(wanted.type, "*"))
		return heph_str_equal(wanted.subtype, "*") ? 1 : 0;
	if (!same(wanted.type, its.type))
		return 0;
	if (heph_str_equal(wanted.subtype, "*"))
		return 2;
	return same(wanted.subtype, its.subtype) ? 3 + (unsigned)n : 0;
}

/* "x-gzip" is an old name of "gzip". */
static struct heph_str coding(struct heph_str name)
{
	return name.size > 2 && strncasecmp(name.data, "x-", 2) == 0 ?
		       text_part(name, 2, name.size) :
		       name;
}

static unsigned fit_coding(const struct heph_http_choice *choice,
			   struct heph_str offered)
{
	if (heph_str_equal(choice->value, "*"))
		return 1;
	return same(coding(choice->value), coding(offered)) ? 2 : 0;
}

/* Whether a language is the other, or one of its kinds: "de-CH" of "de". */
static bool is_kind_of(struct heph_str language, struct heph_str of)
{
	return language.size >= of.size &&
	       strncasecmp(language.data, of.data, of.size) == 0 &&
	       (language.size == of.size || language.data[of.size] == '-');
}

/* What is named more exactly fits more closely; what is only related, least. */
static unsigned fit_language(const struct heph_http_choice *choice,
			     struct heph_str offered)
{
	const unsigned named = 1U << 16;

	if (heph_str_equal(choice->value, "*"))
		return 1;
	if (is_kind_of(offered, choice->value))
		return named + (unsigned)choice->value.size;
	return is_kind_of(choice->value, offered) ? 2 : 0;
}

int heph_http_accept_type(const struct heph_http_fields *fields,
			  const char *const *offered, unsigned n)
{
	return choose(fields, "Accept", offered, n, fit_type,
		      all_without_field);
}

int heph_http_accept_encoding(const struct heph_http_fields *fields,
			      const char *const *offered, unsigned n)
{
	return choose(fields, "Accept-Encoding", offered, n, fit_coding,
		      identity_alone);
}

int heph_http_accept_language(const struct heph_http_fields *fields,
			      const char *const *offered, unsigned n)
{
	return choose(fields, "Accept-Language", offered, n, fit_language,
		      all_without_field);
}
