#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the program twice with one seed and once with another: same_bytes.py <fleet>.

What it prints and writes is the same, byte for byte, and another seed's is not; nonsense is refused with code 2.
"""

import subprocess
import sys
import tempfile
from pathlib import Path


def output(program: str, place: Path, *more: str) -> tuple[bytes, ...]:
    svg, csv = place / "curves.svg", place / "curves.csv"
    arguments = ["--clients", "60", "--before", "60", "--trouble", "60", "--after", "60", *more]
    run = subprocess.run([program, *arguments, "--svg", svg, "--csv", csv], stdout=subprocess.PIPE, check=True)
    return run.stdout, svg.read_bytes(), csv.read_bytes()


def main() -> int:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as home:
        place = Path(home)
        for scenario in ("outage", "brown-out", "429-storm"):
            first = output(program, place, "--scenario", scenario, "--longest-break", "30")
            assert output(program, place, "--scenario", scenario, "--longest-break", "30") == first, scenario
            other = output(program, place, "--scenario", scenario, "--longest-break", "30", "--seed", "2")
            assert all(a != b for a, b in zip(first, other)), scenario
            assert b"yours" in first[0] and first[2].count(b"\n") == 1 + 4 * 180, scenario
        unwritable = subprocess.run([program, "--clients", "1", "--svg", place / "no" / "such"], capture_output=True)
        assert unwritable.returncode == 1 and b"cannot write" in unwritable.stderr, unwritable
    nonsense = subprocess.run([program, "--clients", "0"], capture_output=True)
    assert nonsense.returncode == 2 and b"--clients" in nonsense.stderr, nonsense
    return 0


if __name__ == "__main__":
    sys.exit(main())
