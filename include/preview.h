/* SPDX-License-Identifier: GPL-2.0-only */
/* Would the module load? */
#ifndef PREVIEW_H
#define PREVIEW_H

int preview(int ret);

#endif /* PREVIEW_H */
