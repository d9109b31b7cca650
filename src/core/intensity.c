/* SPDX-License-Identifier: MIT */
#include "core/intensity.h"

#include "base/rand.h"

#define WITHIN_DEFAULT (5 * HEPH_SEC)

static bool unlimited(const struct heph_restarts *limits)
{
	return limits->times == HEPH_UNLIMITED;
}

const char *heph_restarts_wrong(const struct heph_restarts *limits)
{
	if (limits->times > HEPH_RESTARTS_MAX && !unlimited(limits))
		return "times: at most 1024, or HEPH_UNLIMITED";
	if (limits->within < 0)
		return "within: not below 0";
	if (limits->backoff < 0 || limits->backoff_max < 0)
		return "backoff, backoff_max: not below 0";
	if (limits->jitter > 100)
		return "jitter: 0 to 100 percent";
	return NULL;
}

size_t heph_intensity_size(const struct heph_restarts *limits)
{
	unsigned times = unlimited(limits) ? 0 : limits->times;

	return sizeof(struct heph_intensity) + times * sizeof(heph_time);
}

void heph_intensity_init(struct heph_intensity *intensity,
			 const struct heph_restarts *limits, uint64_t seed,
			 heph_time now)
{
	*intensity = (struct heph_intensity){ .limits = *limits,
					      .began = now,
					      .seed = seed };
	if (!limits->within)
		intensity->limits.within = WITHIN_DEFAULT;
	if (limits->backoff_max < limits->backoff)
		intensity->limits.backoff_max = limits->backoff;
}

/* Of those in the ring, the earliest that still counts is not before this. */
static heph_time horizon(const struct heph_intensity *intensity, heph_time now)
{
	return now - intensity->limits.within;
}

unsigned heph_intensity_left(const struct heph_intensity *intensity,
			     heph_time now)
{
	unsigned times = intensity->limits.times, used = 0;

	if (unlimited(&intensity->limits))
		return HEPH_UNLIMITED;
	for (unsigned i = 0; i < times && i < intensity->n; i++)
		used += intensity->when[i] >= horizon(intensity, now);
	return times - used;
}

/* Takes the place of the oldest one in the ring, if that does not count. */
static bool count(struct heph_intensity *intensity, heph_time now)
{
	unsigned times = intensity->limits.times;
	heph_time *oldest;

	if (unlimited(&intensity->limits))
		return true;
	if (!times)
		return false;
	oldest = &intensity->when[intensity->n % times];
	if (intensity->n >= times && *oldest >= horizon(intensity, now))
		return false;
	*oldest = now;
	return true;
}

static heph_time next_pause(const struct heph_intensity *intensity,
			    heph_time now)
{
	const struct heph_restarts *limits = &intensity->limits;

	if (!intensity->n || now - intensity->began > limits->within)
		return limits->backoff;
	if (intensity->pause > limits->backoff_max / 2)
		return limits->backoff_max;
	return intensity->pause * 2;
}

/* A pause without its random part. */
static heph_time shorten(const struct heph_intensity *intensity)
{
	heph_time percent = intensity->limits.jitter;
	heph_time most = intensity->pause / 100 * percent;
	struct heph_rand rand;

	if (!most)
		return intensity->pause;
	heph_rand_seed(&rand, intensity->seed + intensity->n);
	return intensity->pause -
	       (heph_time)heph_rand_below(&rand, (uint64_t)most + 1);
}

bool heph_intensity_add(struct heph_intensity *intensity, heph_time now,
			heph_time *ret_pause)
{
	if (!count(intensity, now))
		return false;
	intensity->pause = next_pause(intensity, now);
	intensity->n++;
	*ret_pause = shorten(intensity);
	intensity->began = now + *ret_pause;
	return true;
}
