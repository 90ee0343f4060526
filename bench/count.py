#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Counts what the path of a call, timers and the ledger in memory cost, in instructions and allocations, beside the bare thing.

    count.py <directory of bench_walk, bench_timers and bench_ledger> [<bench.json>]

Instructions repeat exactly on one machine: each mode runs under valgrind's callgrind for N and for 2N calls, and the
difference divided by N is free of start-up. Wall times would not repeat, and are not taken.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

CALLS = 2000

# (name, program, mode, what it is compared with, the aim: at most so many instructions (an int) or times the other (a float))
FIGURES = [
    ("retry and seven no-op gates", "walk", "eight_gates", "bare", 800),
    ("the same, type-erased", "walk", "erased", "bare", None),
    ("the same, a failed attempt", "walk", "eight_gates_failure", "eight_gates", 1.5),
    ("an empty pipeline", "walk", "empty_pipeline", "bare", None),
    ("a refusal by the fourth gate", "walk", "refused", "bare", 3.0),
    ("a gate that does nothing", "walk", "one_gate", "bare", None),
    ("a circuit breaker, closed", "walk", "circuit_breaker", "one_gate", None),
    ("a refusal by a circuit breaker", "walk", "circuit_open", "bare", 3.0),
    ("one layer", "walk", "one_layer", "bare", None),
    ("the throwing edge, nothing thrown", "walk", "throwing_edge", "bare", None),
    ("arming and cancelling a timer", "timers", "arm_and_cancel", "or_timer", 0.02),
    ("an operation under a timeout", "timers", "timeout", "or_timer", 0.25),
    ("reserve and settle in memory", "ledger", "backend", "section", 2.0),
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
    programs = Path(sys.argv[1])
    costs: dict[tuple[str, str], tuple[int, float]] = {}
    for _, program, mode, bare, _ in FIGURES:
        for wanted in (mode, bare):
            if (program, wanted) not in costs:
                costs[program, wanted] = cost(str(programs / f"bench_{program}"), wanted)
    rows = []
    for name, program, mode, bare, aim in FIGURES:
        value, allocations = costs[program, mode]
        bare_value = costs[program, bare][0]
        rows.append({"name": name, "value": value, "unit": "instructions", "bare": bare_value,
                     "ratio": round(value / bare_value, 2), "allocations": allocations, "aim": aim})
        print(f"{name:36} {value:6} instructions, {value / bare_value:5.2f} x {bare} ({bare_value}), "
              f"{allocations:.2f} allocations{verdict(aim, value, bare_value)}")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
