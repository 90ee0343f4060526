# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=bash
#
# What the scripts share: installing what is missing, configuring, building. Sourced, never run.

set -euo pipefail
exec </dev/null # nothing here asks a question, whether or not there is someone to answer

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
script=${0##*/}

say() { printf '%s: %s\n' "$script" "$*" >&2; }
die() { say "$*"; exit 1; }

# What a build needs, by Debian's names, which are Ubuntu's too.
# shellcheck disable=SC2034 # for those who source this file
packages_build=(
    cmake g++ ninja-build
    libasio-dev libexpected-dev libcurl4-openssl-dev nlohmann-json3-dev libssl-dev libsqlite3-dev
    libhowardhinnant-date-dev
    libcli11-dev libcsv-dev         # of the tools, with Boost
    libcpp-httplib-dev pkgconf curl # of the examples
)
# Any Boost will do, and the packages of two versions conflict.
[ -e /usr/include/boost/version.hpp ] || packages_build+=(libboost-dev)
# shellcheck disable=SC2034
packages_test=(libgtest-dev libbenchmark-dev python3 git openssl tzdata)

missing_packages() {
    local package
    for package in "$@"; do
        # ${...} is dpkg-query's, not the shell's
        # shellcheck disable=SC2016
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
    done
}

# install_missing <package>...: on Debian and its kin whatever is not there is installed. Where that cannot be done, because
# the system is another or nobody may, it is left to the configuration to find out whether what is needed is there all the same.
install_missing() {
    unable=
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        unable="this system has no apt"
        wanted=("$@")
        return
    fi
    mapfile -t wanted < <(missing_packages "$@")
    [ ${#wanted[@]} -gt 0 ] || return 0

    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            unable="packages are missing, and without root or sudo they cannot be installed"
            return
        fi
        as_root=(sudo) # if it wants a password, it asks the terminal for it
    fi
    say "installing ${wanted[*]}"
    local log
    log=$(mktemp)
    # The lists of packages may be old, and a source of them may not answer: whether that matters the installation will tell.
    "${as_root[@]}" apt-get -q update >"$log" 2>&1 || say "apt-get update had trouble"
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 install "${wanted[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        unable="apt-get could not install every package"
    fi
    rm -f "$log"
}

# give_up: what to do on a system where the packages could not be installed and the configuration did not succeed either.
give_up() {
    say "$unable"
    say "install these, or what your system calls them, and try again:"
    printf '    %s\n' "${wanted[@]}" >&2
    exit 3
}

# How many compilers at once: one for each core, but each may need 1.5 GB.
jobs() {
    local cores memory limit
    cores=$(nproc 2>/dev/null || echo 1)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null || echo 1500)
    if limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null) && [ "$limit" != max ] && [ $((limit >> 20)) -lt "$memory" ]; then
        memory=$((limit >> 20))
    fi
    local fit=$((memory / 1500))
    [ "$fit" -ge 1 ] || fit=1
    [ "$fit" -lt "$cores" ] && echo "$fit" || echo "$cores"
}

# configure <build directory> <cmake argument>...
configure() {
    local build=$1
    shift
    local log=$build.configure.log
    mkdir -p "$(dirname "$build")"
    if command -v ccache >/dev/null; then # also for what another checkout has built
        export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
        export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
    fi
    if [ -z "$unable" ]; then
        say "configuring ${build#"$root"/}"
        cmake -S "$root" -B "$build" -G Ninja "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    elif ! command -v cmake >/dev/null || ! command -v ninja >/dev/null ||
        ! cmake -S "$root" -B "$build" -G Ninja "$@" >"$log" 2>&1; then
        [ ! -s "$log" ] || cat "$log" >&2
        give_up
    fi
}

# build <build directory> <target>...
build() {
    local build=$1
    shift
    say "building ${build#"$root"/} with $(jobs) at once"
    cmake --build "$build" --parallel "$(jobs)" --target "${@:-all}"
}
