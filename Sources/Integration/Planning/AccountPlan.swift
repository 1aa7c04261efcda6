import Connectors
import Synthesize

/// Which accounts must be created or renamed in Synthesize. Nothing is ever removed: the contract has no call for it.
struct AccountPlan: Sendable, Hashable {
    var create: [MappingEntryDraft]
    var rename: [MappingEntryDraft]

    /// Bulk creation is sent in pieces of this size (contract U-42).
    static let chunkSize = 100
    /// Longer names are cut, because longer ones may be refused (contract U-42).
    static let maximumNameLength = 255

    init(vendor: [VendorAccount], existing: [MappingEntry]) {
        let known = Dictionary(existing.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        create = []
        rename = []
        for account in vendor {
            let draft = MappingEntryDraft(id: account.id, name: String(account.name.prefix(Self.maximumNameLength)))
            guard let name = known[account.id] else {
                create.append(draft)
                continue
            }
            // A3 names the account in its path, where these two are steps and no names (RFC 3986 section 3.3).
            guard account.id != ".", account.id != ".." else { continue }
            // By scalars: `==` takes a composed and a decomposed letter for the same, and auto-mapping does not (contract section 8).
            if !name.unicodeScalars.elementsEqual(draft.name.unicodeScalars) { rename.append(draft) }
        }
    }

    var chunks: [[MappingEntryDraft]] {
        stride(from: 0, to: create.count, by: Self.chunkSize).map {
            Array(create[$0..<min($0 + Self.chunkSize, create.count)])
        }
    }
}
