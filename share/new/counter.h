/* counter.h - an actor that counts what it is told of */
#ifndef COUNTER_H
#define COUNTER_H

#include <heph/heph.h>

enum counter_kind {
	COUNTER_ADD,
	COUNTER_TOTAL,
};

struct counter_msg {
	enum counter_kind kind;
	long n;                  /* of COUNTER_ADD */
	HEPH_REPLY(long) total;  /* of COUNTER_TOTAL */
};

HEPH_ACTOR(counter, struct counter_msg, void);

#endif
