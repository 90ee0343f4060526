#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks who may include whom, that each header begins as a header of ours does, and that definitions are compiled once.

    dependency_rule.py <include directory>

base <- state <- time <- call <- store <- policy: a layer may include itself and what is left of it. The other folders
are in the table below. Third-party headers are for the few files that need them. What holds for a header holds for its
definitions (.ipp), which it includes last, unless one of coffer/src/ does.
"""

import re
import sys
from pathlib import Path

LAYERS = ["base", "state", "time", "call", "store", "policy"]

# folder -> the folders of coffer/ that it may include besides itself
MAY_INCLUDE = {layer: set(LAYERS[:i]) for i, layer in enumerate(LAYERS)}
MAY_INCLUDE["crypto"] = {"base"}
MAY_INCLUDE["http"] = {"base", "time"}
MAY_INCLUDE["llm"] = {"base", "state", "time", "call", "http", "crypto"}
MAY_INCLUDE["telemetry"] = MAY_INCLUDE["testing"] = {*LAYERS, "http", "llm", "crypto"}

# The headers directly in coffer/, as the folders in which they may be included.
ABOVE_ASIO = {"time", "call", "store", "policy", "http", "llm", "telemetry", "testing"}
TOP_LEVEL = {
    "coffer/version.hpp": {*MAY_INCLUDE, ""},
    "coffer/config.hpp": {*MAY_INCLUDE, ""},
    "coffer/asio.hpp": {*ABOVE_ASIO, ""},
    "coffer/coffer.hpp": set(),  # for users; inside it would hide what a header needs
}
CORE = {*LAYERS}  # what coffer.hpp itself may bring in

SOURCES = "src"  # the headers in there gather definitions, and nothing else

LEAVES = {"coffer/time/zones.hpp"}  # of a component of their own, in a folder of the core

# A third-party header -> the files (below coffer/) that may include it.
THIRD_PARTY = [
    (r"asio\.hpp$", r"(?!)"),  # nobody: it is every part of Asio at once
    (r"(boost/)?asio/version\.hpp$", r"asio\.hpp$"),
    (r"(boost/)?asio/", r"(?!)"),  # nobody names the one or the other, see OF_ASIO
    (r"tl/expected\.hpp$", r""),
    (r"curl/", r"http/curl"),
    (r"sqlite3\.h$", r"store/sqlite"),
    (r"nlohmann/", r"llm/|telemetry/webhook\."),
    (r"openssl/", r"llm/|store/sqlite|crypto/"),
    (r"date/tz\.h$", r"time/zones\."),
]

C_HEADERS = re.compile(
    r"(sys/\w+|netinet/\w+|arpa/inet|linux/\w+"
    r"|cxxabi|dirent|errno|fcntl|netdb|poll|pthread|sched|signal|spawn|stdio|stdlib|string|termios|time|unistd)\.h$"
)
STANDARD = re.compile(r"[a-z_0-9]+$")  # <vector>, <cstdint>
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# #include COFFER_ASIO_HEADER(post.hpp): of whichever Asio it is.
OF_ASIO = re.compile(r"^\s*#\s*include\s*COFFER_ASIO_HEADER\(([^)]+)\)", re.MULTILINE)
MAY_USE_ASIO = re.compile(rf"asio\.hpp$|({'|'.join(sorted(ABOVE_ASIO))})/")

LONG = 300


def folder_of(name: str) -> str:
    """coffer/call/walk.hpp -> call; coffer/asio.hpp -> nothing."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else ""


def why_not_ours(name: str, included: str, exists: bool) -> str | None:
    if not exists:
        return "there is no such header"
    folder = folder_of(name)
    if folder == SOURCES:
        return None if included == "coffer/config.hpp" or included.endswith(".ipp") else "only definitions are gathered here"
    if included.endswith(".ipp"):
        return None if included == name.removesuffix(".hpp") + ".ipp" else "only its own header includes it, and coffer/src/"
    if folder_of(included) == SOURCES:
        return "for programs that compile coffer's definitions"
    if included in TOP_LEVEL:
        return None if folder in TOP_LEVEL[included] else f"not from {folder or name}"
    target = folder_of(included)
    if included in LEAVES and name.removesuffix(".ipp") + ".hpp" != included:
        return "for users: its component needs a library that the core does without"
    if name == "coffer/coffer.hpp":
        heavy = target not in CORE or re.match(r"coffer/store/sqlite", included)
        return "coffer.hpp is the core, which needs Asio and nothing heavier" if heavy else None
    if folder in ("", target):
        return None if folder else f"only coffer.hpp gathers headers of {target}"
    if folder == "store" and target == "crypto":
        return None if name.startswith("coffer/store/sqlite") else "only store/sqlite* needs libcrypto"
    if target in MAY_INCLUDE.get(folder, set()):
        return None
    allowed = ", ".join(sorted(MAY_INCLUDE.get(folder, set()))) or "nothing"
    return f"{folder} may include {allowed}"


def why_not_foreign(name: str, included: str) -> str | None:
    for pattern, allowed in THIRD_PARTY:
        if re.match(pattern, included):
            return None if re.match(allowed, name.removeprefix("coffer/")) else "a third-party header, not for this file"
    if STANDARD.match(included) or C_HEADERS.match(included):
        return None
    return "a header that nothing here knows; if coffer is to need it, say so in this script"


def cycles(graph: dict[str, list[str]]):
    state: dict[str, int] = {}

    def visit(node: str, path: list[str]):
        state[node] = 1
        for successor in graph.get(node, []):
            if state.get(successor) == 1:
                start = path.index(successor)
                yield " -> ".join([*path[start:], successor])
            elif successor not in state:
                yield from visit(successor, [*path, successor])
        state[node] = 2

    for node in graph:
        if node not in state:
            yield from visit(node, [node])


# What a header with definitions ends with.
INCLUDES_DEFINITIONS = """
#if !defined(COFFER_SEPARATE_COMPILATION)
#include <{}>
#endif
"""


def errors_of_definitions(root: Path, name: str, text: str, gathered: dict[str, list[str]]) -> list[str]:
    """name: coffer/call/walk.ipp"""
    header = name.removesuffix(".ipp") + ".hpp"
    if not (root / header).is_file():
        return [f"{name}: there is no {header} to include it"]
    errors = []
    if not (root / header).read_text(encoding="utf-8").endswith(INCLUDES_DEFINITIONS.format(name)):
        errors.append(f"{header}: the last thing in it has to be:{INCLUDES_DEFINITIONS.format(name)}")
    if len(gathered.get(name, [])) != 1:
        errors.append(f"{name}: must be gathered by one header in coffer/src/, is by {gathered.get(name, [])}")
    # Of an inline function's variable there is one in a process; of another's, one in each shared object.
    for match in re.finditer(r"^\s+static (?!.*\bconst\b|constexpr|.*\()\w.*[;{=]", text, re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        errors.append(f"{name}:{line}: a variable that functions share: make it a static member, inline, in the header")
    for match in re.finditer(r"^inline .*", text, re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        errors.append(f"{name}:{line}: write COFFER_INLINE: with COFFER_SEPARATE_COMPILATION it must not be inline")
    return errors


def main() -> int:
    root = Path(sys.argv[1])
    headers = sorted(path for path in (root / "coffer").rglob("*.[hi]pp"))
    gathered: dict[str, list[str]] = {}
    for path in (root / "coffer" / SOURCES).glob("*.hpp"):
        for match in INCLUDE.finditer(path.read_text(encoding="utf-8")):
            gathered.setdefault(match.group(2), []).append(path.name)
    errors: list[str] = []
    graph: dict[str, list[str]] = {}
    for path in headers:
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        folder = folder_of(name)
        if path.suffix == ".ipp":
            errors += errors_of_definitions(root, name, text, gathered)
        if folder and folder not in MAY_INCLUDE and folder != SOURCES:
            errors.append(f"{name}:1: the folder {folder} has no rule in this script")
        if not folder and name not in TOP_LEVEL:
            errors.append(f"{name}:1: directly in coffer/ there are only {', '.join(sorted(TOP_LEVEL))}")
        if lines[:1] != ["// SPDX-License-Identifier: BSL-1.0"]:
            errors.append(f"{name}:1: the first line is not `// SPDX-License-Identifier: BSL-1.0`")
        if lines[1:2] != ["#pragma once"]:
            errors.append(f"{name}:2: the second line is not `#pragma once`")
        if len(lines) > LONG:
            print(f"{name}: warning: {len(lines)} lines, over {LONG} is a reason to look again")
        graph[name] = []
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            included = match.group(2)
            if match.group(1) == '"' or included.startswith("."):
                why = "write it as <coffer/...>: one spelling, the same from everywhere"
            elif included.startswith("coffer/"):
                if included != name.removesuffix(".ipp") + ".hpp":  # its own
                    graph[name].append(included)
                why = why_not_ours(name, included, (root / included).is_file())
            else:
                why = why_not_foreign(name, included)
            if why:
                errors.append(f"{name}:{line}: includes {included}: {why}")
        for match in OF_ASIO.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            if not MAY_USE_ASIO.match(name.removeprefix("coffer/")):
                errors.append(f"{name}:{line}: uses Asio, which only time and what stands on it may")
            if "coffer/asio.hpp" not in graph[name] and path.suffix == ".hpp" and name != "coffer/asio.hpp":
                errors.append(f"{name}:{line}: COFFER_ASIO_HEADER needs <coffer/asio.hpp>")
        if re.search(r"^namespace coffer(?!::inline COFFER_ABI\b)", text, re.MULTILINE):
            errors.append(f"{name}: write `namespace coffer::inline COFFER_ABI`: its name tells what was built with which Asio")
    errors += [f"headers include each other in a circle: {cycle}" for cycle in cycles(graph)]

    for error in errors:
        print(f"error: {error}")
    print(f"{len(headers)} headers, {len(errors)} errors")
    return 1 if errors or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
