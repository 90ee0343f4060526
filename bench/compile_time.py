#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures what coffer costs a compiler, beside what Asio alone costs it.

    compile_time.py [--compiler g++] [--turns 5] [--optimise] [-- flag...]

Each file is compiled in turn with the others, `--turns` times; the least CPU time (the user's, of the compiler and whatever it
starts) counts, and what it is compared with was measured in the same turns. Load makes all of them longer, ratios less so.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BARE = "Asio, as far as it is needed"
BARE_PROGRAM = "three calls, without coffer"
# (what, header, its bare one, the aim)
HEADERS = [
    (BARE, "coffer/asio.hpp", None, None),
    ("the core: calls and pipelines", "coffer/call/pipeline.hpp", BARE, 1.3),
    ("coffer.hpp: all policies", "coffer/coffer.hpp", BARE, None),
    ("retry alone", "coffer/policy/retry.hpp", BARE, None),
    ("once alone", "coffer/policy/once.hpp", BARE, None),
    ("budget alone", "coffer/policy/budget.hpp", BARE, None),
    ("the memory store", "coffer/store/memory.hpp", BARE, None),
    ("the SQLite store", "coffer/store/sqlite.hpp", BARE, None),
    ("the HTTP client", "coffer/http/curl_client.hpp", BARE, None),
    ("OpenAI", "coffer/llm/openai.hpp", BARE, None),
]
PROGRAMS = [
    (BARE_PROGRAM, "bare.cpp", None, None),
    ("three calls in a pipeline", "guarded.cpp", BARE_PROGRAM, 1.5),
    ("the usual policies, SQLite and OpenAI", "usual.cpp", BARE_PROGRAM, None),
]


def cpu_seconds(command: list[str]) -> float:
    before = os.times().children_user
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compile_time.py: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[:2000]}")
    return os.times().children_user - before


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    arguments.add_argument("--turns", type=int, default=5)
    arguments.add_argument("--optimise", action="store_true", help="-O2 instead of -O0")
    arguments.add_argument("flags", nargs="*", help="more flags for the compiler, after --")
    given = arguments.parse_args()
    if shutil.which(given.compiler) is None:
        arguments.error(f"there is no {given.compiler}")
    if given.turns < 1:
        arguments.error("--turns must be at least 1")

    version = subprocess.run([given.compiler, "--version"], capture_output=True, text=True, check=True).stdout
    command = [given.compiler, "-std=c++20", "-O2" if given.optimise else "-O0", "-DASIO_STANDALONE",
               f"-I{HERE.parent / 'include'}", *given.flags]
    if "clang" in version:
        command += ["-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]  # for Asio before 1.26

    with tempfile.TemporaryDirectory() as directory:
        cases = []
        for number, (what, header, bare, aim) in enumerate(HEADERS):
            source = Path(directory) / f"{number}.cpp"
            source.write_text(f"#include <{header}>\n", encoding="utf-8")
            cases.append((what, source, bare, aim))
        cases += [(what, HERE / "compile_time" / source, bare, aim) for what, source, bare, aim in PROGRAMS]

        least: dict[str, float] = {}
        size: dict[str, int] = {}
        for _ in range(given.turns):
            for what, source, _bare, _aim in cases:
                compiled = Path(directory) / "compiled.o"
                took = cpu_seconds([*command, "-c", str(source), "-o", str(compiled)])
                least[what] = min(least.get(what, took), took)
                size[what] = compiled.stat().st_size

    print(f"{version.splitlines()[0]}, {'-O2' if given.optimise else '-O0'}, least of {given.turns}")
    print(f"{'':<40}{'seconds':>8}{'object':>10}{'ratio':>7}{'aim':>6}")
    for what, _source, bare, aim in cases:
        line = f"{what:<40}{least[what]:>8.2f}{size[what] / 1024:>7.0f} KB"
        if bare is not None:
            ratio = least[what] / least[bare]
            line += f"{ratio:>7.2f}"
            if aim is not None:
                line += f"{aim:>6.1f}{'' if ratio <= aim else '   missed'}"
        print(line)


if __name__ == "__main__":
    main()
