/* SPDX-License-Identifier: MIT */
/*
 * Dates of cookies: pieces of text between separators, each of which is the first
 * of these that it can be and that was not there yet: a time, a day, a month, a
 * year. What is none of them is left out.
 */
#include "http/date.h"

#include "http/text.h"

struct found {
	struct date date;
	bool time, day, month, year;
};

static bool is_separator(char c)
{
	unsigned char u = (unsigned char)c;

	return u == 0x09 || (u >= 0x20 && u <= 0x2f) ||
	       (u >= 0x3b && u <= 0x40) || (u >= 0x5b && u <= 0x60) ||
	       (u >= 0x7b && u <= 0x7e);
}

/* A number of `least` to `most` digits at `*at`; what follows is no digit. */
static bool take_number(struct heph_str text, size_t *at, size_t least,
			size_t most, int *ret_number)
{
	size_t from = *at;
	int number = 0;

	for (; *at < text.size && text_is_digit(text.data[*at]); (*at)++) {
		if (*at - from == most)
			return false;
		number = number * 10 + (text.data[*at] - '0');
	}
	*ret_number = number;
	return *at - from >= least;
}

static bool take_colon(struct heph_str text, size_t *at)
{
	return *at < text.size && text.data[(*at)++] == ':';
}

static bool read_time(struct heph_str text, struct date *date)
{
	struct date read = *date;
	size_t at = 0;

	if (!take_number(text, &at, 1, 2, &read.hour) || !take_colon(text, &at) ||
	    !take_number(text, &at, 1, 2, &read.minute) ||
	    !take_colon(text, &at) ||
	    !take_number(text, &at, 1, 2, &read.second))
		return false;
	*date = read;
	return true;
}

static bool read_number(struct heph_str text, size_t least, size_t most,
			int *number)
{
	size_t at = 0;
	int read;

	if (!take_number(text, &at, least, most, &read))
		return false;
	*number = read;
	return true;
}

static bool read_month(struct heph_str text, struct date *date)
{
	int month = text.size >= 3 ? heph_http_date_month(text.data) : 0;

	if (month)
		date->month = month;
	return month;
}

static void read_piece(struct heph_str text, struct found *found)
{
	struct date *date = &found->date;

	if (!found->time && read_time(text, date))
		found->time = true;
	else if (!found->day && read_number(text, 1, 2, &date->day))
		found->day = true;
	else if (!found->month && read_month(text, date))
		found->month = true;
	else if (!found->year && read_number(text, 2, 4, &date->year))
		found->year = true;
}

int heph_http_cookie_date(struct heph_str text, int64_t *ret_seconds)
{
	struct found found = { .time = false };
	size_t at = 0, from;

	while (at < text.size) {
		while (at < text.size && is_separator(text.data[at]))
			at++;
		from = at;
		while (at < text.size && !is_separator(text.data[at]))
			at++;
		read_piece(text_part(text, from, at), &found);
	}
	if (!found.time || !found.day || !found.month || !found.year)
		return -EBADMSG;
	if (found.date.year < 100)
		found.date.year += found.date.year >= 70 ? 1900 : 2000;
	if (found.date.year < 1601 || found.date.second > 59)
		return -EBADMSG;
	return heph_http_date_seconds(&found.date, ret_seconds);
}
