#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Does what a way of docs/install.md says, in an empty directory, with the files that stand there.

    install_page.py <project> <way> <work directory>

In the page a file and a way's commands are the blocks below

    <!-- file: <way, or * for all>: <path> -->
    <!-- run: <way> -->

The page's address of the repository is given the working tree. The last command must greet.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ADDRESS = "https://example.org/coffer.git"
MARKER = re.compile(r"^<!-- (?P<what>file|run): (?P<way>[\w*]+)(: (?P<path>\S+))? -->$")


def blocks(page: str):
    """Each marked block: what it is, of which way, its path, its text."""
    marker, text = None, None
    for line in page.splitlines():
        if text is not None:
            if line.startswith("```"):
                yield marker["what"], marker["way"], marker["path"], "\n".join(text) + "\n"
                marker, text = None, None
            else:
                text.append(line)
        elif found := MARKER.match(line):
            marker = found
        elif marker and line.startswith("```"):
            text = []


def repository(project: Path, place: Path) -> None:
    """The project as it is right now, as a repository with one commit on main."""
    skip = shutil.ignore_patterns(".git", "build", "__pycache__", ".cache")
    shutil.copytree(project, place, ignore=lambda where, names: skip(where, names) if Path(where) == project else [])
    git = ["git", "-C", str(place), "-c", "user.name=coffer", "-c", "user.email=coffer@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "as it is"], check=True)


def main() -> int:
    project, way, work = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    app = work / "app"
    app.mkdir(parents=True)
    repository(project, work / "repository")

    commands = []
    for what, of, path, text in blocks((project / "docs" / "install.md").read_text(encoding="utf-8")):
        if what == "run" and of == way:
            commands.append(text)
        elif what == "file" and of in (way, "*"):
            (app / path).write_text(text, encoding="utf-8")
    if len(commands) != 1:
        print(f"docs/install.md has {len(commands)} blocks <!-- run: {way} -->")
        return 1

    settings = {f"url.file://{work / 'repository'}.insteadOf": ADDRESS, "protocol.file.allow": "always"}
    environment = {**os.environ, "HOME": str(work), "GIT_CONFIG_COUNT": str(len(settings))}
    for i, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{i}"], environment[f"GIT_CONFIG_VALUE_{i}"] = key, value
    done = subprocess.run(["sh", "-ex"], input=commands[0], cwd=app, env=environment, text=True, capture_output=True)
    if done.returncode != 0 or not done.stdout.endswith("hello, coffer\n"):
        print(f"{done.stdout}\n{done.stderr}\ndocs/install.md, {way}: failed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
