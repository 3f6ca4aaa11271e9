#!/usr/bin/env bash
# Installs the C library for hosts: headers, shared and static library, pkg-config file, CMake package, licences.
# Usage: [DESTDIR=…] [LIBDIR=…] bindings/c/install.sh PREFIX [FOLDER-OF-THE-LIBRARY]     (default build/c, which `make c` fills)
# PREFIX is where hosts will find it, an absolute path; DESTDIR is put before it for the copy alone, as for a package. LIBDIR is
# the folder of the libraries below PREFIX, default lib; lib/x86_64-linux-gnu, for example.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${1:?usage: bindings/c/install.sh PREFIX [FOLDER-OF-THE-LIBRARY]}
library=$(cd "${2:-$root/build/c}" && pwd)
packaging=$root/bindings/c/packaging
[[ $prefix == /* ]] || { echo "PREFIX must be an absolute path, not \"$prefix\"" >&2; exit 1; }
libdir=${LIBDIR:-lib}
libdir=${libdir#"$prefix/"}
[[ $libdir != /* ]] || { echo "LIBDIR must be below PREFIX, not \"$libdir\"" >&2; exit 1; }
target=${DESTDIR:-}$prefix

number() { awk -v name="HJ_$1" '$2 == name { print $3 }' "$root/include/hellojohn.h"; }
major=$(number VERSION_MAJOR) minor=$(number VERSION_MINOR) patch=$(number VERSION_PATCH) abi=$(number ABI_VERSION)
version=$major.$minor.$patch
# From the folder of the pkg-config file and of the CMake package back to PREFIX: the installed tree can be moved.
up=$(sed -E 's|[^/]+|..|g' <<<"$libdir")

install -d "$target/include" "$target/$libdir/pkgconfig" "$target/$libdir/cmake/hellojohn" "$target/share/licenses/hellojohn"
install -m 644 "$root"/include/hellojohn{.h,.hpp,_objects.hpp} "$target/include/"
install -m 644 "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$target/share/licenses/hellojohn/"
install -m 755 "$library/libhellojohn.so" "$target/$libdir/libhellojohn.so.$version"
ln -sf "libhellojohn.so.$version" "$target/$libdir/libhellojohn.so.$abi"
ln -sf "libhellojohn.so.$abi" "$target/$libdir/libhellojohn.so"
install -m 644 "$library/libhellojohn.a" "$target/$libdir/"

# Built without its own SQLite, it needs the system's.
sqlite=
if nm -u "$library/libhellojohn.a" | grep -q sqlite3_open; then sqlite=sqlite3; fi

fill() {
    sed -e "s/@SQLITE_PACKAGE@/$sqlite/; s/@SQLITE_LIBRARY@/${sqlite:+$sqlite;}/; s/@VERSION@/$version/g; s/@ABI@/$abi/g" \
        -e "s/@MAJOR@/$major/g; s/@MINOR@/$minor/g; s|@LIBDIR@|$libdir|g; s|@UP@|$up|g" "$packaging/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}
fill hellojohn.pc "$target/$libdir/pkgconfig"
fill hellojohnConfig.cmake "$target/$libdir/cmake/hellojohn"
fill hellojohnConfigVersion.cmake "$target/$libdir/cmake/hellojohn"
