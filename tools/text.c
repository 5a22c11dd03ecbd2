// SPDX-License-Identifier: GPL-2.0-only
/* Bars and times. Block characters where the locale has them, else ASCII. */
#include <ctype.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>

#include "text.h"

#define NS_PER_US	1000ULL
#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
/* of a block character */
#define EIGHTHS		8

static bool utf8;

static const char * const columns_of_eighths[EIGHTHS + 1] = {
	"\u00b7", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588",
};

static const char * const rows_of_eighths[EIGHTHS + 1] = {
	"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589", "\u2588",
};

static const char ascii[EIGHTHS + 1] = { '.', '1', '2', '3', '4', '5', '6', '7', '8' };

void text_init(void)
{
	setlocale(LC_CTYPE, "");
	utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/*
 * Files of another machine (--root) may have anything in them: none of it may get to the
 * terminal as a command.
 */
void text_clean(char *text)
{
	for (; *text; text++)
		if (!isascii((unsigned char)*text) || !isprint((unsigned char)*text))
			*text = '?';
}

/* Two to four digits and the unit; fewer if they are as exact. */
const char *text_time(u64 ns, char *buf, size_t size)
{
	if (ns && ns < NS_PER_US)
		snprintf(buf, size, "%llu ns", ns);
	else if (ns < 10 * NS_PER_MS && ns % NS_PER_MS)
		snprintf(buf, size, "%llu us", ns / NS_PER_US);
	else if (ns < 10 * NS_PER_S && ns % NS_PER_S)
		snprintf(buf, size, "%llu ms", ns / NS_PER_MS);
	else if (ns < 10000 * NS_PER_S)
		snprintf(buf, size, "%llu s", ns / NS_PER_S);
	else
		snprintf(buf, size, "%llu h", ns / (3600 * NS_PER_S));
	return buf;
}

/* A horizontal bar, at most @width columns for @of. At least something for 1. */
void text_bar(FILE *f, unsigned int value, unsigned int of, int width)
{
	unsigned int eighths, i;

	if (!of || !value)
		return;
	eighths = (u64)value * width * EIGHTHS / of;
	if (!eighths)
		eighths = 1;
	for (i = 0; i + EIGHTHS <= eighths; i += EIGHTHS)
		fputs(utf8 ? rows_of_eighths[EIGHTHS] : "#", f);
	if (utf8)
		fputs(rows_of_eighths[eighths - i], f);
	else if (eighths > i)
		fputc('-', f);
}

/* One character that is the higher, the more @value has of @of. */
void text_glyph(FILE *f, unsigned int value, unsigned int of)
{
	unsigned int eighths = of ? ((u64)value * EIGHTHS + of - 1) / of : 0;

	if (utf8)
		fputs(columns_of_eighths[eighths], f);
	else
		fputc(ascii[eighths], f);
}
