/* SPDX-License-Identifier: MIT */
/* commands.h - the commands that ask a program over its control socket */
#ifndef HEPH_TOOLS_COMMANDS_H
#define HEPH_TOOLS_COMMANDS_H

/* Each gets the arguments after its name, and returns the exit code. */
int ps(int argc, char **argv);
int top(int argc, char **argv);
int tree(int argc, char **argv);
int show(int argc, char **argv);
int log_level(int argc, char **argv);
int trace_switch(int argc, char **argv);
int stop(int argc, char **argv);
int cycles(int argc, char **argv);
int metrics(int argc, char **argv);

#endif
