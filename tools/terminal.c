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
/* a page is made for a terminal of at least this, and cut for a smaller one */
#define LEAST_COLUMNS	40

#define ENTER_SCREEN	"\033[?1049h\033[?25l\033[2J"
#define LEAVE_SCREEN	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

static struct termios before;
static int ended, stopped;

static void on_signal(int number)
{
	__atomic_store_n(&ended, number, __ATOMIC_RELAXED);
}

static void on_stop(int number)
{
	__atomic_store_n(&stopped, number, __ATOMIC_RELAXED);
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

static void enter(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	say(ENTER_SCREEN);
}

/* False if this is no terminal. */
bool terminal_open(void)
{
	/* if the terminal takes no output, the second signal ends the program all the same */
	struct sigaction end = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	/* output that the terminal has not taken yet is not cut off */
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART };
	struct sigaction resize = { .sa_handler = on_resize, .sa_flags = SA_RESTART };

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return false;
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGTSTP, &stop, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	enter();
	return true;
}

void terminal_close(void)
{
	say(LEAVE_SCREEN);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Ctrl-Z: the shell gets its screen, until the program goes on. */
static void stop(void)
{
	__atomic_store_n(&stopped, 0, __ATOMIC_RELAXED);
	terminal_close();
	raise(SIGSTOP);
	enter();
}

static void real_size(int *columns, int *rows)
{
	struct winsize size;

	*columns = COLUMNS;
	*rows = ROWS;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

/* The size to make a page for. */
void terminal_size(int *columns, int *rows)
{
	real_size(columns, rows);
	if (*columns < LEAST_COLUMNS)
		*columns = LEAST_COLUMNS;
}

/*
 * End a line that is longer than the terminal is wide: it would go on in the next one.
 * Returns its length.
 */
static int cut(char *line, int columns)
{
	int length = 0;

	for (; *line; line++) {
		/* the first byte of a character */
		if ((*line & 0xc0) != 0x80 && length++ == columns) {
			*line = '\0';
			return columns;
		}
	}
	return length;
}

/* Show as much of @page as fits, without a flicker: nothing is cleared before. */
void terminal_draw(char *page)
{
	char *line = page, *end;
	int columns, rows, length, i;

	real_size(&columns, &rows);

	fputs(HOME, stdout);
	for (i = 0; i < rows && *line; i++) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		length = cut(line, columns);
		/* behind the last column it would clear that */
		printf("%s%s%s", i ? "\r\n" : "", line, length < columns ? CLEAR_LINE : "");
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

	if (__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		stop();
		return false;
	}
	if (!__atomic_load_n(&ended, __ATOMIC_RELAXED) && poll(&keys, 1, ms) > 0) {
		/* hung up */
		if (read(STDIN_FILENO, &key, 1) <= 0)
			return true;
		if (key == 'q' || key == 'Q')
			return true;
	}
	return __atomic_load_n(&ended, __ATOMIC_RELAXED);
}
