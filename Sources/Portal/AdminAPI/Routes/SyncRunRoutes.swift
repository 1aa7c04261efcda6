import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let syncRunRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/sync-runs", .viewer, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let partner = try await call.desk.partner(call.partnerID)
            let cursor = page.after.map { SyncRunID($0) }
            if let cursor, try await call.environment.store.run(cursor, of: partner.id) == nil { throw PageRequest.badCursor }
            let runs = try await call.desk.syncRuns(partner.id, before: cursor, limit: page.limitAndOne)
            return .answer(Page(runs, page, key: \.id.rawValue, item: SyncRunAnswer.init))
        },
        AdminRoute(.post, "/partners/{partnerId}/sync-runs", .operator, takesBody: false) { call in
            answer(try await call.desk.startSync(call.partnerID, by: call.initiator))
        },
        AdminRoute(.get, "/sync-runs/{runId}", .viewer) { call in
            .answer(SyncRunAnswer(try await call.desk.syncRun(call.runID)))
        },
        AdminRoute(.post, "/sync-runs/{runId}/cancel", .operator, takesBody: false) { call in
            .answer(SyncRunAnswer(try await call.desk.cancelRun(call.runID, by: call.initiator)))
        },
        AdminRoute(.post, "/sync-runs/{runId}/release", .operator, takesBody: false) { call in
            answer(try await call.desk.releaseRun(call.runID, by: call.initiator))
        },
        AdminRoute(
            .get, "/sync-runs/{runId}/lines", .viewer, query: AdminRoute.paging.union(["state"])
        ) { call in
            let page = try PageRequest(call.request.query)
            var states: Set<UsageLineState> = []
            for word in call.request.query.all("state") {
                states.insert(try choice(UsageLineState.self, word, field: "state"))
            }
            let run = try await call.desk.syncRun(call.runID)
            let lines = try await call.desk.lines(
                run.id, states: states.isEmpty ? nil : states, after: page.afterNumber(), limit: page.limitAndOne)
            return .answer(Page(lines, page, key: { String($0.position) }, item: UsageLineAnswer.init))
        },
        AdminRoute(.get, "/sync-runs/{runId}/lines.csv", .viewer) { call in try await call.export(.csv) },
        AdminRoute(.get, "/sync-runs/{runId}/lines.json", .viewer) { call in try await call.export(.json) },
    ]

    /// 201 for a new run, 200 for the one that the partner has already.
    private static func answer(_ insertion: RunInsertion) -> Response {
        let location = "/sync-runs/\(insertion.run.id)"
        return switch insertion {
        case .inserted(let run): .answer(SyncRunAnswer(run), status: .created, location: location)
        case .alreadyActive(let run): .answer(SyncRunAnswer(run), status: .ok, location: location)
        }
    }
}

extension AdminCall {
    fileprivate func export(_ format: LedgerExport.Format) async throws -> Response {
        try await LedgerExport(desk: desk).response(desk.syncRun(runID), format)
    }
}
