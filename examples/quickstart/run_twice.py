#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the quickstart twice against the provider simulator: both runs print the answer, and one of them pays.

    run_twice.py <provider_sim> <quickstart>
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    simulator, program = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as place:
        ledger = Path(place, "ledger")
        with subprocess.Popen(
            [simulator, "--port", "0", "--ledger", ledger], stdout=subprocess.PIPE, text=True
        ) as provider:
            try:
                url = provider.stdout.readline().split()[-1]
                env = os.environ | {"OPENAI_BASE_URL": url + "/v1", "OPENAI_API_KEY": "sk-canary-key"}
                runs = [
                    subprocess.run([program], cwd=place, env=env, capture_output=True, text=True, timeout=60)
                    for _ in range(2)
                ]
            finally:
                provider.terminate()
        kinds = [json.loads(line)["kind"] for line in ledger.read_text().splitlines()]
        for run in runs:
            print(run.stdout, run.stderr, f"exit {run.returncode}")
        answers = [run.stdout.split("\n\n")[0] for run in runs]
        if any(run.returncode != 0 for run in runs) or not answers[0] or answers[0] != answers[1]:
            print("both runs must print the same answer")
            return 1
        if "nothing was sent" in runs[0].stdout or "nothing was sent" not in runs[1].stdout:
            print("the second run, and only that one, must be answered by the store")
            return 1
        if kinds.count("send") != 1 or kinds.count("bill") != 1:
            print(f"one send and one bill were due, not {kinds}")
            return 1
        kept = b"".join(path.read_bytes() for path in Path(place).rglob("*") if path.is_file())
        if b"sk-canary-key" in kept or any("sk-canary-key" in run.stdout + run.stderr for run in runs):
            print("the API key was written somewhere")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
