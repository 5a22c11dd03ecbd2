#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Style and static checks. Each must print nothing: checkpatch, W=1 with gcc and
# with clang, sparse, shellcheck, pyflakes, mypy; the lab's own tests; the structure of
# src/, and how long sources are; that no merge is unfinished; that tables are the records'.
#
# usage: check.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
kernel=$1 work=$2
top=$(cd "$(dirname "$0")/../.." && pwd)
status=0

# run NAME COMMAND...: the command succeeds and prints nothing
run() {
	name=$1
	shift
	if "$@" >"$work/$name.log" 2>&1 && [ ! -s "$work/$name.log" ]; then
		echo "$name: clean"
	else
		echo "$name: FAILED"
		head -40 "$work/$name.log"
		status=1
	fi
}

# The module's own warnings and errors, of a build in a fresh copy.
# shellcheck disable=SC2317
compile() {
	rm -rf "$work/module"
	mkdir -p "$work/module"
	cp -r "$top/Kbuild" "$top/dkms.conf" "$top/src" "$top/include" "$work/module"
	timeout 1200 make -s -C "$tree" M="$work/module" "$@" modules </dev/null 2>&1 |
		grep -v -e '^Skipping BTF' -e 'the compiler differs' -e '^  The kernel was built by' -e '^  You are using' || :
	[ -e "$work/module/scx_bypass_lb.ko" ]
}

# "Success" is all that mypy has to say.
# shellcheck disable=SC2317,SC2046
types() {
	MYPYPATH=tests mypy --strict --cache-dir="$work/mypy" \
		$(git ls-files --cached --others --exclude-standard '*.py') >"$work/types" 2>&1 || :
	grep -q '^Success: no issues found in [1-9]' "$work/types" || cat "$work/types"
}

rm -rf "$work"
mkdir -p "$work"
cd "$top"

# PREFER_DEFINED_ATTRIBUTE_MACRO cannot be helped where these are defined, nor
# MACRO_ARG_REUSE where an argument is pasted into two names, nor the last three where a
# list of functions is a macro
# shellcheck disable=SC2046
run checkpatch "$kernel/source/scripts/checkpatch.pl" --strict --no-tree --terse --quiet --no-summary --file \
	--max-line-length=100 --ignore PREFER_DEFINED_ATTRIBUTE_MACRO,MACRO_ARG_REUSE,COMPLEX_MACRO,TRAILING_SEMICOLON,MACRO_ARG_UNUSED \
	$(git ls-files --cached --others --exclude-standard '*.c' '*.h')
tree=$kernel/build
run gcc-W1 compile W=1
run sparse compile C=2
tree=$kernel/build-clang
run clang-W1 compile W=1 LLVM=-19
# shellcheck disable=SC2046
run shellcheck shellcheck -x -P SCRIPTDIR $(git ls-files --cached --others --exclude-standard '*.sh') .ci/run
run shellcheck-bash shellcheck -s bash packaging/PKGBUILD tools/completion.bash dkms.conf
# shellcheck disable=SC2046
run pyflakes pyflakes3 $(git ls-files --cached --others --exclude-standard '*.py')
run mypy types
run selftest python3 tests/host/selftest.py "$kernel" "$work/selftest"
run mandoc sh -c "mandoc -T lint -W warning docs/man/* | grep -v 'outdated mandoc.db'; :"
# of a merge that was not finished; the line of seven = also underlines titles
run merges sh -c "git grep -nE '^(<<<<<<<|>>>>>>>) ' || :"
run licenses python3 tests/host/licenses.py
run messages python3 tests/host/check_messages.py src docs/man/scx_bypass_lb.4
run structure python3 tests/host/check_structure.py src include tools
run readme python3 tests/run.py readme
exit $status
