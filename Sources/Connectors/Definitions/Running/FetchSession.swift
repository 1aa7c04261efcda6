import Foundation
import HTTPClient
import HTTPTypes

/// One fetch of one partner: its reads in their order, each whole or an error.
struct FetchSession: Sendable {
    let definition: ConnectorDefinition
    let environment: VendorEnvironment
    let exchange: VendorExchange

    private struct Progress: Sendable {
        var values: FetchValues
        var harvest = Harvest()
        /// Known once all reads that accounts come from are made.
        var accounts: AccountList?
    }

    /// The partner's customers, in the vendor's order, ids unique.
    struct AccountList: Sendable {
        var found: [FoundAccount]
        var leftOut: Set<String>
    }

    func accounts(_ values: FetchValues) async throws(ConnectorError) -> VendorAccounts {
        var wanted = Set(definition.accounts.map(\.read))
        // In their order, so that what is needed by the needed is found in one pass from the end.
        for read in definition.reads.reversed() where wanted.contains(read.name) { wanted.formUnion(read.needs) }
        var progress = Progress(values: values)
        try await make(wanted, &progress)
        let list = try accountList(progress.harvest)
        return VendorAccounts(accounts: list.found.map(\.account), recordsDropped: progress.harvest.dropped)
    }

    func usage(_ values: FetchValues) async throws(ConnectorError) -> VendorSnapshot {
        var progress = Progress(values: values)
        try await make(Set(definition.reads.map(\.name)), &progress)
        let list: AccountList
        if let known = progress.accounts { list = known } else { list = try accountList(progress.harvest) }
        let table: UsageTable
        do throws(ConnectorError) {
            table = try UsageTable(definition, list, progress.harvest)
        } catch {
            throw exchange.described(error, .counts)
        }
        if let excess = table.usage.first(where: { $0.count.isNaN || $0.count > CountRule.most }) {
            let account = list.found.first { $0.account.id == excess.accountID }?.account.name ?? ""
            throw exchange.described(
                .broken(
                    "\(excess.serviceName) of account \(account) (\(excess.accountID)) is \(excess.count); the most that is taken is "
                        + "\(CountRule.most)"), .counts)
        }
        return VendorSnapshot(
            accounts: list.found.map(\.account), usage: table.usage, recordsDropped: progress.harvest.dropped + table.dropped,
            discovered: table.discovered)
    }

    private func make(_ names: Set<String>, _ progress: inout Progress) async throws(ConnectorError) {
        for read in definition.reads where names.contains(read.name) {
            if read.isForAccounts, progress.accounts == nil { progress.accounts = try accountList(progress.harvest) }
            progress.harvest.add(try await all(read, progress), definition)
            for (position, lookup) in definition.lookups.enumerated() where lookup.read == read.name {
                guard let text = progress.harvest.lookups[position] else {
                    throw exchange.described(.broken("there is nothing to look up `\(lookup.name)` in"), .read(read.name, account: nil))
                }
                progress.values.lookups[lookup.name] = text
            }
        }
    }

    private func accountList(_ harvest: Harvest) throws(ConnectorError) -> AccountList {
        var known: Set<String> = []
        var list = AccountList(found: [], leftOut: [])
        for position in definition.accounts.indices {
            guard let accounts = harvest.accounts[position] else { continue }
            list.found += accounts.found.filter { known.insert($0.account.id).inserted }
            list.leftOut.formUnion(accounts.leftOut)
        }
        list.leftOut.subtract(known)
        guard !list.found.isEmpty else {
            throw ConnectorError(
                code: .emptyList,
                message: "\(definition.name) returned no customers. Nothing was changed, because an empty list is more often a "
                    + "fault than the truth.")
        }
        return list
    }

    // MARK: One read

    /// Once, or once for each account and constant; at most `parallel` at once. The first failure ends all, so that nothing is ever
    /// missing.
    private func all(_ read: ReadRule, _ progress: Progress) async throws(ConnectorError) -> Harvest {
        let contexts = contexts(read, progress.accounts?.found ?? [])
        if contexts.count == 1 { return try await one(read, contexts[0], progress) }
        let limit = definition.requests.parallel ?? max(1, environment.parallelism)
        var harvest = Harvest()
        // Put together in the accounts' order; what is ahead of its turn waits, which is about as many as are under way.
        var ahead: [Int: Harvest] = [:]
        var turn = 0
        var failure: ConnectorError?
        await withTaskGroup(of: (index: Int, result: Result<Harvest, ConnectorError>).self) { group in
            var waiting = contexts.indices[...]
            for index in waiting.prefix(limit) {
                group.addTask { (index, await result(read, contexts[index], progress)) }
            }
            waiting = waiting.dropFirst(limit)
            for await (index, result) in group {
                switch result {
                case .success(let part):
                    ahead[index] = part
                    while let part = ahead.removeValue(forKey: turn) {
                        harvest.add(part, definition)
                        turn += 1
                    }
                case .failure(let error):
                    failure = error
                    group.cancelAll()
                    return
                }
                if let next = waiting.popFirst() {
                    group.addTask { (next, await self.result(read, contexts[next], progress)) }
                }
            }
        }
        if let failure { throw failure }
        return harvest
    }

    private func contexts(_ read: ReadRule, _ accounts: [FoundAccount]) -> [FillContext] {
        var contexts = read.isForAccounts ? accounts.map { FillContext(account: $0) } : [FillContext()]
        for (name, values) in read.each {
            contexts = contexts.flatMap { context in
                values.map { value in
                    var context = context
                    context.each[name] = value
                    return context
                }
            }
        }
        return contexts
    }

    private func result(_ read: ReadRule, _ context: FillContext, _ progress: Progress) async -> Result<Harvest, ConnectorError> {
        do throws(ConnectorError) {
            return .success(try await one(read, context, progress))
        } catch {
            return .failure(error)
        }
    }

    /// All pages for one account and constant.
    private func one(_ read: ReadRule, _ context: FillContext, _ progress: Progress) async throws(ConnectorError) -> Harvest {
        let (values, joined) = (progress.values, progress.harvest.joined)
        let purpose = RequestPurpose.read(read.name, account: context.account?.account.name)
        var walk = PageWalk(read.paging)
        var harvest = Harvest()
        // Of the page before, which the next one's may be relative to.
        var address: String?
        while true {
            let next = walk.next
            let (page, facts) = try await exchange.send(purpose, values) { (token) throws(ConnectorError) in
                var context = context
                context.token = token
                let built = try exchange.builder.build(
                    read.request, values, context, page: next, after: address, place: read.paging.place)
                address = built.request.url
                return built
            } read: { (answer) throws(AttemptFailure) in
                let fresh = RecordHarvester(definition, read, values: values, joined: joined, context: context)
                return try PageReader(exchange: exchange, read: read, values: values).page(answer, fresh)
            }
            harvest.add(page, definition)
            do throws(ConnectorError) {
                guard try walk.take(facts) else { break }
            } catch {
                throw exchange.described(error, purpose)
            }
        }
        for presence in harvest.presence.values where presence.present == 0 && presence.missing > 0 {
            throw exchange.described(.broken("none of \(presence.missing) records has `\(presence.field)`"), purpose)
        }
        return harvest
    }
}

/// Reads one page's records out of an answer.
struct PageReader {
    let exchange: VendorExchange
    let read: ReadRule
    let values: FetchValues

    func page(
        _ answer: IncomingResponse, _ harvester: RecordHarvester
    ) throws(AttemptFailure) -> (harvest: Harvest, facts: PageWalk.Page) {
        var harvester = harvester
        var failure: AttemptFailure?
        do throws(ConnectorError) {
            let rest: JSONValue
            var problem: ConnectorError?
            if read.lists.count == 1, read.single == nil {
                (rest, problem) = try stream(answer.body, read.lists[0], &harvester)
                problem = problem ?? listProblem(read.lists[0], rest)
            } else {
                (rest, problem) = try chosen(answer.body, &harvester)
            }
            // An error that the answer tells says more than that a list is missing or a record is no record.
            failure = try exchange.failure(in: rest, values)
            if let failure { throw failure.error }
            if let problem { throw problem }
            let facts = PageWalk.Page(
                records: harvester.recordCount, lastKey: harvester.lastKey, answer: rest, headers: answer.headerFields,
                print: harvester.print)
            return (harvester.harvest, facts)
        } catch {
            throw failure ?? AttemptFailure(error, isPassing: error.code == .brokenAnswer)
        }
    }

    private var limits: JSONLimits {
        var limits = JSONLimits()
        limits.totalBytes = max(limits.totalBytes, exchange.definition.requests.largestAnswer)
        return limits
    }

    /// The records of one list, without ever holding them all.
    /// - Returns: the answer without them, and what was wrong with the first that could not be taken.
    private func stream(
        _ body: [UInt8], _ list: JSONPath, _ harvester: inout RecordHarvester
    ) throws(ConnectorError) -> (rest: JSONValue, problem: ConnectorError?) {
        var reader = RecordReader(list: list, limits: limits)
        var taken = harvester
        var problem: ConnectorError?
        func take(_ record: JSONValue) {
            guard problem == nil else { return }
            do throws(ConnectorError) {
                try taken.take(record)
            } catch {
                problem = error
            }
        }
        try reader.read(body) { (record) throws(ConnectorError) in take(record) }
        let rest = try reader.finish { (record) throws(ConnectorError) in take(record) }
        harvester = taken
        return (rest, problem)
    }

    private func problem(with records: [JSONValue], _ harvester: inout RecordHarvester) -> ConnectorError? {
        do throws(ConnectorError) {
            for record in records { try harvester.take(record) }
            return nil
        } catch {
            return error
        }
    }

    private func listProblem(_ list: JSONPath, _ rest: JSONValue) -> ConnectorError? {
        let found = list.first(in: rest)
        if case .array? = found { return nil }
        return .broken("`\(list.text)` is \(found?.kind ?? "missing"), where a list was expected")
    }

    /// The first of several lists that is there, or the one record.
    private func chosen(
        _ body: [UInt8], _ harvester: inout RecordHarvester
    ) throws(ConnectorError) -> (whole: JSONValue, problem: ConnectorError?) {
        let whole = try JSONValue(parsing: body, limits: limits)
        for list in read.lists {
            guard case .array(let records)? = list.first(in: whole) else { continue }
            return (whole, problem(with: records, &harvester))
        }
        if let path = read.single, let record = path.first(in: whole), case .object = record {
            return (whole, problem(with: [record], &harvester))
        }
        let paths = (read.lists + [read.single].compactMap(\.self)).map { "`\($0.text)`" }.joined(separator: ", ")
        return (whole, .broken("there are no records at \(paths)"))
    }
}
