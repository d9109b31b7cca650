/* SPDX-License-Identifier: MIT */
/* All headers within extern "C", as old code in C++ includes those of C. */
extern "C" {
#include <heph/heph.h>
#include <heph/http.h>
#include <heph/remote.h>
#include <heph/tls.h>
}

#include <heph/heph.hpp>

#include <cstring>

int main()
{
	return std::strcmp(HEPH_PATH__("here").text, "here") != 0;
}
