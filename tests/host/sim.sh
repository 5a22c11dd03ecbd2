#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The balancer's plan on machines larger than any at hand: its work must not grow
# faster than the queues.
#
# usage: sim.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
work=$2
tests=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$work"
cc -O2 -Wall -Wextra -Werror -I"$tests/sim" -o "$work/sim" "$tests/sim/sim.c" "$tests/sim/main.c"
"$work/sim"
