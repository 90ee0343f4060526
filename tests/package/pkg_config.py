#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles and runs a consumer with nothing but what pkg-config says.

    pkg_config.py <pkg-config> <directory of .pc files> <component> <source> <program> <compiler> <flag>...
"""

import os
import subprocess
import sys


def main() -> int:
    tool, files, component, source, program, *compiler = sys.argv[1:]
    module = "coffer" if component == "core" else f"coffer-{component}"
    found = {**os.environ, "PKG_CONFIG_PATH": files}
    said = subprocess.run([tool, "--cflags", "--libs", module], env=found, capture_output=True, text=True)
    if said.returncode != 0:
        print(said.stderr)
        return 1
    flags = said.stdout.split()
    prefix = os.path.dirname(os.path.dirname(files))
    if not any(flag.startswith("-I") and os.path.realpath(flag[2:]).startswith(os.path.realpath(prefix)) for flag in flags):
        print(f"{module}: no include directory below {prefix}: {flags}")
        return 1
    warnings = ["-Wall", "-Wextra", "-Werror"]
    built = subprocess.run([*compiler, *warnings, source, "-o", program, *flags])
    return built.returncode or subprocess.run([program]).returncode


if __name__ == "__main__":
    sys.exit(main())
