/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of scx_bypass_test: what each does when it is loaded, and when it is unloaded. */
#ifndef SCX_BYPASS_TEST_H
#define SCX_BYPASS_TEST_H

int hold_init(void);
void hold_exit(void);
void threads_exit(void);
void look_exit(void);
void faults_exit(void);

#endif /* SCX_BYPASS_TEST_H */
