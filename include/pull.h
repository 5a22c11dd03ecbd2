/* SPDX-License-Identifier: GPL-2.0-only */
/* A CPU that has run dry in bypass takes a task from the longest queue. */
#ifndef PULL_H
#define PULL_H

struct scx_dispatch_q;

struct scx_dispatch_q *pull_source(int cpu);

#endif /* PULL_H */
