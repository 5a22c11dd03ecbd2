// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass plot: the queue of each CPU over an episode, as SVG. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "samples.h"
#include "text.h"

#define WIDTH		800
#define HEIGHT		400
#define MARGIN		60
/* a line has no more points than this: several samples then make one */
#define POINTS		400

static const char * const colours[] = {
	"#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22",
};

struct scale {
	u64 ns;
	unsigned int most;
};

static unsigned int length(const struct samples *s, int sample, int cpu)
{
	return s->queues[(size_t)sample * s->nr_cpus + cpu];
}

static struct scale scale_of(const struct samples *s)
{
	struct scale scale = { s->ns[s->nr - 1], 1 };
	int i, cpu;

	for (i = 0; i < s->nr; i++)
		for (cpu = 0; cpu < s->nr_cpus; cpu++)
			if (length(s, i, cpu) > scale.most)
				scale.most = length(s, i, cpu);
	if (!scale.ns)
		scale.ns = 1;
	return scale;
}

static double x_of(const struct scale *scale, u64 ns)
{
	return MARGIN + (double)ns / scale->ns * WIDTH;
}

static double y_of(const struct scale *scale, double nr)
{
	return MARGIN + HEIGHT - nr / scale->most * HEIGHT;
}

/* The longest of some samples in a row, of one CPU, or the mean of all CPUs for -1. */
static double point(const struct samples *s, int from, int to, int cpu)
{
	double most = 0, value;
	int i, c;

	for (i = from; i < to; i++) {
		value = 0;
		if (cpu < 0) {
			for (c = 0; c < s->nr_cpus; c++)
				value += length(s, i, c);
			value /= s->nr_cpus;
		} else {
			value = length(s, i, cpu);
		}
		most = value > most ? value : most;
	}
	return most;
}

static void draw_line(FILE *f, const struct samples *s, const struct scale *scale, int cpu)
{
	int step = (s->nr + POINTS - 1) / POINTS, i;

	fputs("<polyline points=\"", f);
	for (i = 0; i < s->nr; i += step) {
		int to = i + step < s->nr ? i + step : s->nr;

		fprintf(f, "%s%.1f,%.1f", i ? " " : "", x_of(scale, s->ns[i]),
			y_of(scale, point(s, i, to, cpu)));
	}
	if (cpu < 0)
		fputs("\" stroke=\"black\"><title>mean</title></polyline>\n", f);
	else
		fprintf(f, "\" stroke=\"%s\"><title>CPU %d</title></polyline>\n",
			colours[s->nodes[cpu] % (sizeof(colours) / sizeof(*colours))],
			s->cpus[cpu]);
}

static void draw_axes(FILE *f, const struct samples *s, const struct scale *scale)
{
	char time[32];
	int i;

	fprintf(f, "<g stroke=\"#ccc\">\n");
	for (i = 0; i <= 4; i++)
		fprintf(f, "<path d=\"M%d %d h%d\"/>\n", MARGIN, MARGIN + HEIGHT * i / 4, WIDTH);
	fprintf(f, "</g>\n<g font-family=\"sans-serif\" font-size=\"12\">\n");
	for (i = 0; i <= 4; i++) {
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.0f</text>\n",
			MARGIN - 6, MARGIN + HEIGHT * (4 - i) / 4 + 4, scale->most * i / 4.0);
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			MARGIN + WIDTH * i / 4, MARGIN + HEIGHT + 18,
			i ? text_time(scale->ns * i / 4, time, sizeof(time)) : "0");
	}
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"16\">", MARGIN, MARGIN - 30);
	fprintf(f, "Bypass: tasks on the queue of each of %d CPUs%s</text>\n", s->nr_cpus,
		s->ended ? "" : " (it went on)");
	fprintf(f, "<text x=\"%d\" y=\"%d\">", MARGIN, MARGIN - 12);
	fputs("A line for each CPU, a colour for each node; black: the mean</text>\n", f);
	fputs("</g>\n", f);
}

static void draw_all(FILE *f, const struct samples *s)
{
	struct scale scale = scale_of(s);
	int cpu;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n",
		WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN);
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", f);
	draw_axes(f, s, &scale);
	fputs("<g fill=\"none\">\n", f);
	for (cpu = 0; cpu < s->nr_cpus; cpu++)
		draw_line(f, s, &scale, cpu);
	draw_line(f, s, &scale, -1);
	fputs("</g>\n</svg>\n", f);
}

static int cannot_write(const char *file)
{
	fprintf(stderr, "%s cannot be written: %s.\n", file, strerror(errno));
	return EXIT_ERROR;
}

/* Would be known too late when the episode is over. An older chart stays for now. */
static bool may_write(const char *file)
{
	bool is_new = access(file, F_OK);
	FILE *f = fopen(file, "ae");

	if (!f)
		return false;
	fclose(f);
	if (is_new)
		unlink(file);
	return true;
}

static int write_chart(const char *file, const struct samples *samples)
{
	FILE *f = fopen(file, "we");
	bool failed;

	if (!f)
		return cannot_write(file);
	draw_all(f, samples);
	failed = fflush(f) || ferror(f);
	if (fclose(f) || failed)
		return cannot_write(file);
	printf("%d samples of %d CPUs: %s\n", samples->nr, samples->nr_cpus, file);
	return EXIT_FINE;
}

int verb_plot(const struct options *o)
{
	struct samples samples;
	int status;

	status = state_check();
	if (status)
		return status;
	if (!may_write(o->file))
		return cannot_write(o->file);
	status = samples_take(&samples, o);
	if (!status)
		status = write_chart(o->file, &samples);
	samples_free(&samples);
	return status;
}
