#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# No indirect call or jump anywhere in the module, so that none can reach a
# function of the kernel that has no landing pad (IBT) or no type (kCFI).
#
# Two exceptions, both made by macros of the kernel's: the loop over a tracepoint's
# probes, which are registered by their address and so have both; and the calls
# through pv_ops that switch interrupts off and on, which the kernel replaces by
# direct code when it loads the module.
#
# usage: direct.sh MODULE WORK_DIRECTORY
set -eu
module=$1 work=$2
mkdir -p "$work"

objdump -dr --no-show-raw-insn "$module" > "$work/listing"
awk '
	# an indirect branch counts unless its relocation is one of pv_ops
	pending			{ if (!/R_X86_64_PC32[ \t]+pv_ops/) found[pending]++; pending = "" }
	/^[0-9a-f]+ <.*>:$/	{ function_name = $2; gsub(/[<>:]/, "", function_name) }
	/[ \t](call|jmp)/	{ branches++ }
	/[ \t](call|jmp)[a-z]*[ \t]+\*/ { pending = function_name }
	/__x86_indirect_(its_)?(call_|jump_)?thunk/ { found[function_name]++ }
	END {
		for (name in found)
			print name, found[name]
		print branches > "/dev/stderr"
	}
' "$work/listing" > "$work/indirect" 2> "$work/branches"

direct=$(cat "$work/branches")
[ "$direct" -gt 100 ] || { echo "the listing has only $direct branches"; exit 1; }

# what the search is worth: it must find the one that is known to be there
grep -q '^__traceiter_sched_ext_bypass_lb ' "$work/indirect" ||
	{ echo "the calls of the tracepoint's probes were not found"; exit 1; }
if grep -v '^__traceiter_sched_ext_bypass_lb ' "$work/indirect"; then
	echo "these functions have indirect branches"
	exit 1
fi
echo "of $direct branches only the tracepoint's are indirect"
