#!/usr/bin/env bash
# Installs the C library for hosts: headers, shared and static library, pkg-config file, CMake package.
# Usage: bindings/c/install.sh PREFIX [FOLDER-OF-THE-LIBRARY]     (default build/c, which `make c` fills)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${1:?usage: bindings/c/install.sh PREFIX [FOLDER-OF-THE-LIBRARY]}
library=$(cd "${2:-$root/build/c}" && pwd)
packaging=$root/bindings/c/packaging
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

number() { awk -v name="HJ_VERSION_$1" '$2 == name { print $3 }' "$root/include/hellojohn.h"; }
major=$(number MAJOR) minor=$(number MINOR) patch=$(number PATCH)
version=$major.$minor.$patch

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/hellojohn"
install -m 644 "$root/include/hellojohn.h" "$root/include/hellojohn.hpp" "$prefix/include/"

install -m 755 "$library/libhellojohn.so" "$prefix/lib/libhellojohn.so.$version"
ln -sf "libhellojohn.so.$version" "$prefix/lib/libhellojohn.so.$major"
ln -sf "libhellojohn.so.$major" "$prefix/lib/libhellojohn.so"

# The static library holds a SQLite of its own. Left global, its symbols would silently replace those of a host that
# links another one: all but ours become local. (The bitcode that Rust's standard library carries confuses older tools.)
ld -r --whole-archive "$library/libhellojohn.a" -o "$work/all.o"
objcopy --wildcard -R .llvmbc -R .llvmcmd --keep-global-symbol='hj_*' "$work/all.o" "$work/hellojohn.o"
ar rcs "$work/libhellojohn.a" "$work/hellojohn.o"
install -m 644 "$work/libhellojohn.a" "$prefix/lib/"

# Built without its own SQLite, it needs the system's.
sqlite=
if nm -u "$work/hellojohn.o" | grep -q sqlite3_open; then sqlite=sqlite3; fi

fill() {
    sed -e "s/@SQLITE_PACKAGE@/$sqlite/; s/@SQLITE_LIBRARY@/${sqlite:+$sqlite;}/; s/@VERSION@/$version/g; s/@SOVERSION@/$major/g; s/@MAJOR@/$major/g; s/@MINOR@/$minor/g" \
        "$packaging/$1.in" >"$2/$1"
}
fill hellojohn.pc "$prefix/lib/pkgconfig"
fill hellojohnConfig.cmake "$prefix/lib/cmake/hellojohn"
fill hellojohnConfigVersion.cmake "$prefix/lib/cmake/hellojohn"
