#!/bin/sh
# The installed SDK, moved to another place, builds plugins out of tree: with cc and g++ by pkg-config, with CMake by
# find_package, with cargo. Each exports one symbol, loads, and can be unloaded.
# usage: installed_sdk.sh BUILD_DIRECTORY SOURCE_DIRECTORY LIBDIR CMAKE CC CXX [CARGO]
set -eu
build=$1 source=$2 libdir=$3 cmake=$4 cc=$5 cxx=$6 cargo=${7:-}
authors=$source/tests/abi/authors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}

"$cmake" --install "$build" --component sdk --prefix "$work/installed" >"$work/log"
mv "$work/installed" "$work/moved"
if grep -rF -e "$source" -e "$build" -e "$work/installed" "$work/moved"; then
  fail "the installed SDK names the directory that it was built or installed in"
fi

export PKG_CONFIG_PATH="$work/moved/$libdir/pkgconfig"
[ "$(pkg-config --variable=abi projector)" = 1 ] || fail "the pkg-config variable abi is not 1"
case $(pkg-config --variable=plugindir projector) in
*/projectord/plugins) ;;
*) fail "the pkg-config variable plugindir is no plugin directory" ;;
esac
flags=$(pkg-config --cflags --libs projector)
mkdir "$work/plugins"
# shellcheck disable=SC2086
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/plugins/c_author.so" "$authors/c_author.c" $flags
# shellcheck disable=SC2086
"$cxx" -std=c++20 -Wall -Wextra -Wpedantic -Werror -o "$work/plugins/cpp_author.so" "$authors/cpp_author.cpp" $flags

"$cmake" -S "$authors" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
"$cmake" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
cp "$work/build/plugins/cmake_author.so" "$work/plugins/"
expected='c_author cmake_author cpp_author'

if [ -n "$cargo" ]; then
  "$cargo" build --quiet --release --locked --offline --target-dir "$work/cargo" \
    --manifest-path "$source/plugins/rust_sample/Cargo.toml"
  cp "$work/cargo/release/librust_sample.so" "$work/plugins/rust_sample.so"
  expected="$expected rust_sample"
fi

for plugin in "$work"/plugins/*.so; do
  symbols=$(nm -D --defined-only "$plugin" | awk '{ print $2, $3 }')
  [ "${symbols#? }" = projector_plugin_v1 ] || fail "${plugin##*/} exports: $symbols"
done
"$cc" -std=c11 -Wall -Wextra -Werror "-I$work/moved/include" -o "$work/load" "$authors/load.c"
names=$("$work/load" "$work"/plugins/*.so | tr '\n' ' ')
[ "$names" = "$expected " ] || fail "the descriptors' names are: $names; expected: $expected"

# A symbol that nobody defines is found when linking, not when the host loads the plugin.
echo 'int missing(void); int used(void) { return missing(); }' >"$work/missing.c"
# shellcheck disable=SC2086
if "$cc" -o "$work/missing.so" "$work/missing.c" $flags 2>"$work/log"; then
  fail "a plugin with an undefined symbol was linked"
fi
grep -q "undefined reference to .missing'" "$work/log" || { cat "$work/log" >&2; exit 1; }
