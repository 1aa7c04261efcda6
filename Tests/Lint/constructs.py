"""Refuses constructs that the project does without, and files that have grown too long (CONTRIBUTING, "Code")."""

import pathlib
import re
import sys

LONGEST_FILE = 500
# Where the real clock and real randomness live.
LIVE = {
    "Sources/HTTPClient/Retrying/TimeSource.swift",
    "Sources/Secrets/RandomSource.swift",
    "Sources/Sandbox/Server/SandboxDependencies.swift",
}

FORBIDDEN = [
    (re.compile(r"\btry!"), "try!", set()),
    (re.compile(r"\bfatalError\("), "fatalError", set()),
    (re.compile(r"(?<![\w.])Date\(\)"), "Date(), take the time source that is passed in", LIVE),
    (re.compile(r"\bTask\.sleep\b"), "Task.sleep, take the time source that is passed in", LIVE),
    (re.compile(r"\bUUID\(\)"), "UUID(), take the random source that is passed in", set()),
    (re.compile(r"\.random\(in:"), "a random number, take the random source that is passed in", LIVE),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "a note to self", set()),
]
# Allowed with a comment on the lines above that says why it is safe.
PROVEN = re.compile(r"@unchecked Sendable|nonisolated\(unsafe\)|\btry\?")

root = pathlib.Path(__file__).resolve().parents[2]
problems = []
for path in sorted((root / "Sources").rglob("*.swift")):
    where = str(path.relative_to(root))
    lines = path.read_text().splitlines()
    if len(lines) > LONGEST_FILE:
        problems.append(f"{where}: {len(lines)} lines; split it by topic")
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        for pattern, name, exempt in FORBIDDEN:
            if pattern.search(code if name != "a note to self" else line) and where not in exempt:
                problems.append(f"{where}:{number}: {name}")
        if PROVEN.search(code):
            above = [text.strip() for text in lines[max(0, number - 9) : number - 1]]
            if "//" not in line and not any(text.startswith("//") for text in above):
                problems.append(f"{where}:{number}: needs a comment that proves it safe: {code.strip()}")

for problem in problems:
    print(problem)
print(f"constructs: {len(problems)} problems")
sys.exit(1 if problems else 0)
