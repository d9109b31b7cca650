/* SPDX-License-Identifier: MIT */
/* systemd.hpp - the actor of systemd.h, for the words of C++; a part of heph.hpp */
#ifndef HEPH_CXX_SYSTEMD_HPP
#define HEPH_CXX_SYSTEMD_HPP

#include <heph/cxx/actor.hpp>
#include <heph/cxx/group.hpp>
#include <heph/cxx/message.hpp>

#include <heph/systemd.h>

HEPH_ACTOR_DECLARED__(heph_systemd, heph_systemd_msg, heph_systemd_arg);

#endif
