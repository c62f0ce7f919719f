#!/bin/sh
# Each header of the SDK compiles alone, in the oldest standards that it promises and those of today, without a warning.
# usage: headers_alone.sh INCLUDE_DIRECTORY CC CXX
set -eu
include=$1 cc=$2 cxx=$3
strict='-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only'

alone() { # COMPILER LANGUAGE STANDARD HEADER [FLAG..]
  compiler=$1 language=$2 standard=$3 header=$4
  shift 4
  # shellcheck disable=SC2086
  echo "#include <projector/$header>" |
    "$compiler" -x "$language" "-std=$standard" $strict "$@" "-I$include" - ||
    { echo "$header does not compile alone as $standard" >&2; exit 1; }
}

for standard in c11 c17; do
  alone "$cc" c "$standard" plugin.h -Wpadded
  alone "$cc" c "$standard" plugin_c.h
done
for standard in c++11 c++14 c++17 c++20; do
  alone "$cxx" c++ "$standard" plugin.h -Wpadded
done
for header in "$include"/projector/*.hpp; do
  alone "$cxx" c++ c++17 "${header##*/}"
done
alone "$cxx" c++ c++20 plugin.hpp
