/* SPDX-License-Identifier: MIT */
/*
 * test.hpp - tests of actors with a clock in their hands; a part of heph.hpp
 *
 * The words of test.h, where it is told what they do.
 */
#ifndef HEPH_CXX_TEST_HPP
#define HEPH_CXX_TEST_HPP

#include <heph/cxx/message.hpp>
#include <heph/test.h>

#define HEPH_TEST_LINE__(line_) HEPH_TEST_STRING__(line_)
#define HEPH_TEST_STRING__(line_) #line_
#define HEPH_TEST_WHERE__ __FILE__ ":" HEPH_TEST_LINE__(__LINE__)

#define heph_probe(test_, n_, ret_)                                            \
	heph_raw_probe((test_), &n_##_actor,                                   \
		       heph_cxx::out<n_##_ref>(ret_).addr)
#define heph_expect_within(test_, length_, ref_, ret_msg_)                     \
	heph_cxx::expect(test_, length_, ref_, ret_msg_, HEPH_TEST_WHERE__)
#define heph_expect(test_, ref_, ret_msg_)                                     \
	heph_expect_within(test_, HEPH_TEST_PATIENCE, ref_, ret_msg_)
#define heph_expect_none(test_, ref_)                                          \
	heph_raw_expect_none((test_), (ref_).addr, HEPH_TEST_WHERE__)

namespace heph_cxx
{

template <class M>
void expect(heph_test *test, length within, ref<M> probe, same<M> *ret_msg,
	    const char *where)
{
	(void)get(ret_msg, [&](void *at, size_t size) {
		heph_raw_expect(test, within.n, probe.addr, at, size, where);
		return 0;
	});
}

/* What heph_test_new() made. */
class scoped_test
{
	heph_test *it = nullptr;

      public:
	scoped_test() = default;
	scoped_test(const scoped_test &) = delete;
	scoped_test &operator=(const scoped_test &) = delete;
	~scoped_test()
	{
		heph_test_free(it);
	}

	/* Once. Returns what heph_test_new() does. */
	[[nodiscard]] int start(const heph_test_config *config = nullptr)
	{
		return heph_test_new(&it, config);
	}
	heph_test *get() const
	{
		return it;
	}
	heph_ctx ctx() const
	{
		return heph_test_ctx(it);
	}
};

} /* namespace heph_cxx */

#endif
