# SPDX-License-Identifier: GPL-2.0-only
"""Measures how a machine recovers from its scheduler, and makes tables and charts of it."""
