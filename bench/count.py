#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Counts what the path of a call costs, in instructions and allocations, beside the bare thing in the same run.

    count.py <bench_walk> [<bench.json>]

Instructions repeat exactly on one machine: each mode runs under valgrind's callgrind for N and for 2N calls, and the
difference divided by N is free of start-up. Wall times would not repeat, and are not taken.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

CALLS = 2000

# (name, mode, what it is compared with, the aim: at most so many instructions (an int) or times the other (a float))
FIGURES = [
    ("retry and seven no-op gates", "eight_gates", "bare", 800),
    ("the same, type-erased", "erased", "bare", None),
    ("the same, a failed attempt", "eight_gates_failure", "eight_gates", 1.5),
    ("an empty pipeline", "empty_pipeline", "bare", None),
    ("a refusal by the fourth gate", "refused", "bare", 3.0),
    ("a gate that does nothing", "one_gate", "bare", None),
    ("a circuit breaker, closed", "circuit_breaker", "one_gate", None),
    ("a refusal by a circuit breaker", "circuit_open", "bare", 3.0),
    ("one layer", "one_layer", "bare", None),
    ("the throwing edge, nothing thrown", "throwing_edge", "bare", None),
]


def instructions(program: str, mode: str, calls: int) -> int:
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, mode, str(calls)],
        capture_output=True, text=True, check=True,
    )
    return int(re.search(r"Collected\s*:\s*(\d+)", run.stderr)[1])


def cost(program: str, mode: str) -> tuple[int, float]:
    per_call = (instructions(program, mode, 2 * CALLS) - instructions(program, mode, CALLS)) // CALLS
    said = subprocess.run([program, mode, str(CALLS)], capture_output=True, text=True, check=True).stdout
    allocations = re.match(r"([\d.]+) allocations", said)
    return per_call, float(allocations[1]) if allocations else 0.0


def verdict(aim: int | float | None, value: int, bare: int) -> str:
    if aim is None:
        return ""
    missed = value > aim if isinstance(aim, int) else value > aim * bare
    return f"  (aim {aim}{'' if isinstance(aim, int) else ' x'}{': MISSED' if missed else ''})"


def main() -> int:
    program = sys.argv[1]
    costs: dict[str, tuple[int, float]] = {}
    for _, mode, bare, _ in FIGURES:
        for wanted in (mode, bare):
            costs.setdefault(wanted, cost(program, wanted) if wanted not in costs else costs[wanted])
    rows = []
    for name, mode, bare, aim in FIGURES:
        value, allocations = costs[mode]
        bare_value = costs[bare][0]
        rows.append({"name": name, "value": value, "unit": "instructions", "bare": bare_value,
                     "ratio": round(value / bare_value, 2), "allocations": allocations, "aim": aim})
        print(f"{name:36} {value:6} instructions, {value / bare_value:5.2f} x {bare} ({bare_value}), "
              f"{allocations:.2f} allocations{verdict(aim, value, bare_value)}")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
