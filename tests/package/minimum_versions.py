#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that whoever states a minimum version states that of cmake/cofferDependencies.cmake.

    minimum_versions.py <project>
"""

import re
import sys
from pathlib import Path

NEED = re.compile(r"_coffer_need\((?P<package>\S+) \S+ (?P<minimum>[\d.]+) \S+\s+\"(?P<apt>.+?) \| (?P<vcpkg>.+?) \| (?P<conan>.+?)\"\)")
# What the pages call them, and pkg-config; Asio, tl::expected and date have no module that says its version.
NAMES = {
    "Asio": ("Asio", None),
    "tl-expected": ("tl::expected", None),
    "CURL": ("libcurl", "libcurl"),
    "nlohmann_json": ("nlohmann_json", "nlohmann_json"),
    "OpenSSL": ("OpenSSL", "libcrypto"),
    "SQLite3": ("SQLite", "sqlite3"),
    "date": ("date", None),
}


def main() -> int:
    root = Path(sys.argv[1])

    def text(path: str) -> str:
        return (root / path).read_text(encoding="utf-8")

    errors = []

    def must(path: str, wanted: str) -> None:
        if wanted not in text(path):
            errors.append(f"{path} does not say {wanted!r}")

    found = {need["package"]: need for need in NEED.finditer(text("cmake/cofferDependencies.cmake"))}
    found.pop("Threads", None)
    if boost := found.pop("Boost", None):  # in place of standalone Asio, for who asks for it
        for page, wanted in (("docs/linking.md", f"Boost {boost['minimum']} or newer"), ("docs/install.md", f"Boost.Asio ≥ {boost['minimum']}"),
                             ("docs/third_party.md", f"≥ {boost['minimum']}"), ("include/coffer/asio.hpp", f"Boost {boost['minimum']} or newer")):
            must(page, wanted)
    else:
        errors.append("cmake/cofferDependencies.cmake does not say which Boost is needed")
    if set(found) != set(NAMES):
        errors.append(f"cmake/cofferDependencies.cmake needs {sorted(found)}, this script knows {sorted(NAMES)}")
    for package, need in found.items():
        if package not in NAMES:
            continue
        page, module = NAMES[package]
        minimum = need["minimum"]
        must("conanfile.py", f'"{need["conan"]}/[>={minimum} ')
        must("ports/coffer/vcpkg.json", f'"{need["vcpkg"]}"')
        must("docs/install.md", f"{page} ≥ {minimum}")
        must("docs/install.md", need["apt"])
        must("scripts/lib.sh", need["apt"])
        if not re.search(rf"\[{re.escape(page)}\].*\| ≥ {re.escape(minimum)} \|", text("docs/third_party.md")):
            errors.append(f"docs/third_party.md does not say {page} ≥ {minimum}")
        if module:
            must("cmake/CofferPkgConfig.cmake", f'"{module} >= {minimum}"')
    for error in errors:
        print(f"error: {error}")
    print(f"{len(found)} libraries, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
