#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs a step as a reader would, in an empty directory, and compares what it prints, and what the provider has billed.

    check.py --simulator PATH <program> NN_name.expect            # or NN_name.something.expect
    check.py --simulator PATH --show <program> NN_name.expect     # prints what came, as a transcript to begin with

The expectation is a head, an empty line, and a transcript of a terminal:

    # A comment. The step appears in the directory under this name; without the line, as ./NN_name.
    program: build/ask
    # A provider_sim for it, with rules from a file beside the expectation (or none). NAME_BASE_URL and NAME_API_KEY are set.
    sim: OPENAI 01_first_retry.throttled.json
    # What must stand in that provider's ledger at the end, which is the truth where it is about money.
    sends: OPENAI 3
    bills: OPENAI 1
    # How each of the commands ends, 0 if the line is missing.
    exits: 0 1

    $ ./build/ask
    This line is printed.
    ~ took [0-9.]+ s
    = took 0.002 s
    $ ./build/ask again
    from the store

Each line `$ ...` is a command, and is given to the shell. Below it stands all that it prints. A line `~ ` is a regular expression
for the whole line; the pages show the line `= ` under it in its place, which has to match too.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "sk-canary-key"


@dataclass
class Command:
    text: str
    lines: list[str] = field(default_factory=list)  # as they stand in the expectation, `= ` left out


@dataclass
class Expectation:
    program: str
    sims: dict[str, Path | None] = field(default_factory=dict)
    counts: list[tuple[str, str, int]] = field(default_factory=list)  # kind of a ledger's line, provider, how many
    exits: list[int] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


def read(path: Path) -> Expectation:
    head, _, transcript = path.read_text(encoding="utf-8").partition("\n\n")
    wanted = Expectation(program=path.name.partition(".")[0])
    for line in head.splitlines():
        if line.startswith("#"):
            continue
        name, colon, value = line.partition(": ")
        words = value.split()
        if name == "program" and len(words) == 1:
            wanted.program = words[0]
        elif name == "sim" and len(words) in (1, 2):
            wanted.sims[words[0]] = path.parent / words[1] if len(words) == 2 else None
        elif name in ("sends", "bills") and len(words) == 2 and words[0] in wanted.sims:
            wanted.counts.append((name[:-1], words[0], int(words[1])))
        elif name == "exits" and words:
            wanted.exits = [int(word) for word in words]
        else:
            raise ValueError(f"{path.name}: what is this: {line}")
    for line in transcript.splitlines():
        if line.startswith("$ "):
            wanted.commands.append(Command(line[2:]))
        elif not wanted.commands:
            raise ValueError(f"{path.name}: this stands before the first command: {line}")
        elif line.startswith("= "):
            above = wanted.commands[-1].lines[-1:]
            if not above or not above[0].startswith("~ ") or not re.fullmatch(above[0][2:], line[2:]):
                raise ValueError(f"{path.name}: this does not match the line above it: {line}")
        else:
            wanted.commands[-1].lines.append(line)
    wanted.exits = wanted.exits or [0] * len(wanted.commands)
    if not wanted.commands or len(wanted.exits) != len(wanted.commands):
        raise ValueError(f"{path.name}: {len(wanted.commands)} commands, and {len(wanted.exits)} exits")
    return wanted


def start(stack: ExitStack, simulator: str, name: str, script: Path | None, ledger: Path) -> dict[str, str]:
    """Starts a provider that ends with the stack; the environment in which it is found."""
    command = [simulator, "--port", "0", "--ledger", ledger] + (["--script", script] if script else [])
    provider = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(provider.terminate)
    announced = provider.stdout.readline().split()
    if not announced:
        raise RuntimeError(f"provider_sim for {name} did not start")
    return {f"{name}_BASE_URL": announced[-1] + "/v1", f"{name}_API_KEY": SECRET}


def alike(wanted: str, printed: str) -> bool:
    if wanted.startswith("~ "):
        return re.fullmatch(wanted[2:], printed) is not None
    if wanted.startswith("#  "):  # the head of a call's log, whose columns are as wide as the times under it
        return wanted.split() == printed.split()
    return wanted == printed


def differences(wanted: list[str], printed: list[str]) -> list[str]:
    """Nothing where they agree; else a listing of both, in which what a pattern matches is no difference."""
    seen = [p if alike(w, p) else w for w, p in zip(wanted, printed)] + wanted[len(printed):]
    return list(difflib.unified_diff(seen, printed, "expected", "printed", lineterm="", n=100))


def shown(line: str) -> list[str]:
    """A printed line as it may stand in a transcript: no two runs take the same time."""
    seconds = r"\d+\.\d{3}s"
    if not re.search(seconds, line):
        return [line]
    return ["~ " + " +".join(re.escape(w).replace("\\-", "-") if not re.fullmatch(seconds, w) else seconds for w in line.split()), f"= {line}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", required=True, help="the program provider_sim")
    parser.add_argument("--show", action="store_true", help="print a transcript, and judge nothing")
    parser.add_argument("program", type=Path)
    parser.add_argument("expectation", type=Path)
    arguments = parser.parse_args()
    wanted = read(arguments.expectation)

    problems: list[str] = []
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as ledgers:
        program = Path(home, wanted.program)
        program.parent.mkdir(parents=True, exist_ok=True)
        program.symlink_to(arguments.program.resolve())
        env = dict(os.environ)
        with ExitStack() as providers:
            for name, script in wanted.sims.items():
                env |= start(providers, arguments.simulator, name, script, Path(ledgers, name))
            for command, code in zip(wanted.commands, wanted.exits):
                run = subprocess.run(["bash", "-c", command.text], cwd=home, env=env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
                printed = run.stdout.splitlines()
                if arguments.show:
                    print("\n".join([f"$ {command.text}", *(s for line in printed for s in shown(line))]))
                    print(f"# ended with {run.returncode}")
                    continue
                if run.returncode != code:
                    problems.append(f"$ {command.text}\nended with {run.returncode}, not {code}")
                if unlike := differences(command.lines, printed):
                    problems.append("\n".join([f"$ {command.text}", *unlike]))
                if SECRET in run.stdout:
                    problems.append(f"$ {command.text}\nprints the API key")
        for name in wanted.sims:
            kinds = Counter(json.loads(line)["kind"] for line in Path(ledgers, name).read_text().splitlines())
            if arguments.show:
                print(f"# {name}: {kinds['send']} sends, {kinds['bill']} bills")
                continue
            for kind, of, number in wanted.counts:
                if of == name and kinds[kind] != number:
                    problems.append(f"the ledger of {name} has {kinds[kind]} {kind}s, not {number}")
        kept = [path for path in Path(home).rglob("*") if path.is_file() and path != program]
        if any(SECRET.encode() in path.read_bytes() for path in kept):
            problems.append("the API key was written to a file")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
