/* SPDX-License-Identifier: MIT */
/* doctor.h - heph doctor: which driver programs get here, and why */
#ifndef HEPH_TOOLS_DOCTOR_H
#define HEPH_TOOLS_DOCTOR_H

/* The arguments after "doctor". Returns the exit code. */
int doctor(int argc, char **argv);

#endif
