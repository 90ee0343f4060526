#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that every C++ block of README.md and docs/ is a region of a file that is compiled, and every text block one of a
file that a test compares with what is said.

    snippets.py [--fix] [project directory]

In the page, the block names the file and the region:

    <!-- snippet: tests/readme/quickstart.cpp#usage -->
    ```cpp
    ...
    ```

In the file the region stands between two lines `//! [usage]`; its common indentation is taken off, and so are the marker
lines of other regions inside it. Of a file in tests/compile_fail, the region `says` is what the compiler must say. Of a file
in another language the region is `all`, or, of a transcript that examples/steps/check.py compares with what programs print, the
number of one of its commands:

    <!-- snippet: examples/steps/01_first_retry.expect#1 -->
    ```text
    ...
    ```

With --fix the pages are rewritten.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from pathlib import Path

NAMED = re.compile(r"^<!-- snippet: (?P<file>[^#\s]+)#(?P<region>[\w-]+) -->$")
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<language>[\w+-]*)")
MARKER = re.compile(r"^\s*//! \[(?P<region>[\w-]+)\]\s*$")
SAYS = re.compile(r"^// says: *(?P<text>.*\S)")
CUT = {"cpp", "c++", "cc", "cxx", "hpp", "text"}


def transcript_of(path: Path, region: str) -> str:
    """What a reader sees of a transcript: commands and what they print, without the patterns."""
    commands: list[list[str]] = []
    for line in path.read_text(encoding="utf-8").partition("\n\n")[2].splitlines():
        if line.startswith("$ "):
            commands.append([line])
        elif commands and not line.startswith("~ "):
            commands[-1].append(line.removeprefix("= "))
    if region == "all":
        return "\n".join(line for command in commands for line in command)
    if not region.isdecimal() or not 1 <= int(region) <= len(commands):
        raise LookupError(f"it has {len(commands)} commands, and no {region}")
    return "\n".join(commands[int(region) - 1])


def region_of(path: Path, region: str) -> str:
    if not path.is_file():
        raise LookupError(f"there is no file {path.name} there")
    if region == "says":
        said = [found["text"] for found in map(SAYS.match, path.read_text(encoding="utf-8").splitlines()) if found]
        if not said:
            raise LookupError("it has no line `// says:`")
        return "\n".join(said)
    if path.suffix == ".expect":
        return transcript_of(path, region)
    if region == "all":
        return path.read_text(encoding="utf-8").strip("\n")
    parts: list[str] = []
    markers = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        marker = MARKER.match(line)
        if marker and marker["region"] == region:
            markers += 1
        elif not marker and markers == 1:
            parts.append(line)
    if markers != 2:
        raise LookupError(f"it has {markers} lines `//! [{region}]`, not 2")
    return textwrap.dedent("\n".join(parts)).strip("\n")


def check(page: Path, root: Path, fix: bool) -> list[str]:
    """The errors of one page; with `fix`, only those that cannot be put right, which the page then has been."""
    errors: list[str] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    result: list[str] = []
    named: re.Match[str] | None = None
    i = 0
    while i < len(lines):
        line = lines[i]
        opening = FENCE.match(line)
        if not opening:
            if line.strip():
                named = NAMED.match(line.strip())
                if not named and "<!-- snippet" in line:
                    errors.append(f"{page.relative_to(root)}:{i + 1}: not `<!-- snippet: path/to/file.cpp#region -->`")
            result.append(line)
            i += 1
            continue

        start = i + 1
        fence = opening["fence"]
        end = start
        while end < len(lines) and not re.match(rf"^ *{re.escape(fence)}{fence[0]}*\s*$", lines[end]):
            end += 1
        where = f"{page.relative_to(root)}:{i + 1}"
        block = lines[start:end]
        if named:
            try:
                text = region_of(root / named["file"], named["region"])
            except LookupError as problem:
                errors.append(f"{where}: {named['file']}: {problem}")
            else:
                wanted = textwrap.indent(text, opening["indent"]).split("\n")
                if block != wanted and fix:
                    block = wanted
                elif block != wanted:
                    errors.append(f"{where}: differs from {named['file']}#{named['region']}")
        elif opening["language"].lower() in CUT:
            errors.append(f"{where}: a block of C++ or text without `<!-- snippet: path/to/file.cpp#region -->` above it")
        result += [line, *block, *lines[end : end + 1]]
        named = None
        i = end + 1
    if fix and result != lines:
        page.write_text("\n".join(result) + "\n", encoding="utf-8")
        print(f"{page.relative_to(root)}: rewritten")
    return errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true", help="rewrite the pages from the files")
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()

    root = arguments.root.resolve()
    pages = [page for page in [root / "README.md", *sorted(root.glob("docs/**/*.md"))] if page.is_file()]
    errors = [error for page in pages for error in check(page, root, arguments.fix)]
    for error in errors:
        print(f"error: {error}")
    if errors and not arguments.fix:
        print("tests/readme/snippets.py --fix rewrites the pages from the files")
    print(f"{len(pages)} pages, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
