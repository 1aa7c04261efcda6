@testable import Connectors

/// Any bytes are a definition, or are refused by lines that are there; read again they say the same.
func checkDefinition(_ bytes: [UInt8]) throws(BrokenProperty) {
    let lines = bytes.count { $0 == 0x0A || $0 == 0x0D } + 1
    let first = try reading(bytes, lines)
    let again = try reading(bytes, lines)
    try require(first.error == again.error, "read again: \(String(describing: first.error)), then \(String(describing: again.error))")
    try require(first.definition?.id == again.definition?.id, "read again, the id is another")
    guard let definition = first.definition else { return }

    // What the checker promises to everybody who runs a definition.
    try require(
        !definition.hosts.isEmpty && !definition.accounts.isEmpty && !definition.counts.isEmpty, "something that has to be there is not")
    let settings = definition.partnerSettings + definition.deploymentSettings
    try require(Set(settings.map(\.name)).count == settings.count, "a setting comes twice")
    try require(
        Set(definition.partnerSettings.map(\.environmentName)).count == definition.partnerSettings.count,
        "a name in the environment comes twice")
    for setting in settings where setting.kind == .secret {
        try require(setting.defaultText == nil || setting.defaultText == "", "the secret \(setting.name) has a default")
    }
    let reads = Set(definition.reads.map(\.name))
    let used = definition.counts.map(\.read) + definition.accounts.map(\.read) + definition.lookups.map(\.read)
    try require(used.allSatisfy(reads.contains), "a read that is not there is used")
    for (position, read) in definition.reads.enumerated() {
        try require(read.needs.isSubset(of: definition.reads[..<position].map(\.name)), "\(read.name) comes before what it needs")
        try require(!read.lists.isEmpty || read.single != nil, "\(read.name) has no records")
        try require(read.paging.cap >= 1 && read.paging.cap <= 100_000, "\(read.name) has no cap")
        if case .none = read.paging.style { continue }
        try require(!read.paging.stops.isEmpty, "\(read.name) never stops")
    }
    for service in definition.services {
        try require(GradientWords.categories.contains(service.category), "a category that Gradient does not know")
    }
}

private func reading(_ bytes: [UInt8], _ lines: Int) throws(BrokenProperty) -> (definition: ConnectorDefinition?, error: DefinitionError?) {
    do throws(DefinitionError) {
        return (try ConnectorDefinition(parsing: bytes, file: "f"), nil)
    } catch {
        try require(!error.problems.isEmpty, "refused without a problem")
        for problem in error.problems {
            try require(!problem.message.isEmpty, "a problem without words")
            try require(problem.line >= 1 && problem.line <= lines + 1, "line \(problem.line) of \(lines): \(problem.message)")
        }
        let numbers = error.problems.map(\.line)
        try require(numbers == numbers.sorted(), "problems out of order: \(numbers)")
        return (nil, error)
    }
}
