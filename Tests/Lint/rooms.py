"""Checks that arrows between rooms point down only (docs: CONTRIBUTING, "Rooms").

Reads the manifest and every import. Fails on a dependency or an import that points up, on an import that the manifest does not
declare, and on a library used outside the one room that owns it.
"""

import json
import pathlib
import re
import subprocess
import sys

# From the ground up. A room may stand on any room before it in this list that its row names.
ROOMS = {
    "CLibcurl": [],
    "HTTPClient": ["CLibcurl"],
    "CEpoll": [],
    "HTTPServer": ["CEpoll"],
    "Secrets": [],
    "Store": ["Secrets"],
    "Connectors": ["HTTPClient", "Secrets"],
    "Synthesize": ["HTTPClient", "Secrets"],
    "Integration": ["Synthesize", "Connectors", "Store", "HTTPClient", "Secrets"],
    "Sandbox": ["HTTPServer"],
    "Portal": ["HTTPServer", "Integration", "Synthesize", "Connectors", "Store", "HTTPClient", "Secrets"],
    "perch": ["Portal", "Sandbox", "Integration", "Connectors", "Store", "HTTPClient", "Secrets"],
}
# Libraries that only one room may know.
OWNED = {"GRDB": "Store", "CLibcurl": "HTTPClient", "CEpoll": "HTTPServer", "Crypto": "Secrets", "ArgumentParser": "perch", "Yams": "Connectors"}
IMPORT = re.compile(r"^(?:@testable |@preconcurrency |public |internal |package )*import (?:\w+ )?(\w+)", re.MULTILINE)

root = pathlib.Path(__file__).resolve().parents[2]
problems = []

manifest = json.loads(
    subprocess.run(["swift", "package", "dump-package"], cwd=root, check=True, capture_output=True, text=True).stdout
)
declared = {}
for target in manifest["targets"]:
    # Helpers of the tests are no rooms.
    if target["type"] not in ("regular", "executable") or (target.get("path") or "").startswith("Tests/"):
        continue
    name = target["name"]
    needs = set()
    for dependency in target["dependencies"]:
        kind, value = next(iter(dependency.items()))
        needs.add(value[0])
    declared[name] = needs
    if name not in ROOMS:
        problems.append(f"Package.swift: {name} is not a room; add it to Tests/Lint/rooms.py at its level")
        continue
    for room in sorted(needs & ROOMS.keys()):
        if room not in ROOMS[name]:
            problems.append(f"Package.swift: {name} may not stand on {room}")

order = list(ROOMS)
for room, below in ROOMS.items():
    for other in below:
        if order.index(other) >= order.index(room):
            problems.append(f"Tests/Lint/rooms.py: {room} stands on {other}, which is not below it")

for room in ROOMS:
    for path in sorted((root / "Sources" / room).rglob("*.swift")):
        where = path.relative_to(root)
        for imported in IMPORT.findall(path.read_text()):
            if imported in ROOMS and imported != room:
                if imported not in ROOMS[room]:
                    problems.append(f"{where}: imports {imported}, which is not below {room}")
                elif imported not in declared.get(room, set()):
                    problems.append(f"{where}: imports {imported}, which Package.swift does not declare for {room}")
            owner = OWNED.get(imported)
            if owner and owner != room:
                problems.append(f"{where}: only {owner} may import {imported}")

for problem in problems:
    print(problem)
print(f"rooms: {len(problems)} problems")
sys.exit(1 if problems else 0)
