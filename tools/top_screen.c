/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "top_screen.h"

#include "exits.h"

#if HEPH_NCURSES

#define NCURSES_WIDECHAR 1
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void draw(struct top *top, bool paused)
{
	char line[TOP_LINE];
	bool title;

	top_order(top);
	erase();
	for (int n = 0; n < LINES && top_line(top, n, line, &title); n++) {
		if (title)
			attron(A_REVERSE);
		else if (n == 0)
			attron(A_BOLD);
		mvaddnstr(n, 0, line, -1);
		if (title)
			hline(' ', COLS);
		attrset(A_NORMAL);
	}
	if (paused)
		mvaddstr(0, COLS > 8 ? COLS - 8 : 0, " paused ");
	refresh();
}

/* Acts on a key. False: that was the end. */
static bool press(struct top *top, int key, bool *ret_now, bool *paused)
{
	const struct top_sort *sort = top_sort_find(NULL, key);

	*ret_now = key == ' ';
	if (key == 'p')
		*paused = !*paused;
	else if (key == 'R')
		top->reverse = !top->reverse;
	else if (sort)
		top->sort = sort;
	return key != 'q' && key != 3;
}

static double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until the next look; keys draw what is known again. False: the end. */
static bool wait_for_keys(struct top *top, bool *paused)
{
	double until = clock_seconds() + top->options->interval, left;
	bool now = false;
	int key;

	for (;;) {
		left = until - clock_seconds();
		if (now || (left <= 0 && !*paused))
			return true;
		timeout(*paused ? -1 : (int)(left * 1000) + 1);
		key = getch();
		if (key == ERR)
			continue;
		if (!press(top, key, &now, paused))
			return false;
		draw(top, *paused);
	}
}

static int show(struct top *top)
{
	bool paused = false;
	int code;

	do {
		code = top_look(top);
		if (code)
			return code;
		draw(top, paused);
	} while (wait_for_keys(top, &paused));
	return 0;
}

int top_screen(struct top *top)
{
	int code;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		fprintf(stderr, "heph: top needs a terminal, or --batch N\n");
		return EXIT_USAGE;
	}
	setlocale(LC_ALL, "");
	top->ask.quiet = true; /* as long as the screen is ours */
	if (!initscr())
		return EXIT_USAGE;
	cbreak();
	noecho();
	curs_set(0);
	code = show(top);
	endwin();
	if (code)
		fprintf(stderr, "heph: %s (%ld) has ended\n", top->name,
			top->pid);
	return code;
}

#else

#include <stdio.h>

int top_screen(struct top *top)
{
	fprintf(stderr, "heph: built without ncurses: top needs --batch N\n");
	return EXIT_USAGE;
}

#endif
#endif
