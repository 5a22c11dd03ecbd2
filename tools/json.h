/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines "key: value" as JSON. */
#ifndef JSON_H
#define JSON_H

#include "scheduler.h"

void json_status(char *text, const struct scheduler *sched);
void json_history(char *text);

#endif /* JSON_H */
