/* SPDX-License-Identifier: MIT */
/* command.h - what the commands mean */
#ifndef COMMAND_H
#define COMMAND_H

#include "resp.h"
#include "round.h"

enum command_result {
	COMMAND_DONE,
	COMMAND_INFO, /* the connection shall reply with command_info() */
	COMMAND_QUIT, /* the connection shall end after the replies */
};

/* Adds what the command in `line`, complete and with a name, asks for to a
 * round: requests, replies, or both. */
enum command_result command_run(struct round *round,
				const struct resp_parser *line);

/* Adds the reply to the INFO in `line`. */
void command_info(struct round *round, const struct resp_parser *line,
		  const struct store_stats *stats);

#endif
