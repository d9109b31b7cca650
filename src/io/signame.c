/* SPDX-License-Identifier: MIT */
/* The names of signals, and their numbers. */
#include <heph/process.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#define NAME(name_) [SIG##name_] = "SIG" #name_
#define REAL(n_) [34 + (n_)] = "SIGRTMIN+" #n_

/* As signal(7) lists them. The C library keeps 32 and 33 for itself, so that
 * SIGRTMIN is 34. */
static const char *const names[] = {
	NAME(HUP),  NAME(INT),	  NAME(QUIT), NAME(ILL),    NAME(TRAP),
	NAME(ABRT), NAME(BUS),	  NAME(FPE),  NAME(KILL),   NAME(USR1),
	NAME(SEGV), NAME(USR2),	  NAME(PIPE), NAME(ALRM),   NAME(TERM),
	NAME(CHLD), NAME(STKFLT), NAME(CONT), NAME(STOP),   NAME(TSTP),
	NAME(TTIN), NAME(TTOU),	  NAME(URG),  NAME(XCPU),   NAME(XFSZ),
	NAME(VTALRM), NAME(PROF), NAME(WINCH), NAME(IO),    NAME(PWR),
	NAME(SYS),  [34] = "SIGRTMIN",
	REAL(1),    REAL(2),	  REAL(3),    REAL(4),	    REAL(5),
	REAL(6),    REAL(7),	  REAL(8),    REAL(9),	    REAL(10),
	REAL(11),   REAL(12),	  REAL(13),   REAL(14),	    REAL(15),
	REAL(16),   REAL(17),	  REAL(18),   REAL(19),	    REAL(20),
	REAL(21),   REAL(22),	  REAL(23),   REAL(24),	    REAL(25),
	REAL(26),   REAL(27),	  REAL(28),   REAL(29),	    [64] = "SIGRTMAX",
};

enum { N_NAMES = sizeof(names) / sizeof(*names) };

const char *heph_signal_name(int signal)
{
	const char *name = signal > 0 && signal < N_NAMES ? names[signal] :
							    NULL;

	return name ? name : "SIG0";
}

/* Others for the same ones. */
static int other_name(const char *name)
{
	static const struct {
		const char *name;
		int signal;
	} others[] = { { "IOT", SIGIOT },
		       { "POLL", SIGPOLL },
		       { "CLD", SIGCHLD },
		       { "RTMIN+30", 64 } };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcasecmp(others[i].name, name) == 0)
			return others[i].signal;
	return -EINVAL;
}

int heph_signal_number(const char *name)
{
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int signal = 1; signal < N_NAMES; signal++)
		if (names[signal] && strcasecmp(names[signal] + 3, name) == 0)
			return signal;
	return other_name(name);
}
