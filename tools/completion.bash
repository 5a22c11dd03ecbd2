# bash completion for scx-bypass                            -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0-only

_scx_bypass()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs='status watch history plot metrics report'
	local options='--json --interval= --wait= --seconds= --root= --version --help'

	case $prev in
	plot | report)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
		;;
	esac
}

complete -F _scx_bypass scx-bypass
