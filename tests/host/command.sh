#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The command scx-bypass on files of a machine with 192 CPUs, such as no guest has: its
# screens, its formats, its manual. What it does on a real kernel is the case "tools".
#
# usage: command.sh KERNEL_DIRECTORY WORK_DIRECTORY
set -eu
work=$2
top=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$work"
mkdir -p "$work"

fail() {
	echo "FAILED: $1"
	exit 1
}

make -s -C "$top/tools" OUT="$work" CFLAGS="-O1 -g -fsanitize=address,undefined -Werror"
python3 "$top/tests/host/command.py" "$work/scx-bypass" "$top" "$work"

# the tool that checks metrics must find fault with what is wrong
"$work/scx-bypass" --root="$work/root" metrics > "$work/metrics"
if ! promtool check metrics < "$work/metrics" > "$work/promtool" 2>&1 || [ -s "$work/promtool" ]; then
	cat "$work/promtool"
	fail "promtool check metrics"
fi
if sed 's/passes_total/passes/' "$work/metrics" | promtool check metrics >/dev/null 2>&1; then
	fail "promtool takes a counter without _total"
fi
echo "promtool check metrics: clean, $(grep -vc '^#' "$work/metrics") values"

for page in scx-bypass.1 scx_bypass_lb.4; do
	mandoc -T lint -W warning "$top/docs/man/$page" | grep -v 'outdated mandoc.db' > "$work/lint" || :
	[ ! -s "$work/lint" ] || {
		cat "$work/lint"
		fail "$page"
	}
	# bold letters are printed twice
	mandoc -T ascii "$top/docs/man/$page" | sed 's/.\x08//g' > "$work/$page.txt"
	echo "$page: $(wc -l < "$work/$page.txt") lines"
done

make -s -C "$top/tools" OUT="$work" DESTDIR="$work/dest" install uninstall
find "$work/dest" -type d -name bash-completion | grep -q . || fail "nothing was installed"
[ -z "$(find "$work/dest" -type f)" ] || fail "uninstall leaves $(find "$work/dest" -type f)"
echo "install, uninstall: nothing is left"

# every verb and option is in the manual and in the completion
"$work/scx-bypass" --help | grep -oE '^  (--)?[a-z]+|--help' | tr -d ' ' > "$work/words"
[ "$(wc -l < "$work/words")" -ge 13 ] || fail "--help has only $(wc -l < "$work/words") words"
while read -r word; do
	grep -q -e "$word" "$work/scx-bypass.1.txt" || fail "$word is not in the manual"
	grep -q -e "$word" "$top/tools/completion.bash" || fail "$word is not in the completion"
done < "$work/words"
bash -n "$top/tools/completion.bash"
# shellcheck disable=SC2016
found=$(bash -c '. "$1"; COMP_WORDS=(scx-bypass wa); COMP_CWORD=1; _scx_bypass; echo "${COMPREPLY[*]}"' \
	- "$top/tools/completion.bash")
[ "$found" = watch ] || fail "the completion of wa is '$found'"
# bash quotes names of files then
# shellcheck disable=SC2016
found=$(bash -c 'compopt() { echo "$*"; }
	. "$1"; COMP_WORDS=(scx-bypass plot ""); COMP_CWORD=2; _scx_bypass' - "$top/tools/completion.bash")
[ "$found" = "-o filenames" ] || fail "the completion of plot has the options '$found'"
echo "manual and completion: all $(wc -l < "$work/words") verbs and options"
