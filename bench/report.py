#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures what coffer costs beside the bare thing, and says which aims are met.

    report.py <directory of the bench_* programs> [--json FILE] [--only PROGRAM]... [--quick]

Two kinds of figures. Instructions, by valgrind's callgrind, repeat exactly on one machine: N repetitions and 2N, the difference
is free of start-up. CPU time (wall time where a disk is waited for), by Google Benchmark: a mode and its bare one are
repeated in random turns in one run, and the medians are compared; what counts is the ratio.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

# (what, program, mode, its bare one, the aim). The aim is a ratio (a float), or at most so many instructions (an int).
INSTRUCTIONS = [
    ("retry and seven no-op gates", "walk", "eight_gates", "bare", 800),
    ("the same, type-erased", "walk", "erased", "bare", None),
    ("a failed attempt beside a successful one", "walk", "eight_gates_failure", "eight_gates", 1.5),
    ("a refusal by the fourth gate", "walk", "refused", "bare", 3.0),
    ("an empty pipeline", "walk", "empty_pipeline", "bare", None),
    ("a gate that does nothing", "walk", "one_gate", "bare", None),
    ("circuit_breaker, closed", "walk", "circuit_breaker", "one_gate", None),
    ("circuit_breaker, a refusal", "walk", "circuit_open", "bare", 3.0),
    ("bulkhead with room", "walk", "bulkhead", "one_gate", None),
    ("bulkhead, adaptive", "walk", "bulkhead_adaptive", "one_gate", None),
    ("bulkhead, a refusal", "walk", "bulkhead_full", "bare", 3.0),
    ("retry, breaker, bulkhead, limit and budget", "walk", "usual_gates", "bare", None),
    ("a layer", "walk", "one_layer", "bare", None),
    ("the throwing edge, nothing thrown", "walk", "throwing_edge", "bare", None),
    ("a token bucket, clock included", "rate", "bucket_and_clock", "gcra_and_clock", None),
    ("rate_limit, clock included", "rate", "limit", "gcra_and_clock", None),
    ("rate_limit of three limits, clock included", "rate", "three_limits", "gcra_and_clock", None),
    ("per_key, one breaker of 10,000, clock included", "per_key", "one_of_10000", "breaker", None),
    ("arming and cancelling a timer, beside op || timer", "timers", "arm_and_cancel", "or_timer", 0.02),
    ("an operation under a timeout, beside op || timer", "timers", "timeout", "or_timer", 0.25),
    ("reserve and settle in memory", "ledger", "backend", "section", 2.0),
    ("memory_store: claim, permit, answer, accept", "store", "memory", "bare_memory", 2.0),
    ("memory_store: a replay", "store", "replay", "bare_replay", None),
]
TIMES = [
    ("retry and seven no-op gates", "walk", "eight_gates", "bare", None),
    ("a token bucket, clock included", "rate", "bucket_and_clock", "gcra_and_clock", 1.3),
    ("rate_limit, clock included", "rate", "limit", "gcra_and_clock", None),
    ("a token bucket, two threads", "rate", "bucket_two_threads", "gcra_two_threads", 1.3),
    ("per_key, one breaker of 10,000, clock included", "per_key", "one_of_10000", "breaker", None),
    ("per_key, two threads", "per_key", "per_key_two_threads", "breaker_two_threads", None),
    ("reserve and settle in memory", "ledger", "backend", "section", 2.0),
    ("memory_store: claim, permit, answer, accept", "store", "memory", "bare_memory", 2.0),
    ("memory_store: a replay", "store", "replay", "bare_replay", 1.5),
    ("SHA-256 of 1 KiB", "store", "sha256_1k", "bare_sha256_1k", 1.3),
    ("SHA-256 of 8 KiB", "store", "sha256_8k", "bare_sha256_8k", 1.1),
    ("sqlite::store, 64 callers, FULL", "store", "sqlite", "bare_sqlite", 1.25),
    ("an HTTP request, one at a time", "http_client", "client_1", "bare_1", 1.2),
    ("an HTTP request, 64 at a time", "http_client", "client_64", "bare_64", 1.2),
    ("an HTTP request, 512 at a time", "http_client", "client_512", "bare_512", 1.2),
    ("four policies around an HTTP request, 64 at a time", "http_client", "guarded_64", "client_64", 1.07),
]
# (what, program, mode, its bare one, so many at a time, the aim)
BYTES = [("memory of a call that sleeps in retry", "timers", "sleeping", "sleeping_bare", 100_000, 1.4)]


def output(*command: str) -> subprocess.CompletedProcess:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"report.py: {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def instructions(program: str, mode: str) -> tuple[float, float]:
    """Instructions and allocations of one repetition."""

    def collected(n: int) -> int:
        run = output("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, mode, str(n))
        return int(re.search(r"Collected\s*:\s*(\d+)", run.stderr)[1])

    n = 2000  # which the program repeats twice
    per_repetition = round((collected(2 * n) - collected(n)) / (2 * n))
    return per_repetition, float(re.match(r"([\d.]+) allocations", output(program, mode, str(10 * n)).stdout)[1])


def resident(program: str, mode: str, count: int) -> int:
    return int(re.match(r"(\d+) bytes", output(program, mode, str(count)).stdout)[1])


def times(program: str, modes: set[str], quick: bool) -> dict[str, float]:
    """Nanoseconds of one repetition of each mode."""
    said = output(
        program, f"--benchmark_filter=^({'|'.join(sorted(modes))})/", "--benchmark_format=json",
        "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true",
        f"--benchmark_repetitions={3 if quick else 11}", f"--benchmark_min_time={0.02 if quick else 0.1}",
    ).stdout
    found = {}
    for b in json.loads(said)["benchmarks"]:
        if b["aggregate_name"] == "median":
            found[b["run_name"].split("/")[0]] = 1e9 / b["items_per_second"]
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("programs", type=Path)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--only", action="append", metavar="PROGRAM", help="walk, rate, ledger, store, ...")
    arguments.add_argument("--quick", action="store_true", help="less exact times")
    given = arguments.parse_args()
    path = {p.name.removeprefix("bench_"): str(p) for p in given.programs.resolve().glob("bench_*") if p.is_file()}
    wanted = given.only or sorted(path)
    if unknown := sorted(set(wanted) - set(path)):
        sys.exit(f"report.py: no program bench_{unknown[0]} in {given.programs}; there are {', '.join(sorted(path))}")

    rows = []

    def add(what, unit, value, bare_name, bare, aim, **more):
        ratio = value / bare
        missed = aim is not None and (value > aim if isinstance(aim, int) else ratio > aim)
        rows.append({"name": what, "value": value, "unit": unit, "bare": bare, "ratio": round(ratio, 2), "aim": aim, **more})
        goal = "" if aim is None else f"  (aim {aim}{'' if isinstance(aim, int) else ' x'}{': MISSED' if missed else ''})"
        print(f"{what:52} {value:10.0f} {unit}, {ratio:5.2f} x {bare_name} ({bare:.0f}){goal}", flush=True)

    print("Instructions")
    known: dict[tuple[str, str], tuple[float, float]] = {}
    for what, program, mode, bare, aim in INSTRUCTIONS:
        if program not in wanted:
            continue
        for m in (mode, bare):
            if (program, m) not in known:
                known[program, m] = instructions(path[program], m)
        value, allocations = known[program, mode]
        add(what, "instructions", value, bare, known[program, bare][0], aim, allocations=allocations)
    print("Memory")
    for what, program, mode, bare, count, aim in BYTES:
        if program in wanted:
            value, bare_value = (resident(path[program], m, count) for m in (mode, bare))
            add(what, "bytes", value, bare, bare_value, aim)
    print("Time")
    for program in wanted:
        figures = [f for f in TIMES if f[1] == program]
        if not figures:
            continue
        took = times(path[program], {m for f in figures for m in f[2:4]}, given.quick)
        for what, _, mode, bare, aim in figures:
            add(what, "ns", took[mode], bare, took[bare], aim)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
