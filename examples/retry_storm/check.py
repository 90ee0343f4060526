#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the demo and reads what it prints as a stranger would: check.py <retry_storm> <provider_sim>.

The last line is one JSON object; its figures are those of the demo's promise, and those of the provider's own ledger.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

EXACT = {
    "naive": {"sends": 63, "bills": 63, "answers": 0},
    "coffer": {"sends": 3, "bills": 3, "answers": 3},
    "naive_replies_lost": {"sends": 60, "bills": 60, "answers": 0},
    "coffer_replies_lost": {"sends": 6, "bills": 6, "answers": 3},
    "coffer_killed": {"jobs": 12, "kills": 12, "answers": 36, "unresolved": 0, "in_progress": 0},
    "coffer_preflight": {"runs": 21, "sends": 0, "bills": 0, "answers": 0},
    "coffer_stopped": {"runs": 3, "sends": 3, "bills": 3, "answers": 3},
}


def main() -> int:
    program, simulator = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        place = Path(home) / "storm"
        run = subprocess.run([program, "--sim", simulator, "--dir", str(place)], stdout=subprocess.PIPE, text=True)
        lines = run.stdout.rstrip("\n").split("\n")
        print(run.stdout)
        ledgers = list(place.rglob("*ledger*"))
        kinds = [json.loads(line)["kind"] for ledger in ledgers for line in ledger.read_text().splitlines()]
    said = json.loads(lines[-1])
    assert run.returncode == 0, run.returncode
    assert (said["demo"], said["runs"], said["calls_per_run"]) == ("retry_storm", 21, 3), said
    for arm, figures in EXACT.items():
        for name, figure in figures.items():
            assert said["arms"][arm][name] == figure, (arm, name, said["arms"][arm])
    assert said["arms"]["coffer_killed"]["sends"] <= 12 * 4, said
    assert said["after_migration"] == {"sends": 3, "rows": 3 * 16}, said
    bills = sum(arm["bills"] for arm in said["arms"].values()) + said["after_migration"]["sends"]
    assert kinds.count("bill") == bills, f"the ledger has {kinds.count('bill')} bills, the demo says {bills}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
