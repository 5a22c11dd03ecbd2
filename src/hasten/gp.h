/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GP_H
#define GP_H

int gp_init(void);
void gp_exit(void);
void gp_look_for_threads(void);
bool gp_knows_threads(void);
void gp_widen(void);
void gp_narrow(void);
bool gp_is_fair(void);
void gp_raise(void);
bool gp_waits(void);
void gp_lower(void);

#endif /* GP_H */
