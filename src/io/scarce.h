/* SPDX-License-Identifier: MIT */
/* scarce.h - telling what there is too little of, and who can give more */
#ifndef HEPH_IO_SCARCE_H
#define HEPH_IO_SCARCE_H

/* If that is the error of who wanted a descriptor and there is none: logs which
 * limit it was, not more than once in ten seconds. Any thread. */
void heph_scarce_tell(int err);

#endif
