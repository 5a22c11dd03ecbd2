// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass history */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "page.h"
#include "state.h"

static int show_json(void)
{
	char *text;
	int status;

	text = state_read_file("history", &status);
	if (!text)
		return status;
	json_history(text);
	free(text);
	return EXIT_FINE;
}

int verb_history(const struct options *o)
{
	struct episode *episodes;
	int nr, status, i;

	if (o->json)
		return show_json();
	status = state_read_history(&episodes, &nr);
	if (status)
		return status;
	if (nr)
		page_episode_heads(stdout);
	else
		puts("There was no bypass since the module was loaded.");
	for (i = 0; i < nr; i++)
		page_episode(stdout, &episodes[i]);
	free(episodes);
	return EXIT_FINE;
}
