#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures what coffer costs a compiler, beside what Asio alone costs it.

    compile_time.py [--compiler g++] [--turns 5] [--optimise] [-- flag...]

Each file is compiled twice: as whoever includes the headers gets it, and with COFFER_SEPARATE_COMPILATION, where functions that are no
templates are left to a file of their own (docs/install.md, "Compiled once"). That file's time stands at the end.

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
SEPARATE = "-DCOFFER_SEPARATE_COMPILATION"
# (what, header, its bare one, the aim where functions are compiled separately)
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
        sources = []
        for header in sorted((HERE.parent / "include/coffer/src").glob("*.hpp")):
            sources.append(Path(directory) / f"src_{header.stem}.cpp")
            sources[-1].write_text(f"#include <coffer/src/{header.name}>\n", encoding="utf-8")

        compiled = Path(directory) / "compiled.o"
        least: dict[tuple[str, str], float] = {}
        size: dict[tuple[str, str], int] = {}

        def compile_one(what: str, source: Path, how: str) -> None:
            took = cpu_seconds([*command, *([how] if how else []), "-c", str(source), "-o", str(compiled)])
            least[what, how] = min(least.get((what, how), took), took)
            size[what, how] = compiled.stat().st_size

        for _ in range(given.turns):
            for what, source, bare, _aim in cases:
                for how in ["", SEPARATE] if bare else [""]:
                    compile_one(what, source, how)
        for source in sources:
            compile_one(source.stem, source, SEPARATE)

    print(f"{version.splitlines()[0]}, {'-O2' if given.optimise else '-O0'}, least of {given.turns}")
    print(f"{'':<40}{'headers only':^24} {'compiled separately':^24}")
    print(f"{'':<40}{'seconds':>7}{'object':>10}{'ratio':>7} {'seconds':>7}{'object':>10}{'ratio':>7}{'aim':>6}")
    for what, _source, bare, aim in cases:
        line = f"{what:<40}"
        for how in ["", SEPARATE] if bare else [""]:
            line += f"{least[what, how]:>7.2f}{size[what, how] / 1024:>7.0f} KB"
            if bare is not None:
                ratio = least[what, how] / least[bare, ""]
                line += f"{ratio:>7.2f} "
        if aim is not None:
            line += f"{aim:>5.1f}{'' if ratio <= aim else '   missed'}"
        print(line)
    once = {source.stem.removeprefix("src_"): least[source.stem, SEPARATE] for source in sources}
    print("what is compiled once: " + ", ".join(f"{part} {took:.1f} s" for part, took in once.items()))


if __name__ == "__main__":
    main()
