#!/usr/bin/env bash
# Makes of the static library that cargo builds one whose only global symbols are hj_*.
# Usage: bindings/c/localise_symbols.sh FROM TO
#
# It holds a SQLite and a Rust standard library of its own. Left global, their symbols would silently replace those of a host
# that links another SQLite, or clash with another static library that was written in Rust. (Groups of sections are dissolved,
# because a linker keeps one of two groups with the same name and our local symbols would point into the other. The bitcode that
# Rust's standard library carries confuses older tools. What C compilers keep for a debugger names the folders of this machine.)
set -euo pipefail
from=${1:?usage: bindings/c/localise_symbols.sh FROM TO} to=${2:?usage: bindings/c/localise_symbols.sh FROM TO}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ld -r --force-group-allocation --whole-archive "$from" -o "$work/all.o"
objcopy --strip-debug --wildcard -R .llvmbc -R .llvmcmd --keep-global-symbol='hj_*' "$work/all.o" "$work/hellojohn.o"
ar rcs "$work/libhellojohn.a" "$work/hellojohn.o"
mv "$work/libhellojohn.a" "$to"
