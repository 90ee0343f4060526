#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles one file that must not compile, and its corrected twin that must; README.md here has the rules.

    compile_fail.py <source> <compiler> <flag>...
"""

import os
import re
import subprocess
import sys


def compile_it(command: list[str], *flags: str) -> tuple[bool, str]:
    done = subprocess.run(
        [*command, "-fsyntax-only", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
        text=True,
        errors="replace",
    )
    return done.returncode == 0, done.stdout


def main() -> int:
    source, *command = sys.argv[1:]
    command.append(source)
    with open(source, encoding="utf-8") as file:
        text = file.read()
    expected = re.findall(r"^// expect: *(.*\S)", text, re.MULTILINE)
    said = re.findall(r"^// says: *(.*\S)", text, re.MULTILINE)
    flags = [flag for line in re.findall(r"^// flags: *(.*\S)", text, re.MULTILINE) for flag in line.split()]
    if not expected and not said:
        print(f"{source}: has neither a `// expect: <regex>` nor a `// says: <text>` line")
        return 1

    compiled, output = compile_it(command, "-DCOFFER_COMPILE_FAIL_FIXED")
    if not compiled:
        print(f"{output}\n{source}: with COFFER_COMPILE_FAIL_FIXED it must compile, and it does not")
        return 1
    compiled, output = compile_it(command, *flags)
    if compiled:
        print(f"{source}: it compiles, and must not")
        return 1
    errors = [match.start() for match in re.finditer(r": error: ", output)]
    first = output[: errors[1]] if len(errors) > 1 else output
    missing = [pattern for pattern in expected if not re.search(pattern, output)]
    missing += [f"{words} (with its first error)" for words in said if words not in first]
    if re.search(r"^// alone$", text, re.MULTILINE) and len(errors) > 1:
        missing.append(f"one error, and nothing more: there are {len(errors)}")
    for pattern in missing:
        print(f"{source}: the compiler did not say: {pattern}")
    if missing:
        print(f"It said:\n{output}")
        return 1
    print(f"{source}: refused with {len(expected + said)} expected message{'s' * (len(expected + said) > 1)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
