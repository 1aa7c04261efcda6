"""Takes each guard of the sync engine out in turn and expects the simulation to see it.

    python3 Tests/Simulation/guards.py [--seeds N] [--only WORD]

Works on a copy of the sources under .build-guards, so the checkout is never touched. Exit code 1 when a guard can be taken out unseen.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / ".build-guards" / "tree"
RUNNING = "Sources/Integration/Running/"

# What is guarded, the file, the words of the guard, what stands there when it is out.
GUARDS = [
    (
        "a count's intent is on disk before it is sent",
        RUNNING + "LineSender.swift",
        "return .written(.success(try await store.recordOutcomes(run, outcomes, beginning: limit, at: time.now())))",
        "let ahead = try await store.lines(run, states: [.planned], after: nil, limit: limit)\n"
        "                _ = try await store.recordOutcomes(run, outcomes, beginning: 0, at: time.now())\n"
        "                let intents = ahead.map { line in\n"
        "                    LineIntent(position: line.position, accountID: line.accountID, serviceID: line.serviceID,\n"
        "                        count: line.sentCount ?? 0, attempts: 1)\n"
        "                }\n"
        "                return .written(.success(intents))",
    ),
    (
        "accounts are listed again after a doubtful insert",
        RUNNING + "CatalogueSettler.swift",
        "var present = try await accountIDs()",
        "var present: Set<String> = []",
    ),
    (
        "services are listed again after a doubtful insert",
        RUNNING + "CatalogueSettler.swift",
        "if ServicePlan.byName(try await services())[draft.name.lowercased()] != nil { return }",
        "",
    ),
    (
        "an insert is repeated by itself only when it certainly had no effect",
        "Sources/Synthesize/SynthesizeClient.swift",
        "case .whenWithoutEffect: failure.isCertainlyWithoutEffect",
        "case .whenWithoutEffect: failure.isPassing",
    ),
    (
        "lines whose fate a crash left open are sent again",
        RUNNING + "RunDriver+Steps.swift",
        "try await store.reopenLines(run.id)\n            return",
        "return",
    ),
    (
        "a refused key is not used again",
        RUNNING + "RunDriver.swift",
        "if refusesKey {",
        "if refusesKey, false {",
    ),
    (
        "a refused key stops the run at once",
        RUNNING + "LineSender.swift",
        "if ending == nil || ending == .interrupted { ending = .stopped(failure, needsNewKey: needsNewKey) }",
        "if needsNewKey, false { ending = .stopped(failure, needsNewKey: needsNewKey) }",
    ),
    (
        "disabling ends the partner's run",
        "Sources/Integration/Partners/Desk+Connection.swift",
        "if let run = try await store.activeRun(partner) { try await worker.cancel(run.id) }",
        "",
    ),
    (
        "disabling takes the partner off the schedule",
        "Sources/Integration/Partners/Desk+Connection.swift",
        "try await environment.restSchedule(of: partner)",
        "",
    ),
    (
        "a run starts only for a connected partner",
        RUNNING + "RunDriver.swift",
        "guard connection.state == .connected else {",
        "guard connection.state == .connected || true else {",
    ),
    (
        "a schedule is kept in the partner's own time zone",
        "Sources/Integration/Scheduling/Scheduler.swift",
        "schedule, timeZone: partner.timeZone, after: max(now, schedule.nextRunAt ?? now))",
        'schedule, timeZone: "UTC", after: max(now, schedule.nextRunAt ?? now))',
    ),
    (
        "a month without the chosen day uses its last",
        "Sources/Integration/Scheduling/ScheduleCalendar.swift",
        "min(schedule.dayOfMonth, last)",
        "schedule.dayOfMonth",
    ),
    (
        "a time that the clock skips is due when the clock goes on",
        "Sources/Integration/Scheduling/ScheduleCalendar.swift",
        "return calendar.timeZone.nextDaylightSavingTimeTransition(after: day.addingTimeInterval(-1))",
        "return nil",
    ),
    (
        "a run that a stop interrupts is given back to the queue",
        RUNNING + "RunDriver.swift",
        "try await store.reopenLines(run.id)\n            try await store.updateRun(run.id) { run in",
        "if true { return }\n            try await store.updateRun(run.id) { run in",
    ),
    (
        "a run waits for its turn before it adds to the vendor's services",
        RUNNING + "RunDriver.swift",
        "services = RunPlaces(1,",
        "services = RunPlaces(100,",
    ),
    (
        "a connect that is under way when somebody disables stores nothing",
        "Sources/Store/Records/Connection.swift",
        "(state, stateSince, keyVersion) == (before.state, before.stateSince, before.keyVersion)",
        "true",
    ),
    (
        "no more calls leave in a second than the limit allows",
        "Sources/Synthesize/Pacing/Pacer.swift",
        "PacerQueue(callsPerSecond: callsPerSecond,",
        "PacerQueue(callsPerSecond: 0,",
    ),
    (
        "a large drop waits for a person",
        RUNNING + "RunDriver+Steps.swift",
        "if !work.findings.dropAllowed, let hold",
        "if !work.findings.dropAllowed, false, let hold",
    ),
    (
        "a run in which Perch died twice in the same place waits for a person",
        "Sources/Integration/Planning/RunMachine.swift",
        "guard interruptions >= 2 else { return nil }",
        "guard interruptions >= 1_000 else { return nil }",
    ),
    (
        "a schedule whose syncs fail again and again waits longer and longer",
        "Sources/Integration/Scheduling/Scheduler.swift",
        "earliest > now {",
        "earliest > now, false {",
    ),
    (
        "one success brings a schedule back that has failed",
        "Sources/Integration/Scheduling/FailureBackoff.swift",
        "case .succeeded, .partial, .held: true",
        "case .succeeded, .partial, .held: false",
    ),
    (
        "an account without a mapping does not fail its line",
        "Sources/Integration/Planning/LineVerdict.swift",
        ".notMapped",
        ".failed",
    ),
]


def build() -> None:
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "simulate", "--scratch-path", str(COPY.parent / "build")],
        cwd=COPY, check=True, capture_output=True)


def sees(seeds: int) -> bool:
    """Whether some seed breaks a promise, or a history never ends."""
    program = COPY.parent / "build/release/simulate"
    for first in range(1, seeds + 1, 50):
        counts = [min(25, seeds + 1 - start) for start in (first, first + 25)]
        halves = [
            subprocess.Popen(
                [program, "--first", str(start), "--count", str(count)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for start, count in zip((first, first + 25), counts) if count > 0
        ]
        for half in halves:
            try:
                words = half.communicate(timeout=600)[0].strip().splitlines() or [f"ended with {half.returncode}"]
            except subprocess.TimeoutExpired:
                words = ["a history never ends"]
            if half.returncode != 0:
                for other in halves:
                    other.kill()
                    other.communicate()
                print("    " + words[0][:180])
                return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    for name in ["Sources", "Tests", "migrations", "Public"]:
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(ROOT / name, COPY / name)
    shutil.copy(ROOT / "Package.swift", COPY)
    build()
    if sees(arguments.seeds):
        print("the simulation is red with every guard in place")
        return 1
    unseen = []
    for name, path, words, without in GUARDS:
        if arguments.only not in name:
            continue
        file = COPY / path
        text = file.read_text()
        if text.count(words) != 1:
            print(f"{name}: its words stand {text.count(words)} times in {path}; mend this list")
            unseen.append(name)
            continue
        file.write_text(text.replace(words, without))
        try:
            build()
            print(f"without: {name}", flush=True)
            if not sees(arguments.seeds):
                print("    NOT SEEN")
                unseen.append(name)
        except subprocess.CalledProcessError:
            print(f"{name}: without it nothing compiles; mend this list")
            unseen.append(name)
        finally:
            file.write_text(text)
    print(f"{len(GUARDS) - len(unseen)} of {len(GUARDS)} guards seen" if not arguments.only else "done")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
