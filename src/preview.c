// SPDX-License-Identifier: GPL-2.0-only
/*
 * check=1: say whether the module would load, and touch nothing.
 *
 * The kernel's functions were found and verified as for a load. What is left is to see
 * whether something else uses the hooked functions.
 */
#include <linux/module.h>
#include <linux/utsname.h>

#include "preview.h"
#include "redirect.h"

/**
 * preview() - print the verdict
 * @ret: what finding and verifying the kernel's functions has returned
 *
 * Context: module init, may sleep.
 * Return: -ECANCELED if the module would load: it was not loaded because it was not asked
 * to be. Else what loading would return.
 */
int __init preview(int ret)
{
	const char *backend;

	ret = ret ?: redirect_preview(&backend);
	if (ret) {
		pr_err("would not load (error %d): the line above says why\n", ret);
		return ret;
	}
	pr_info("would load: backend %s, kernel %s\n", backend, init_utsname()->release);
	return -ECANCELED;
}
