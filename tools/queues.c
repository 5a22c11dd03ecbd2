// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws the queue of each CPU, as large as there is room: a bar in a line of its own, a
 * cell with its length, or one character.
 */
#include "text.h"

/* "cpu 123 12345 " in front of a bar */
#define BAR_LABEL	14
/* " 123:12345#" */
#define CELL		11
/* "node 1   0 " in front of characters */
#define ROW_LABEL	12
#define GLYPHS		64

static unsigned int length(const struct cpu_state *cpu)
{
	return cpu->queued + cpu->urgent;
}

static int draw_bars(FILE *f, const struct state *s, int columns)
{
	int i;

	for (i = 0; i < s->nr_cpus; i++) {
		const struct cpu_state *cpu = &s->cpus[i];

		fprintf(f, "cpu %3d %5u ", cpu->nr, length(cpu));
		text_bar(f, length(cpu), s->longest, columns - BAR_LABEL);
		fputc('\n', f);
	}
	return s->nr_cpus;
}

/*
 * A new node begins a new line, of cells or characters. Returns the lines; if @f is NULL that
 * is all.
 */
static int draw_rows(FILE *f, const struct state *s, int each,
		     void (*draw)(FILE *f, const struct state *s, const struct cpu_state *cpu),
		     bool label)
{
	int i, in_line = 0, lines = 0;

	for (i = 0; i < s->nr_cpus; i++) {
		const struct cpu_state *cpu = &s->cpus[i];

		if (in_line == each || (i && cpu->node != cpu[-1].node))
			in_line = 0;
		if (!in_line && f && lines)
			fputc('\n', f);
		if (!in_line && f && label)
			fprintf(f, "node %d %4d ", cpu->node, cpu->nr);
		lines += !in_line++;
		if (f)
			draw(f, s, cpu);
	}
	if (f)
		fputc('\n', f);
	return lines;
}

static void draw_cell(FILE *f, const struct state *s, const struct cpu_state *cpu)
{
	fprintf(f, "%4d:%5u", cpu->nr, length(cpu));
	text_glyph(f, length(cpu), s->longest);
}

static void draw_glyph(FILE *f, const struct state *s, const struct cpu_state *cpu)
{
	text_glyph(f, length(cpu), s->longest);
}

/* Draw the queues in at most @rows lines, if that is possible. Returns the lines. */
int queues_draw(FILE *f, const struct state *s, int columns, int rows)
{
	int cells = columns / CELL;
	int glyphs = columns - ROW_LABEL < GLYPHS ? columns - ROW_LABEL : GLYPHS;

	if (s->nr_cpus <= rows)
		return draw_bars(f, s, columns);
	if (draw_rows(NULL, s, cells, NULL, false) <= rows)
		return draw_rows(f, s, cells, draw_cell, false);
	return draw_rows(f, s, glyphs, draw_glyph, true);
}
