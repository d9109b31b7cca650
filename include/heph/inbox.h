/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - bounded channels: many senders, one receiver
 *
 * What an actor's own inbox is for messages to that actor, a channel is for
 * values between whoever holds its handles: plain threads, with a runtime or
 * without, and actors of one runtime or several.
 *
 *     HEPH_CHAN(job, struct job, job_drop);
 *
 *     err = heph_chan_new(job, 16, &tx, &rx);
 *     err = heph_chan_send(ctx, tx, { .n = 1 });
 *     err = heph_chan_recv(ctx, rx, &job);
 *
 * Handles  job_sender can be used by several at a time, job_receiver by one.
 *          They are values; each stands for one that has to be given back by
 *          heph_chan_free(), and is not used after that. There may be a
 *          job_manager: it keeps the channel and what is in it while there is
 *          no receiver, and makes the next one.
 * Order    Values are received in the order in which they were sent, whoever
 *          sent them; who waits to send has its place in that order.
 * Ends     The senders are gone: the receiver takes what is there, then gets
 *          -EPIPE. Receiver and manager are gone: senders get -EPIPE, and what
 *          is in the channel is dropped.
 * Owner    A send that returns 0 has given the value away; any other result
 *          leaves it with the sender. What is never received goes to the drop
 *          function, once, on the thread that gave back the last receiver or
 *          manager. What was received is the receiver's.
 *
 * A thread that has no runtime passes heph_no_ctx() where a context is wanted.
 * An actor that waits only suspends itself.
 */
#ifndef HEPH_INBOX_H
#define HEPH_INBOX_H

#include <heph/message.h>
#include <heph/time.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_chan;

/* Which handle it is. */
enum { HEPH_CHAN_SENDER__ = 1, HEPH_CHAN_RECEIVER__, HEPH_CHAN_MANAGER__ };

/* ---- handles ------------------------------------------------------------- */

/*
 * heph_chan_new(NAME, capacity, &tx, &rx): makes a channel for 1 to 2^20
 * values, with one sender and the receiver; heph_chan_new_managed(NAME,
 * capacity, &manager, &tx, &rx): with a manager as well. On failure the handles
 * are { 0 }. Returns 0; -EINVAL (capacity); -ENOMEM. Any thread.
 */
HEPH_API HEPH_MUST int heph_raw_chan_new(size_t size, unsigned capacity,
					 void (*drop)(void *value), bool managed,
					 struct heph_chan **ret_chan);

/* heph_chan_new_sender(handle): one more sender, made from any handle; also when
 * all senders were gone. Never fails. Any thread. */
HEPH_API void heph_raw_chan_new_sender(struct heph_chan *chan);

/* heph_chan_new_receiver(manager, &rx): the next receiver. Values that nobody
 * received are still there. Returns 0; -EBUSY (there is one). Any thread. */
HEPH_API HEPH_MUST int heph_raw_chan_new_receiver(struct heph_chan *chan);

/* heph_chan_free(handle): gives a handle back, of whichever kind; { 0 } is
 * ignored. Nobody waits through it. Any thread. */
HEPH_API void heph_raw_chan_free(struct heph_chan *chan, size_t kind);

/* heph_chan_is_connected(handle): a sender: whether there is a receiver or a
 * manager; once false it stays so. The others: whether there are senders, of
 * which new ones can be made. Any thread. */
HEPH_API bool heph_raw_chan_is_connected(struct heph_chan *chan, size_t kind);

/* heph_chan_has_manager(handle): whether there is a manager. Any thread. */
HEPH_API bool heph_raw_chan_has_manager(struct heph_chan *chan);

/* heph_chan_capacity(handle): how many values there can be. Any thread. */
HEPH_API unsigned heph_raw_chan_capacity(const struct heph_chan *chan);

/* heph_chan_count(handle): how many there were at some moment during the call;
 * those of senders that wait are not among them. Any thread. */
HEPH_API unsigned heph_raw_chan_count(struct heph_chan *chan);

/* Whether two handles, of any kind, are of the same channel; and a number that
 * no other channel has while it is there. Any thread. */
#define heph_chan_same(a, b) ((a).chan == (b).chan)
#define heph_chan_id(handle) ((uintptr_t)(handle).chan)

/* ---- sending ------------------------------------------------------------- */

/* heph_chan_try_send(tx, value): does not wait. Returns 0; -EAGAIN (full, or
 * others wait); -EPIPE (receiver and manager are gone). Any thread. */
HEPH_API HEPH_MUST int heph_raw_chan_try_send(struct heph_chan *chan,
					      const void *value, size_t size);

/* heph_chan_send(ctx, tx, value): waits while the channel is full.
 * Returns 0; -EPIPE; -ETIME, -ECANCELED; -ENOMEM (to wait takes some). */
HEPH_API HEPH_MUST int heph_raw_chan_send(heph_ctx ctx, struct heph_chan *chan,
					  const void *value, size_t size);

/* heph_chan_join(ctx, tx): waits until receiver and manager are gone.
 * Returns 0; -ETIME, -ECANCELED; -ENOMEM. */
HEPH_API HEPH_MUST int heph_raw_chan_join(heph_ctx ctx, struct heph_chan *chan);

/* ---- receiving ----------------------------------------------------------- */

/* heph_chan_try_recv(rx, &value): does not wait. Returns 0; -EAGAIN (empty);
 * -EPIPE (empty, and all senders are gone). Who has the receiver. */
HEPH_API HEPH_MUST int heph_raw_chan_try_recv(struct heph_chan *chan,
					      void *ret_value, size_t size);

/* heph_chan_recv(ctx, rx, &value): waits for the next value.
 * Returns 0; -EPIPE (empty, and all senders are gone); -ETIME, -ECANCELED;
 * -ENOMEM (a deadline of an actor takes some). */
HEPH_API HEPH_MUST int heph_raw_chan_recv(heph_ctx ctx, struct heph_chan *chan,
					  void *ret_value, size_t size);

/* heph_chan_try_peek(rx, &ptr): where the next value is. It stays there, and
 * the channel's, until it is received; it may be changed. Results as those of
 * heph_chan_try_recv(), and then `ptr` is NULL. */
HEPH_API HEPH_MUST int heph_raw_chan_try_peek(struct heph_chan *chan,
					      void **ret_value);

/* heph_chan_peek(ctx, rx, &ptr): waits until there is a value. Results as those
 * of heph_chan_recv(). */
HEPH_API HEPH_MUST int heph_raw_chan_peek(heph_ctx ctx, struct heph_chan *chan,
					  void **ret_value);

/*
 * heph_on_chan(rx, &value) is a clause of heph_wait(): true when there is a
 * value, which it takes. When all senders are gone and the channel is empty,
 * heph_wait() returns -EPIPE.
 */

/* ---- the typed half -------------------------------------------------------- */

#ifdef __cplusplus
}
#endif

#include <heph/typed.h>

#ifndef __cplusplus

/* clang-format off */

/* HEPH_CHAN(NAME, type[, drop]) declares NAME_sender, NAME_receiver and
 * NAME_manager. `drop`, void (*)(type *), frees what a value owns; it must not
 * wait. */
#define HEPH_CHAN(...) HEPH_CHAN__(__VA_ARGS__, heph_keep__, )
#define HEPH_CHAN__(n_, type_, drop_, ...) \
	HEPH_VALUE__(n_, type_, drop_, "HEPH_CHAN"); \
	typedef struct n_##_sender n_##_sender; \
	typedef struct n_##_receiver n_##_receiver; \
	HEPH_HANDLE__(n_, n_##_sender, type_, HEPH_CHAN_SENDER__, struct heph_chan *chan); \
	HEPH_HANDLE__(n_, n_##_receiver, type_, HEPH_CHAN_RECEIVER__, struct heph_chan *chan); \
	typedef struct n_##_manager n_##_manager; \
	HEPH_HANDLE__(n_, n_##_manager, type_, HEPH_CHAN_MANAGER__, struct heph_chan *chan)

/* What a type of values needs, of oneshots too: its size, and a function that
 * drops one. */
#define HEPH_VALUE__(n_, type_, drop_, who_) \
	_Static_assert(__builtin_classify_type(*(type_ *)0) == 12, who_ ": a value is a struct"); \
	_Static_assert(_Alignof(type_) <= 16, who_ ": a value is aligned to at most 16 bytes"); \
	_Static_assert(sizeof(type_) <= HEPH_MSG_MAX, who_ ": a value has at most 1 MiB"); \
	typedef type_ n_##_value__; \
	__attribute__((unused)) static inline void n_##_drop_value__(void *value) \
	{ HEPH_STRICT__ drop_((type_ *)value); HEPH_END__ }

/* A handle: the sizes of what its members point to are numbers and types for
 * the macros. */
#define HEPH_HANDLE__(n_, handle_, type_, kind_, ...) \
	struct handle_ { union { \
		__VA_ARGS__; \
		char (*kind_t)[kind_]; \
		type_ *value_t; \
		n_##_sender *sender_t; \
		n_##_receiver *receiver_t; \
	}; }

static inline void heph_keep__(void *value) { (void)value; }

#define HEPH_IS__(handle_, kind_, text_) \
	_Static_assert(sizeof(*(handle_).kind_t) == kind_, text_)
#define HEPH_SENDER__(tx_, who_) HEPH_IS__(tx_, HEPH_CHAN_SENDER__, who_ ": " #tx_ " is not a sender")
#define HEPH_RECEIVER__(rx_, who_) HEPH_IS__(rx_, HEPH_CHAN_RECEIVER__, who_ ": " #rx_ " is not a receiver")
#define HEPH_POINTS__(ret_, type_, who_) \
	_Static_assert(HEPH_SAME__(ret_, type_ *), who_ ": " #ret_ " is not a " #type_ " *")
#define HEPH_TAKES__(rx_, ret_, who_) \
	HEPH_RECEIVER__(rx_, who_); \
	HEPH_FILLS__(rx_, ret_, who_)
#define HEPH_FILLS__(rx_, ret_, who_) \
	_Static_assert(HEPH_SAME__(*(ret_), *(rx_).value_t), who_ ": " #ret_ " is not a pointer to the values of " #rx_)
#define HEPH_CHAN_LET__(tx_, ...) HEPH_LET__(__typeof__(*(tx_).value_t), heph_m__, __VA_ARGS__)

#define heph_chan_new(n_, capacity_, tx_, rx_) HEPH_DO__( \
	HEPH_POINTS__(tx_, n_##_sender, "heph_chan_new"); \
	HEPH_POINTS__(rx_, n_##_receiver, "heph_chan_new"); \
	struct heph_chan *heph_c__; \
	const int heph_e__ = heph_raw_chan_new(sizeof(n_##_value__), (capacity_), n_##_drop_value__, false, &heph_c__); \
	(tx_)->chan = (rx_)->chan = heph_c__; \
	heph_e__)
#define heph_chan_new_managed(n_, capacity_, manager_, tx_, rx_) HEPH_DO__( \
	HEPH_POINTS__(manager_, n_##_manager, "heph_chan_new_managed"); \
	HEPH_POINTS__(tx_, n_##_sender, "heph_chan_new_managed"); \
	HEPH_POINTS__(rx_, n_##_receiver, "heph_chan_new_managed"); \
	struct heph_chan *heph_c__; \
	const int heph_e__ = heph_raw_chan_new(sizeof(n_##_value__), (capacity_), n_##_drop_value__, true, &heph_c__); \
	(manager_)->chan = (tx_)->chan = (rx_)->chan = heph_c__; \
	heph_e__)
#define heph_chan_new_sender(handle_) __extension__({ \
	struct heph_chan *heph_c__ = (handle_).chan; \
	heph_raw_chan_new_sender(heph_c__); \
	(__typeof__(*(handle_).sender_t)){ { .chan = heph_c__ } }; })
#define heph_chan_new_receiver(manager_, rx_) HEPH_DO__( \
	HEPH_IS__(manager_, HEPH_CHAN_MANAGER__, "heph_chan_new_receiver: " #manager_ " is not a manager"); \
	_Static_assert(HEPH_SAME__(*(rx_), *(manager_).receiver_t), "heph_chan_new_receiver: " #rx_ " is not for a receiver of " #manager_); \
	struct heph_chan *heph_c__ = (manager_).chan; \
	const int heph_e__ = heph_raw_chan_new_receiver(heph_c__); \
	(rx_)->chan = heph_e__ == 0 ? heph_c__ : NULL; \
	heph_e__)
#define heph_chan_free(handle_) heph_raw_chan_free((handle_).chan, sizeof(*(handle_).kind_t))
#define heph_chan_is_connected(handle_) heph_raw_chan_is_connected((handle_).chan, sizeof(*(handle_).kind_t))
#define heph_chan_has_manager(handle_) heph_raw_chan_has_manager((handle_).chan)
#define heph_chan_capacity(handle_) heph_raw_chan_capacity((handle_).chan)
#define heph_chan_count(handle_) heph_raw_chan_count((handle_).chan)

#define heph_chan_try_send(tx_, ...) HEPH_DO__( \
	HEPH_SENDER__(tx_, "heph_chan_try_send"); \
	HEPH_CHAN_LET__(tx_, __VA_ARGS__) heph_raw_chan_try_send((tx_).chan, &heph_m__, sizeof(heph_m__)))
#define heph_chan_send(ctx_, tx_, ...) HEPH_DO__( \
	HEPH_SENDER__(tx_, "heph_chan_send"); \
	HEPH_CHAN_LET__(tx_, __VA_ARGS__) heph_raw_chan_send((ctx_), (tx_).chan, &heph_m__, sizeof(heph_m__)))
#define heph_chan_join(ctx_, tx_) HEPH_DO__( \
	HEPH_SENDER__(tx_, "heph_chan_join"); heph_raw_chan_join((ctx_), (tx_).chan))

#define heph_chan_try_recv(rx_, ret_) HEPH_DO__( \
	HEPH_TAKES__(rx_, ret_, "heph_chan_try_recv"); heph_raw_chan_try_recv((rx_).chan, (ret_), sizeof(*(ret_))))
#define heph_chan_recv(ctx_, rx_, ret_) HEPH_DO__( \
	HEPH_TAKES__(rx_, ret_, "heph_chan_recv"); heph_raw_chan_recv((ctx_), (rx_).chan, (ret_), sizeof(*(ret_))))
#define heph_chan_try_peek(rx_, ret_ptr_) HEPH_DO__( \
	HEPH_TAKES__(rx_, *(ret_ptr_), "heph_chan_try_peek"); \
	void *heph_p__; \
	const int heph_e__ = heph_raw_chan_try_peek((rx_).chan, &heph_p__); \
	*(ret_ptr_) = heph_p__; \
	heph_e__)
#define heph_chan_peek(ctx_, rx_, ret_ptr_) HEPH_DO__( \
	HEPH_TAKES__(rx_, *(ret_ptr_), "heph_chan_peek"); \
	void *heph_p__; \
	const int heph_e__ = heph_raw_chan_peek((ctx_), (rx_).chan, &heph_p__); \
	*(ret_ptr_) = heph_p__; \
	heph_e__)
#define heph_on_chan(rx_, ret_) __extension__({ \
	HEPH_TAKES__(rx_, ret_, "heph_on_chan"); \
	(struct heph_on){ .what = HEPH_ON_CHAN__, .object = (rx_).chan, .ret = (ret_), .size = sizeof(*(ret_)) }; })

/* clang-format on */

#endif
#endif
