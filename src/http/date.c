/* SPDX-License-Identifier: MIT */
/* The three forms differ in where things are: each is a pattern, read at once. */
#include "http/date.h"

#include <heph/http/date.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "http/text.h"

enum { DAY = 24 * 60 * 60 };

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][10] = { "Thursday", "Friday",	 "Saturday", "Sunday",
				  "Monday",   "Tuesday", "Wednesday" };

int heph_http_date_month(const char letters[3])
{
	for (int i = 0; i < 12; i++)
		if (strncasecmp(letters, months[i], 3) == 0)
			return i + 1;
	return 0;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31 };

	return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* Days from the begin of 1970 to that of a year. */
static int64_t days_before_year(int year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

int heph_http_date_seconds(const struct date *date, int64_t *ret_seconds)
{
	int64_t day;

	if (date->year < 1 || date->year > 9999 || date->month < 1 ||
	    date->month > 12 || date->day < 1 ||
	    date->day > days_in(date->year, date->month) || date->hour > 23 ||
	    date->minute > 59 || date->second > 60)
		return -EBADMSG;
	day = days_before_year(date->year) + date->day - 1;
	for (int month = 1; month < date->month; month++)
		day += days_in(date->year, month);
	*ret_seconds = day * DAY + date->hour * 3600 + date->minute * 60 +
		       date->second;
	return 0;
}

/* ---- reading -------------------------------------------------------------------- */

/* A number of digits that the pattern says; blanks only before those of asctime. */
static bool read_digits(const char *at, int n, int *number)
{
	*number = 0;
	for (int i = 0; i < n; i++) {
		if (!text_is_digit(at[i]))
			return false;
		*number = *number * 10 + (at[i] - '0');
	}
	return true;
}

static bool read_time(const char *at, struct date *date)
{
	return read_digits(at, 2, &date->hour) && at[2] == ':' &&
	       read_digits(at + 3, 2, &date->minute) && at[5] == ':' &&
	       read_digits(at + 6, 2, &date->second);
}

/* Case counts here. */
static bool read_month(const char *at, struct date *date)
{
	date->month = heph_http_date_month(at);
	return date->month && memcmp(at, months[date->month - 1], 3) == 0;
}

/* Whether it begins with the name of a day, of `size` letters. */
static bool is_day(const char *at, size_t size)
{
	for (int i = 0; i < 7; i++)
		if ((size == 3 || strlen(days[i]) == size) &&
		    memcmp(at, days[i], size) == 0)
			return true;
	return false;
}

/* "06 Nov 1994 08:49:37 GMT", behind the day's name. */
static bool read_fixed(const char *at, struct date *date)
{
	return read_digits(at, 2, &date->day) && at[2] == ' ' &&
	       read_month(at + 3, date) && at[6] == ' ' &&
	       read_digits(at + 7, 4, &date->year) && at[11] == ' ' &&
	       read_time(at + 12, date) && memcmp(at + 20, " GMT", 4) == 0;
}

/* A year of two digits: not more than 50 years from now. */
static int full_year(int year)
{
	time_t now = time(NULL);
	struct tm tm;
	int this_year = gmtime_r(&now, &tm) ? tm.tm_year + 1900 : 1970;

	year += this_year - this_year % 100;
	return year > this_year + 50 ? year - 100 : year;
}

/* "06-Nov-94 08:49:37 GMT". */
static bool read_850(const char *at, struct date *date)
{
	if (!read_digits(at, 2, &date->day) || at[2] != '-' ||
	    !read_month(at + 3, date) || at[6] != '-' ||
	    !read_digits(at + 7, 2, &date->year) || at[9] != ' ' ||
	    !read_time(at + 10, date) || memcmp(at + 18, " GMT", 4) != 0)
		return false;
	date->year = full_year(date->year);
	return true;
}

/* " Nov  6 08:49:37 1994". */
static bool read_asctime(const char *at, struct date *date)
{
	bool one = at[5] == ' ';

	return at[0] == ' ' && read_month(at + 1, date) && at[4] == ' ' &&
	       read_digits(at + 5 + one, one ? 1 : 2, &date->day) &&
	       at[7] == ' ' && read_time(at + 8, date) && at[16] == ' ' &&
	       read_digits(at + 17, 4, &date->year);
}

static bool read_date(struct heph_str text, struct date *date)
{
	size_t comma = text_find(text, 0, ',');

	if (text.size == 24 && comma == text.size)
		return is_day(text.data, 3) && read_asctime(text.data + 3, date);
	if (comma + 2 > text.size || text.data[comma + 1] != ' ' ||
	    !is_day(text.data, comma))
		return false;
	if (comma == 3)
		return text.size == 29 && read_fixed(text.data + 5, date);
	return text.size == comma + 24 && read_850(text.data + comma + 2, date);
}

int heph_http_date_read(struct heph_str text, int64_t *ret_seconds)
{
	struct date date;

	if (text.size < 24 || !read_date(text, &date))
		return -EBADMSG;
	return heph_http_date_seconds(&date, ret_seconds);
}

/* ---- writing -------------------------------------------------------------------- */

static void put_digits(char *at, int n, int number)
{
	while (n-- > 0) {
		at[n] = (char)('0' + number % 10);
		number /= 10;
	}
}

static struct date date_of(int64_t day)
{
	struct date date = { .year = (int)(1970 + day / 366), .month = 1 };

	while (days_before_year(date.year + 1) <= day)
		date.year++;
	day -= days_before_year(date.year);
	for (; day >= days_in(date.year, date.month); date.month++)
		day -= days_in(date.year, date.month);
	date.day = (int)day + 1;
	return date;
}

void heph_http_date_write(int64_t seconds, char text[HEPH_HTTP_DATE_SIZE])
{
	struct date date;
	int64_t day;
	int rest;

	seconds = seconds < 0 ? 0 :
		  seconds > LAST_SECOND ? LAST_SECOND : seconds;
	day = seconds / DAY;
	rest = (int)(seconds % DAY);
	date = date_of(day);
	memcpy(text, "Thu, 01 Jan 1970 00:00:00 GMT", HEPH_HTTP_DATE_SIZE);
	memcpy(text, days[day % 7], 3);
	put_digits(text + 5, 2, date.day);
	memcpy(text + 8, months[date.month - 1], 3);
	put_digits(text + 12, 4, date.year);
	put_digits(text + 17, 2, rest / 3600);
	put_digits(text + 20, 2, rest / 60 % 60);
	put_digits(text + 23, 2, rest % 60);
}
