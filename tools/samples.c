// SPDX-License-Identifier: GPL-2.0-only
/* Waits for bypass and reads the queues' lengths until it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "samples.h"

#define INTERVAL_MS	10
#define WAIT_SECONDS	60
#define SECONDS		30
#define NS_PER_S	1000000000ULL

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void name_cpus(struct samples *samples, const struct state *s)
{
	int i;

	samples->nr_cpus = s->nr_cpus;
	samples->cpus = calloc(s->nr_cpus, sizeof(*samples->cpus));
	samples->nodes = calloc(s->nr_cpus, sizeof(*samples->nodes));
	for (i = 0; samples->cpus && samples->nodes && i < s->nr_cpus; i++) {
		samples->cpus[i] = s->cpus[i].nr;
		samples->nodes[i] = s->cpus[i].node;
	}
}

/* CPUs that have come since are left out, of those that are gone the length is 0. */
static void add(struct samples *samples, const struct state *s, u64 begin)
{
	unsigned int *queues;
	int i, c = 0;

	samples->ns = realloc(samples->ns, (samples->nr + 1) * sizeof(*samples->ns));
	samples->queues = realloc(samples->queues, (size_t)(samples->nr + 1) * samples->nr_cpus *
				  sizeof(*samples->queues));
	if (!samples->ns || !samples->queues || !samples->cpus || !samples->nodes) {
		fputs("There is not enough memory.\n", stderr);
		exit(EXIT_ERROR);
	}
	samples->ns[samples->nr] = s->now_ns - begin;
	queues = samples->queues + (size_t)samples->nr++ * samples->nr_cpus;
	memset(queues, 0, samples->nr_cpus * sizeof(*queues));
	for (i = 0; i < samples->nr_cpus && c < s->nr_cpus; i++) {
		while (c < s->nr_cpus && s->cpus[c].nr < samples->cpus[i])
			c++;
		if (c < s->nr_cpus && s->cpus[c].nr == samples->cpus[i])
			queues[i] = s->cpus[c].queued + s->cpus[c].urgent;
	}
}

/* Sample one episode; samples_free() it. Returns an enum exit_status. */
int samples_take(struct samples *samples, const struct options *o)
{
	u64 wait_ns = (o->wait_seconds ? o->wait_seconds : WAIT_SECONDS) * NS_PER_S;
	u64 ns = (o->seconds ? o->seconds : SECONDS) * NS_PER_S;
	u64 called = clock_ns(), since = 0, begin = 0;
	bool begun = false;
	struct state s;
	int status;

	memset(samples, 0, sizeof(*samples));
	for (;; sleep_ms(o->interval_ms ? o->interval_ms : INTERVAL_MS)) {
		status = state_read(&s);
		if (status)
			return status;
		if (!begun && s.bypass) {
			begun = true;
			begin = s.now_ns;
			since = clock_ns();
			name_cpus(samples, &s);
		}
		if (begun)
			add(samples, &s, begin);
		samples->ended = begun && !s.bypass;
		state_free(&s);

		if (samples->ended || (begun && clock_ns() - since >= ns))
			return EXIT_FINE;
		if (!begun && clock_ns() - called >= wait_ns) {
			fprintf(stderr, "Bypass was not entered in %llu s: see --wait.\n",
				wait_ns / NS_PER_S);
			return EXIT_ERROR;
		}
	}
}

void samples_free(struct samples *samples)
{
	free(samples->ns);
	free(samples->queues);
	free(samples->cpus);
	free(samples->nodes);
}
