// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal: keys without Return, a screen of its own, put back at the end, also when a
 * signal ends the program. Only sequences that every terminal since the VT100 knows.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"
#include "text.h"

#define ROWS		24

#define ENTER_SCREEN	"\033[?1049h\033[?25l\033[2J"
#define LEAVE_SCREEN	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

static struct termios before;
static int ended;

static void on_signal(int number)
{
	__atomic_store_n(&ended, number, __ATOMIC_RELAXED);
}

/* For SIGWINCH: poll() returns, and the page is drawn for the new size. */
static void on_resize(int number)
{
	(void)number;
}

static void say(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

/* False if this is no terminal. */
bool terminal_open(void)
{
	struct sigaction end = { .sa_handler = on_signal }, resize = { .sa_handler = on_resize };
	struct termios raw;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return false;
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	raw = before;
	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	say(ENTER_SCREEN);
	return true;
}

void terminal_close(void)
{
	say(LEAVE_SCREEN);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void terminal_size(int *columns, int *rows)
{
	struct winsize size;

	*columns = COLUMNS;
	*rows = ROWS;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

/* Show the first @rows lines of @page, without a flicker: nothing is cleared before. */
void terminal_draw(char *page, int rows)
{
	char *line = page, *end;
	int i;

	fputs(HOME, stdout);
	for (i = 0; i < rows && *line; i++) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		printf("%s%s" CLEAR_LINE, i ? "\r\n" : "", line);
		if (!end)
			break;
		line = end + 1;
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

/* Wait for @ms, or less if the size changes. True if the user wants to quit. */
bool terminal_quit(unsigned int ms)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (!__atomic_load_n(&ended, __ATOMIC_RELAXED) && poll(&keys, 1, ms) > 0) {
		/* hung up */
		if (read(STDIN_FILENO, &key, 1) <= 0)
			return true;
		if (key == 'q' || key == 'Q')
			return true;
	}
	return __atomic_load_n(&ended, __ATOMIC_RELAXED);
}
