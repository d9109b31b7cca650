/* SPDX-License-Identifier: MIT */
/* describe.h - who was running, for reports and log lines */
#ifndef HEPH_CORE_DESCRIBE_H
#define HEPH_CORE_DESCRIBE_H

/* Tells the layers below how to find out. Once; further calls do nothing. */
void heph_describe_install(void);

#endif
