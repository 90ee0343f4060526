#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""examples/steps/check.py accepts what is right, and finds what is wrong: steps_check_test.py <check.py>. The step is `echo`.

And each real step is short, and is expected to print something.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_LINES = 60

# What the expectation says, and what check.py says of it; nothing: it agrees.
CASES = {
    "right": ("program: say\n\n$ ./say one\none\n", None),
    "right, by its own name": ("# no head\n\n$ ./01_say one\none\n", None),
    "right, with a pattern": ("program: say\n\n$ ./say took 3 s\n~ took [0-9]+ s\n= took 2 s\n", None),
    "right, and ends badly": ("program: say\nexits: 0 3\n\n$ ./say one\none\n$ exit 3\n", None),
    "right, with wider columns": ("program: say\n\n$ ./say '#  start   took'\n#  start  took\n", None),
    "another column": ("program: say\n\n$ ./say '#  start   took'\n#  start  cost\n", "-#  start  cost"),
    "another line": ("program: say\n\n$ ./say one\ntwo\n", "-two"),
    "a line too many": ("program: say\n\n$ ./say one\none\ntwo\n", "-two"),
    "a line too few": ("program: say\n\n$ ./say one; ./say two\none\n", "+two"),
    "nothing printed": ("program: say\n\n$ true\none\n", "-one"),
    "a pattern for a part of the line": ("program: say\n\n$ ./say one two\n~ one\n", "+one two"),
    "the page's line is none of the pattern's": ("program: say\n\n$ ./say 1\n~ [0-9]\n= a\n", "does not match"),
    "another exit": ("program: say\n\n$ exit 3\n", "ended with 3, not 0"),
    "an exit too many": ("program: say\nexits: 0 0\n\n$ ./say\n\n", "1 commands, and 2 exits"),
    "no command": ("program: say\n\n", "0 commands"),
    "a head that nobody knows": ("programm: say\n\n$ ./say\n\n", "what is this"),
    "bills of nobody": ("program: say\nbills: OPENAI 1\n\n$ ./say\n\n", "what is this"),
    "a key in the output": ("program: say\n\n$ ./say sk-canary-key\nsk-canary-key\n", "prints the API key"),
    "a key in a file": ("program: say\n\n$ ./say sk-canary-key > kept\n", "written to a file"),
}


def main() -> int:
    wrong = []
    with tempfile.TemporaryDirectory() as place:
        expectation = Path(place, "01_say.expect")
        for name, (text, complaint) in CASES.items():
            expectation.write_text(text)
            run = subprocess.run(
                [sys.executable, sys.argv[1], "--simulator", "none", shutil.which("echo"), expectation],
                capture_output=True, text=True, timeout=60,
            )
            said = run.stdout + run.stderr
            if (run.returncode == 0) != (complaint is None) or (complaint or "") not in said:
                wrong.append(f"{name}: ended with {run.returncode}\n{said}")
    for step in Path(sys.argv[1]).parent.glob("*.cpp"):
        lines = len(step.read_text(encoding="utf-8").splitlines())
        if lines >= MOST_LINES:
            wrong.append(f"{step.name} has {lines} lines; a step has less than {MOST_LINES}")
        if not step.with_suffix(".expect").is_file():
            wrong.append(f"{step.name} has no {step.stem}.expect")
    if wrong:
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
