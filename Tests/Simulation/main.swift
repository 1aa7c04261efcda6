import Foundation
import Logging

/// `simulate [--plan short|year] [--first SEED] [--count N] [--verbose]`: histories, one a seed. Exit code 1 when a promise was broken.
let arguments = Array(CommandLine.arguments.dropFirst())

func option(_ name: String) -> String? {
    arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
}

// Sets and dictionaries are in another order in each process, unless this is set before the runtime starts.
if getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    var pointers = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &pointers)
    fatalError("cannot start anew: \(String(cString: strerror(errno)))")
}

let plan: HistoryPlan = option("--plan") == "year" ? .year : .short
let first = option("--first").flatMap(UInt64.init) ?? 1
let count = option("--count").flatMap(UInt64.init) ?? 1
let isVerbose = arguments.contains("--verbose")

var broken = 0
for seed in first..<first + count {
    let history = try History(seed: seed, plan: plan.of(seed), isVerbose: isVerbose)
    let violations = history.run()
    let judge = history.judge
    if arguments.contains("--figures") || isVerbose {
        print(
            "seed \(seed): \(judge.calls) calls, \(judge.counts) counts, \(history.engine.jobsRun) jobs, "
                + "at most \(judge.mostArrivalsInASecond) calls in a second, digest \(String(judge.digest, radix: 16))")
    }
    guard !violations.isEmpty else { continue }
    broken += 1
    print("seed \(seed) (\(plan.name)): \(violations.joined(separator: "\n    "))")
    print("    repeat with: make replay SEED=\(seed) PLAN=\(plan.name)")
}
if broken > 0 { exit(1) }
