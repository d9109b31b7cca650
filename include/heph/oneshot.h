/* SPDX-License-Identifier: MIT */
/*
 * oneshot.h - channels for one value, from one sender to one receiver
 *
 *     HEPH_ONESHOT(result, struct result, result_drop);
 *
 *     err = heph_oneshot_new(result, &tx, &rx);
 *     err = heph_oneshot_send(tx, { .n = 1 });
 *     err = heph_oneshot_recv(ctx, rx, &result);
 *
 * Between plain threads, with a runtime or without, and actors of one runtime
 * or several. A send needs no context: there is always room.
 *
 * Handles  result_sender is used up by heph_oneshot_send(), whatever that
 *          returns, or given back by heph_oneshot_free(). result_receiver is
 *          given back by heph_oneshot_free(). Each is used by one at a time.
 * Ends     The sender is gone without a value: the receiver gets -EPIPE. The
 *          receiver is gone: the sender gets -EPIPE and keeps the value.
 * Owner    A value that was sent and not received goes to the drop function,
 *          once, on the thread that gives back the receiver, or resets it.
 *
 * A thread that has no runtime passes heph_no_ctx() where a context is wanted.
 */
#ifndef HEPH_ONESHOT_H
#define HEPH_ONESHOT_H

#include <heph/inbox.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_oneshot;

/* Which handle it is. */
enum { HEPH_ONESHOT_SENDER__ = 4, HEPH_ONESHOT_RECEIVER__ };

/* heph_oneshot_new(NAME, &tx, &rx): makes one. On failure the handles are
 * { 0 }. Returns 0; -EINVAL (a value of more than 1 MiB); -ENOMEM. Any thread. */
HEPH_API HEPH_MUST int heph_raw_oneshot_new(size_t size,
					    void (*drop)(void *value),
					    struct heph_oneshot **ret_shot);

/* heph_oneshot_free(handle): gives a handle back, of either kind; { 0 } is
 * ignored. Nobody waits through it. Any thread. */
HEPH_API void heph_raw_oneshot_free(struct heph_oneshot *shot, size_t kind);

/* heph_oneshot_is_connected(handle): whether the other side is there: for the
 * receiver, a sender that has not sent. Any thread. */
HEPH_API bool heph_raw_oneshot_is_connected(struct heph_oneshot *shot,
					    size_t kind);

/* Whether a sender and a receiver belong together. Any thread. */
#define heph_oneshot_same(a, b) ((a).shot == (b).shot)

/* heph_oneshot_send(tx, value): sends, and gives the handle back. Does not
 * wait. Returns 0; -EPIPE (the receiver is gone; the value is the caller's).
 * Any thread. */
HEPH_API HEPH_MUST int heph_raw_oneshot_send(struct heph_oneshot *shot,
					     const void *value, size_t size);

/* heph_oneshot_try_recv(rx, &value): does not wait. Returns 0; -EAGAIN (nothing
 * yet); -EPIPE (the sender is gone). Who has the receiver. */
HEPH_API HEPH_MUST int heph_raw_oneshot_try_recv(struct heph_oneshot *shot,
						 void *ret_value, size_t size);

/* heph_oneshot_recv(ctx, rx, &value): waits for the value.
 * Returns 0; -EPIPE (the sender is gone); -ETIME, -ECANCELED; -ENOMEM (a
 * deadline of an actor takes some). */
HEPH_API HEPH_MUST int heph_raw_oneshot_recv(heph_ctx ctx,
					     struct heph_oneshot *shot,
					     void *ret_value, size_t size);

/* heph_oneshot_reset(rx, &tx): makes a new sender, in the same memory; a value
 * that was not received is dropped. Returns 0; -EBUSY (the sender is there).
 * Who has the receiver. */
HEPH_API HEPH_MUST int heph_raw_oneshot_reset(struct heph_oneshot *shot);

/*
 * heph_on_oneshot(rx, &value) is a clause of heph_wait(): true when the value is
 * there, which it takes. When the sender is gone heph_wait() returns -EPIPE.
 */

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus

/* clang-format off */

/* HEPH_ONESHOT(NAME, type[, drop]) declares NAME_sender and NAME_receiver. */
#define HEPH_ONESHOT(...) HEPH_ONESHOT__(__VA_ARGS__, heph_keep__, )
#define HEPH_ONESHOT__(n_, type_, drop_, ...) \
	HEPH_VALUE__(n_, type_, drop_, "HEPH_ONESHOT"); \
	typedef struct n_##_sender n_##_sender; \
	typedef struct n_##_receiver n_##_receiver; \
	HEPH_HANDLE__(n_, n_##_sender, type_, HEPH_ONESHOT_SENDER__, struct heph_oneshot *shot); \
	HEPH_HANDLE__(n_, n_##_receiver, type_, HEPH_ONESHOT_RECEIVER__, struct heph_oneshot *shot)

#define HEPH_SHOT_TAKES__(rx_, ret_, who_) \
	HEPH_IS__(rx_, HEPH_ONESHOT_RECEIVER__, who_ ": " #rx_ " is not the receiver of a oneshot"); \
	HEPH_FILLS__(rx_, ret_, who_)

#define heph_oneshot_new(n_, tx_, rx_) HEPH_DO__( \
	HEPH_POINTS__(tx_, n_##_sender, "heph_oneshot_new"); \
	HEPH_POINTS__(rx_, n_##_receiver, "heph_oneshot_new"); \
	struct heph_oneshot *heph_c__; \
	const int heph_e__ = heph_raw_oneshot_new(sizeof(n_##_value__), n_##_drop_value__, &heph_c__); \
	(tx_)->shot = (rx_)->shot = heph_c__; \
	heph_e__)
#define heph_oneshot_free(handle_) heph_raw_oneshot_free((handle_).shot, sizeof(*(handle_).kind_t))
#define heph_oneshot_is_connected(handle_) heph_raw_oneshot_is_connected((handle_).shot, sizeof(*(handle_).kind_t))
#define heph_oneshot_send(tx_, ...) HEPH_DO__( \
	HEPH_IS__(tx_, HEPH_ONESHOT_SENDER__, "heph_oneshot_send: " #tx_ " is not the sender of a oneshot"); \
	HEPH_CHAN_LET__(tx_, __VA_ARGS__) heph_raw_oneshot_send((tx_).shot, &heph_m__, sizeof(heph_m__)))
#define heph_oneshot_try_recv(rx_, ret_) HEPH_DO__( \
	HEPH_SHOT_TAKES__(rx_, ret_, "heph_oneshot_try_recv"); \
	heph_raw_oneshot_try_recv((rx_).shot, (ret_), sizeof(*(ret_))))
#define heph_oneshot_recv(ctx_, rx_, ret_) HEPH_DO__( \
	HEPH_SHOT_TAKES__(rx_, ret_, "heph_oneshot_recv"); \
	heph_raw_oneshot_recv((ctx_), (rx_).shot, (ret_), sizeof(*(ret_))))
#define heph_oneshot_reset(rx_, tx_) HEPH_DO__( \
	HEPH_IS__(rx_, HEPH_ONESHOT_RECEIVER__, "heph_oneshot_reset: " #rx_ " is not the receiver of a oneshot"); \
	_Static_assert(HEPH_SAME__(*(tx_), *(rx_).sender_t), "heph_oneshot_reset: " #tx_ " is not for a sender to " #rx_); \
	struct heph_oneshot *heph_c__ = (rx_).shot; \
	const int heph_e__ = heph_raw_oneshot_reset(heph_c__); \
	(tx_)->shot = heph_e__ == 0 ? heph_c__ : NULL; \
	heph_e__)
#define heph_on_oneshot(rx_, ret_) __extension__({ \
	HEPH_SHOT_TAKES__(rx_, ret_, "heph_on_oneshot"); \
	(struct heph_on){ .what = HEPH_ON_ONESHOT__, .object = (rx_).shot, .ret = (ret_), .size = sizeof(*(ret_)) }; })

/* clang-format on */

#endif
#endif
