# SPDX-License-Identifier: GPL-2.0-only
"""Kernels, builds, guests and the suite of cases that is run in them."""
