import Foundation

@testable import Connectors

private let services: Set<String> = ["Seats", "Backups"]

/// The first byte chooses: pushed JSON, a CSV file, a JSON file. What is taken can be sent as it is, and pushed it is the same again.
func checkHandedInUsage(_ bytes: [UInt8]) throws(BrokenProperty) {
    guard let choice = bytes.first else { return }
    let body = Array(bytes.dropFirst())
    let taken =
        switch choice % 3 {
        case 0: try snapshot(of: body) { (body) throws(ConnectorError) in try PushedUsage.snapshot(of: body, services: services) }
        case 1: try snapshot(of: body) { (body) throws(ConnectorError) in try file(.csv(delimiter: ","), body) }
        default: try snapshot(of: body) { (body) throws(ConnectorError) in try file(.json(records: "$[*]"), body) }
        }
    guard let taken else { return }
    try require(!taken.accounts.isEmpty && taken.recordsDropped == 0, "taken without an account, or not whole")
    for account in taken.accounts {
        try require(!account.id.isEmpty && !account.name.isEmpty, "an account without id or name")
        try require(account.id.trimmingWhitespace().isExactly(account.id), "blanks around \(shown(account.id.utf8))")
        try require(account.id.utf8.count <= 1000 && account.name.utf8.count <= 1000, "a very long id or name")
    }
    // Swift's equality takes composed and decomposed letters for the same: whoever goes by it later mixes no two accounts up.
    let ids = Set(taken.accounts.map(\.id))
    try require(ids.count == taken.accounts.count, "two accounts of one id")
    for record in taken.usage {
        try require(ids.contains(record.accountID), "usage of nobody")
        try require(services.contains { $0.isExactly(record.serviceName) }, "usage of no service")
        try require(record.count >= 0 && record.count <= UsageText.largestCount, "the count \(record.count)")
    }
    try checkNoReplacement(body, taken)
    let pushed = written(taken)
    guard let again = try snapshot(of: pushed, { (body) throws(ConnectorError) in try PushedUsage.snapshot(of: body, services: services) })
    else { throw BrokenProperty(description: "refused when pushed: \(shown(pushed))") }
    try require(again.accounts == taken.accounts, "\(taken.accounts) became \(again.accounts)")
    try require(Set(again.usage) == Set(taken.usage) && again.usage.count == taken.usage.count, "\(taken.usage) became \(again.usage)")
}

private func file(_ kind: UsageFileFormat.Kind, _ body: [UInt8]) throws(ConnectorError) -> VendorSnapshot {
    try UsageFileFormat(kind: kind, encoding: .utf8).snapshot(of: body, services: services)
}

private func snapshot(
    of body: [UInt8], _ read: ([UInt8]) throws(ConnectorError) -> VendorSnapshot
) throws(BrokenProperty) -> VendorSnapshot? {
    do throws(ConnectorError) {
        return try read(body)
    } catch {
        try require([.invalidFile, .emptyList, .tooLarge, .brokenAnswer].contains(error.code), "refused with \(error)")
        try require(!error.message.isEmpty && !error.message.contains("The answer"), "refused with the words \(error.message)")
        return nil
    }
}

/// U+FFFD stands only where it was written: nothing that is no text became one.
private func checkNoReplacement(_ body: [UInt8], _ taken: VendorSnapshot) throws(BrokenProperty) {
    guard taken.accounts.contains(where: { ($0.id + $0.name).unicodeScalars.contains("\u{FFFD}") }) else { return }
    let text = String(decoding: body, as: UTF8.self)
    try require(
        String(validating: body, as: UTF8.self) != nil && (text.unicodeScalars.contains("\u{FFFD}") || text.lowercased().contains("ufffd")),
        "something that is no text was replaced")
}

private func written(_ snapshot: VendorSnapshot) -> [UInt8] {
    let accounts = snapshot.accounts.map { account in
        let usage = snapshot.usage.filter { $0.accountID == account.id }.map { record in
            JSONValue.object([
                .init(name: "service", value: .string(record.serviceName)), .init(name: "count", value: .number("\(record.count)")),
            ])
        }
        return JSONValue.object([
            .init(name: "id", value: .string(account.id)), .init(name: "name", value: .string(account.name)),
            .init(name: "usage", value: .array(usage)),
        ])
    }
    return JSONValue.object([.init(name: "accounts", value: .array(accounts))]).jsonBytes
}
