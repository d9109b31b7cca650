/* SPDX-License-Identifier: MIT */
/*
 * chan.hpp - channels and oneshots; a part of heph.hpp
 *
 *     heph_cxx::sender<std::string> tx;
 *     heph_cxx::receiver<std::string> rx;
 *
 *     err = heph_chan_new(16, &tx, &rx);
 *     err = heph_chan_send(ctx, tx, "hello");
 *     err = heph_chan_recv(ctx, rx, &text);
 *
 * The words of inbox.h and oneshot.h, where it is told what they do and return.
 * Handles are objects: they are moved, and given back when they are destroyed.
 * A copy of a sender is one more sender. Values are of any type that moves
 * without exceptions. A handle of C is taken over by sender(tx.chan), and given
 * to C by release().
 */
#ifndef HEPH_CXX_CHAN_HPP
#define HEPH_CXX_CHAN_HPP

#include <heph/cxx/message.hpp>

namespace heph_cxx
{

/* A handle of a channel or oneshot; empty, or one that is given back. */
template <class Raw, void (*give_back)(Raw *, size_t), size_t kind> class handle
{
      protected:
	Raw *it = nullptr;

      public:
	handle() = default;
	explicit handle(Raw *from) : it(from)
	{
	}
	handle(handle &&from) noexcept : it(from.release())
	{
	}
	handle &operator=(handle &&from) noexcept
	{
		put(from.release());
		return *this;
	}
	~handle()
	{
		give_back(it, kind);
	}

	explicit operator bool() const
	{
		return it;
	}
	Raw *get() const
	{
		return it;
	}
	Raw *release()
	{
		return std::exchange(it, nullptr);
	}
	void put(Raw *other)
	{
		give_back(std::exchange(it, other), kind);
	}
};

template <class T>
class sender
	: public handle<heph_chan, heph_raw_chan_free, HEPH_CHAN_SENDER__>
{
      public:
	using handle::handle;
	sender() = default;
	sender(sender &&) noexcept = default;
	sender &operator=(sender &&) noexcept = default;
	sender(const sender &from) : handle(from.it)
	{
		if (it)
			heph_raw_chan_new_sender(it);
	}
	sender &operator=(const sender &from)
	{
		return *this = sender(from);
	}
};

template <class T>
class receiver
	: public handle<heph_chan, heph_raw_chan_free, HEPH_CHAN_RECEIVER__>
{
      public:
	using handle::handle;
};

template <class T>
class manager
	: public handle<heph_chan, heph_raw_chan_free, HEPH_CHAN_MANAGER__>
{
      public:
	using handle::handle;
};

template <class T>
class oneshot_sender : public handle<heph_oneshot, heph_raw_oneshot_free,
				     HEPH_ONESHOT_SENDER__>
{
      public:
	using handle::handle;
};

template <class T>
class oneshot_receiver : public handle<heph_oneshot, heph_raw_oneshot_free,
				       HEPH_ONESHOT_RECEIVER__>
{
      public:
	using handle::handle;
};

} /* namespace heph_cxx */

/* ---- channels ------------------------------------------------------------------ */

template <class T>
[[nodiscard]] int heph_chan_new(unsigned capacity, heph_cxx::sender<T> *ret_tx,
				heph_cxx::receiver<T> *ret_rx)
{
	heph_chan *chan;
	int err = heph_raw_chan_new(sizeof(heph_cxx::wire<T>), capacity,
				    heph_cxx::drop_wire<T>, false, &chan);

	heph_cxx::check_moves<T>();
	ret_tx->put(err == 0 ? chan : nullptr);
	ret_rx->put(err == 0 ? chan : nullptr);
	return err;
}

template <class T>
[[nodiscard]] int heph_chan_new_managed(unsigned capacity,
					heph_cxx::manager<T> *ret_manager,
					heph_cxx::sender<T> *ret_tx,
					heph_cxx::receiver<T> *ret_rx)
{
	heph_chan *chan;
	int err = heph_raw_chan_new(sizeof(heph_cxx::wire<T>), capacity,
				    heph_cxx::drop_wire<T>, true, &chan);

	heph_cxx::check_moves<T>();
	ret_manager->put(err == 0 ? chan : nullptr);
	ret_tx->put(err == 0 ? chan : nullptr);
	ret_rx->put(err == 0 ? chan : nullptr);
	return err;
}

template <class T>
heph_cxx::sender<T> heph_chan_new_sender(const heph_cxx::manager<T> &from)
{
	heph_raw_chan_new_sender(from.get());
	return heph_cxx::sender<T>(from.get());
}

template <class T>
heph_cxx::sender<T> heph_chan_new_sender(const heph_cxx::receiver<T> &from)
{
	heph_raw_chan_new_sender(from.get());
	return heph_cxx::sender<T>(from.get());
}

template <class T>
[[nodiscard]] int heph_chan_new_receiver(const heph_cxx::manager<T> &from,
					 heph_cxx::receiver<T> *ret_rx)
{
	int err = heph_raw_chan_new_receiver(from.get());

	ret_rx->put(err == 0 ? from.get() : nullptr);
	return err;
}

template <class T, class U = T>
[[nodiscard]] int heph_chan_send(heph_ctx ctx, const heph_cxx::sender<T> &tx,
				 U &&msg)
{
	heph_cxx::check_catch("heph_chan_send");
	return heph_cxx::give_as<T>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_chan_send(ctx, tx.get(), at, size);
		});
}

template <class T, class U = T>
[[nodiscard]] int heph_chan_try_send(const heph_cxx::sender<T> &tx, U &&msg)
{
	return heph_cxx::give_as<T>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_chan_try_send(tx.get(), at, size);
		});
}

template <class T>
[[nodiscard]] int heph_chan_join(heph_ctx ctx, const heph_cxx::sender<T> &tx)
{
	return heph_raw_chan_join(ctx, tx.get());
}

template <class T>
[[nodiscard]] int heph_chan_recv(heph_ctx ctx, const heph_cxx::receiver<T> &rx,
				 heph_cxx::same<T> *ret)
{
	heph_cxx::check_catch("heph_chan_recv");
	return heph_cxx::get(ret, [&](void *at, size_t size) {
		return heph_raw_chan_recv(ctx, rx.get(), at, size);
	});
}

template <class T>
heph_cxx::result<T> heph_chan_recv(heph_ctx ctx,
				   const heph_cxx::receiver<T> &rx)
{
	heph_cxx::check_catch("heph_chan_recv");
	return heph_cxx::get<T>([&](void *at, size_t size) {
		return heph_raw_chan_recv(ctx, rx.get(), at, size);
	});
}

template <class T>
[[nodiscard]] int heph_chan_try_recv(const heph_cxx::receiver<T> &rx,
				     heph_cxx::same<T> *ret)
{
	return heph_cxx::get(ret, [&](void *at, size_t size) {
		return heph_raw_chan_try_recv(rx.get(), at, size);
	});
}

/* A clause of heph_wait(). */
template <class T>
heph_cxx::on_value<T> heph_on_chan(const heph_cxx::receiver<T> &rx,
				   heph_cxx::same<T> *ret)
{
	heph_on on = {};

	on.what = HEPH_ON_CHAN__;
	on.object = rx.get();
	return heph_cxx::make_clause(on, ret);
}

template <class T>
bool heph_chan_is_connected(const heph_cxx::sender<T> &tx)
{
	return heph_raw_chan_is_connected(tx.get(), HEPH_CHAN_SENDER__);
}

template <class T>
bool heph_chan_is_connected(const heph_cxx::receiver<T> &rx)
{
	return heph_raw_chan_is_connected(rx.get(), HEPH_CHAN_RECEIVER__);
}

/* ---- oneshots ------------------------------------------------------------------ */

template <class T>
[[nodiscard]] int heph_oneshot_new(heph_cxx::oneshot_sender<T> *ret_tx,
				   heph_cxx::oneshot_receiver<T> *ret_rx)
{
	heph_oneshot *shot;
	int err = heph_raw_oneshot_new(sizeof(heph_cxx::wire<T>),
				       heph_cxx::drop_wire<T>, &shot);

	heph_cxx::check_moves<T>();
	ret_tx->put(err == 0 ? shot : nullptr);
	ret_rx->put(err == 0 ? shot : nullptr);
	return err;
}

/* Uses the sender up: heph_oneshot_send(std::move(tx), value). */
template <class T, class U = T>
int heph_oneshot_send(heph_cxx::oneshot_sender<T> &&tx, U &&msg)
{
	return heph_cxx::give_as<T>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_oneshot_send(tx.release(), at, size);
		});
}

template <class T>
[[nodiscard]] int heph_oneshot_recv(heph_ctx ctx,
				    const heph_cxx::oneshot_receiver<T> &rx,
				    heph_cxx::same<T> *ret)
{
	heph_cxx::check_catch("heph_oneshot_recv");
	return heph_cxx::get(ret, [&](void *at, size_t size) {
		return heph_raw_oneshot_recv(ctx, rx.get(), at, size);
	});
}

template <class T>
heph_cxx::result<T> heph_oneshot_recv(heph_ctx ctx,
				      const heph_cxx::oneshot_receiver<T> &rx)
{
	heph_cxx::check_catch("heph_oneshot_recv");
	return heph_cxx::get<T>([&](void *at, size_t size) {
		return heph_raw_oneshot_recv(ctx, rx.get(), at, size);
	});
}

template <class T>
[[nodiscard]] int heph_oneshot_try_recv(const heph_cxx::oneshot_receiver<T> &rx,
					heph_cxx::same<T> *ret)
{
	return heph_cxx::get(ret, [&](void *at, size_t size) {
		return heph_raw_oneshot_try_recv(rx.get(), at, size);
	});
}

template <class T>
[[nodiscard]] int heph_oneshot_reset(const heph_cxx::oneshot_receiver<T> &rx,
				     heph_cxx::oneshot_sender<T> *ret_tx)
{
	int err = heph_raw_oneshot_reset(rx.get());

	ret_tx->put(err == 0 ? rx.get() : nullptr);
	return err;
}

/* A clause of heph_wait(). */
template <class T>
heph_cxx::on_value<T> heph_on_oneshot(const heph_cxx::oneshot_receiver<T> &rx,
				      heph_cxx::same<T> *ret)
{
	heph_on on = {};

	on.what = HEPH_ON_ONESHOT__;
	on.object = rx.get();
	return heph_cxx::make_clause(on, ret);
}

#endif
