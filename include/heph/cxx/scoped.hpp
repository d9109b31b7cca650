/* SPDX-License-Identifier: MIT */
/*
 * scoped.hpp - what is given back at the end of a block; a part of heph.hpp
 *
 * All of these are given back in any case when their actor, thread or program
 * ends. A class here does it earlier, and when an exception passes. heph_panic()
 * abandons frames: what is in them waits for the end of the actor then.
 */
#ifndef HEPH_CXX_SCOPED_HPP
#define HEPH_CXX_SCOPED_HPP

#include <heph/cxx/actor.hpp>

#include <cxxabi.h>

namespace heph_cxx
{

/* A descriptor of the actor, closed before the actor ends. */
class scoped_fd
{
	heph_fd fd;

      public:
	explicit scoped_fd(heph_fd it = {}) : fd(it)
	{
	}
	scoped_fd(scoped_fd &&from) noexcept : fd(from.release())
	{
	}
	scoped_fd &operator=(scoped_fd &&from) noexcept
	{
		heph_close(std::exchange(fd, from.release()));
		return *this;
	}
	~scoped_fd()
	{
		heph_close(fd);
	}

	heph_fd get() const
	{
		return fd;
	}
	heph_fd release()
	{
		return std::exchange(fd, heph_fd{});
	}
	/* For a call that opens one: heph_accept(ctx, listener, fd.put()). */
	heph_fd *put()
	{
		heph_close(release());
		return &fd;
	}
};

/* What heph_new() started; the thread that has it has `ctx`. */
class scoped_runtime
{
	heph_ctx it = {};

      public:
	scoped_runtime() = default;
	scoped_runtime(const scoped_runtime &) = delete;
	scoped_runtime &operator=(const scoped_runtime &) = delete;
	~scoped_runtime()
	{
		heph_free(it);
	}

	/* Once. Returns what heph_new() does. */
	[[nodiscard]] int start(const heph_config *config = nullptr)
	{
		return heph_new(&it, config);
	}
	heph_ctx ctx() const
	{
		return it;
	}
};

/* What heph_attach() gave to a thread. */
class scoped_thread
{
	heph_ctx it = {};

      public:
	scoped_thread() = default;
	scoped_thread(const scoped_thread &) = delete;
	scoped_thread &operator=(const scoped_thread &) = delete;
	~scoped_thread()
	{
		if (it.self)
			heph_detach(it);
	}

	/* Once. Returns what heph_attach() does. */
	[[nodiscard]] int attach(struct heph *heph)
	{
		return heph_attach(heph, &it);
	}
	heph_ctx ctx() const
	{
		return it;
	}
};

/*
 * What the C++ runtime knows of the exceptions of a thread, put away while an
 * actor waits in a destructor: meanwhile others may throw, and it may come to
 * another thread.
 */
class parked
{
	struct globals {
		void *caught;
		unsigned uncaught;
	} kept;

	/* Anew each time: its address is that of a thread. */
	__attribute__((noinline)) static globals swap(globals with)
	{
		__asm__ volatile("" ::: "memory");
		globals *now = reinterpret_cast<globals *>(
			abi::__cxa_get_globals());

		return std::exchange(*now, with);
	}

      public:
	parked() : kept(swap({ nullptr, 0 }))
	{
	}
	parked(const parked &) = delete;
	parked &operator=(const parked &) = delete;
	~parked()
	{
		swap(kept);
	}
};

/*
 * A scope, see own.h. Its end waits until the actors that were spawned in it have
 * ended, and gives back what was acquired in it; also when an exception passes.
 */
class scope
{
	heph_ctx ctx = {};
	heph_scope it = {};

      public:
	scope() = default;
	scope(const scope &) = delete;
	scope &operator=(const scope &) = delete;
	~scope()
	{
		close();
	}

	/* Once. Returns what heph_scope_open() does. */
	[[nodiscard]] int open(heph_ctx in)
	{
		int err = heph_scope_open(in, &it);

		if (err == 0)
			ctx = in;
		return err;
	}
	/* Returns what heph_scope_join() does. */
	[[nodiscard]] int join(heph_ctx by) const
	{
		check_catch("heph_scope_join");
		return heph_scope_join(by, it);
	}
	/* Waits. Before its time; again it does nothing. */
	void close()
	{
		if (ctx.self) {
			parked exceptions;

			heph_scope_close(std::exchange(ctx, {}), it);
		}
	}
};

/* What is undone by a function of the context and the address of an actor. */
template <int (*undo)(heph_ctx, heph_addr)> class scoped_ref
{
	heph_ctx ctx = {};
	heph_addr addr = {};

      public:
	scoped_ref() = default;
	scoped_ref(heph_ctx in, heph_addr to) : ctx(in), addr(to)
	{
	}
	scoped_ref(scoped_ref &&from) noexcept
		: ctx(from.ctx), addr(std::exchange(from.addr, {}))
	{
	}
	scoped_ref &operator=(scoped_ref &&from) noexcept
	{
		reset();
		ctx = from.ctx;
		addr = std::exchange(from.addr, {});
		return *this;
	}
	~scoped_ref()
	{
		reset();
	}

	explicit operator bool() const
	{
		return addr.id != 0;
	}
	void reset()
	{
		if (addr.id)
			undo(ctx, std::exchange(addr, {}));
	}
	/* It is given back when the actor ends. */
	void release()
	{
		addr = {};
	}
};

/* A hold of an actor: heph_hold() when it is made, heph_release() at its end. */
class hold : public scoped_ref<heph_raw_release>
{
      public:
	using scoped_ref::scoped_ref;
	/* Returns what heph_hold() does. */
	template <class Ref> [[nodiscard]] int take(heph_ctx ctx, const Ref &ref)
	{
		int err = heph_hold(ctx, ref);

		*static_cast<scoped_ref *>(this) =
			err == 0 ? scoped_ref(ctx, ref.addr) : scoped_ref();
		return err;
	}
	/* The first hold of one that was spawned `.held` by this actor. */
	template <class Ref> void adopt(heph_ctx ctx, const Ref &ref)
	{
		*static_cast<scoped_ref *>(this) = scoped_ref(ctx, ref.addr);
	}
};

/* A monitor of an actor: heph_monitor(), heph_demonitor(). */
class monitor : public scoped_ref<heph_raw_demonitor>
{
      public:
	using scoped_ref::scoped_ref;
	/* Returns what heph_monitor() does. */
	template <class Ref> [[nodiscard]] int take(heph_ctx ctx, const Ref &ref)
	{
		int err = heph_monitor(ctx, ref);

		*static_cast<scoped_ref *>(this) =
			err == 0 ? scoped_ref(ctx, ref.addr) : scoped_ref();
		return err;
	}
};

/* A message that is sent later, unless this ends before:
 * heph_send_timer(ctx, timer.put(ctx), ref, 5s, { ... }). */
class timer
{
	heph_ctx ctx = {};
	heph_timer_id it = {};

      public:
	timer() = default;
	timer(timer &&from) noexcept
		: ctx(from.ctx), it(std::exchange(from.it, {}))
	{
	}
	timer &operator=(timer &&from) noexcept
	{
		cancel();
		ctx = from.ctx;
		it = std::exchange(from.it, {});
		return *this;
	}
	~timer()
	{
		cancel();
	}

	heph_timer_id *put(heph_ctx in)
	{
		cancel();
		ctx = in;
		return &it;
	}
	const heph_timer_id *get() const
	{
		return &it;
	}
	/* Returns what heph_cancel_timer() does. */
	int cancel()
	{
		return it.number ? heph_cancel_timer(
					   ctx, std::exchange(it, {})) :
				   -ENOENT;
	}
	/* Returns what heph_timer_left() does. */
	heph_time left() const
	{
		return heph_timer_left(ctx, it);
	}
	void release()
	{
		it = {};
	}
};

/* For std::unique_ptr, of what one function frees:
 *     std::unique_ptr<heph_tls, heph_cxx::freed_by<heph_tls_free>> tls; */
template <auto fn> struct freed_by {
	template <class T> void operator()(T *it) const
	{
		fn(it);
	}
};

/* A struct of options that knows its own size, for functions with `raw` in their
 * names: auto options = heph_cxx::sized<heph_http_options>(); */
template <class T> T sized()
{
	T it = {};

	it.size = sizeof(it);
	return it;
}

} /* namespace heph_cxx */

#endif
