import Foundation
import Store

/// Accepted units by service over past runs: one column a run, one part of it a service. All numbers are made here; the
/// style sheet gives the colours.
struct UsageChartView: Sendable, Hashable {
    /// What a person who cannot see the chart hears.
    var summary: String
    var columns: [Column]
    /// In the chart's own units.
    var width: Int
    /// In pixels of the page, which makes it narrower where it must: few runs make a small drawing, not fat columns.
    var shownWidth: Int
    var legend: [LegendEntry]
    var highest: String
    var explanation: String
    var table: Table

    struct Column: Sendable, Hashable {
        /// Shown when the pointer rests on it.
        var tip: String
        var parts: [Part]
    }

    struct Part: Sendable, Hashable {
        var x: Int
        var width: Int
        var y: String
        var height: String
        /// 1 to 6: the colour.
        var series: Int
    }

    struct LegendEntry: Sendable, Hashable {
        var series: Int
        var name: String
    }

    struct Table: Sendable, Hashable {
        var services: [String]
        var rows: [Row]

        struct Row: Sendable, Hashable {
            var when: TimeView
            var counts: [String]
            var total: String
        }
    }

    static let height = 100
    private static let columnStep = 20
    private static let columnWidth = 14
    private static let shownColumnStep = 48
    /// Services beyond these are drawn as one.
    private static let namedServices = 5

    /// Nil with fewer than two runs: one column tells nothing.
    init?(_ totals: [ServiceTotal], time: LocalTime) {
        let runs = Self.runs(totals)
        guard runs.count >= 2, let first = runs.first, let last = runs.last else { return nil }
        let services = Self.services(totals)
        let highestTotal = runs.map(\.total).max() ?? 0
        let scale = highestTotal > 0 ? Double(Self.height) / Self.double(highestTotal) : 0

        let named = Array(services.prefix(Self.namedServices))
        let others = Array(services.dropFirst(Self.namedServices))
        columns = runs.enumerated().map { index, run in
            var top = Double(Self.height)
            let values = named.map { run.counts[$0] ?? 0 } + (others.isEmpty ? [] : [others.reduce(0) { $0 + (run.counts[$1] ?? 0) }])
            let parts = values.enumerated().compactMap { series, value -> Part? in
                let height = Self.double(value) * scale
                guard height > 0 else { return nil }
                top -= height
                return Part(
                    x: index * Self.columnStep + (Self.columnStep - Self.columnWidth) / 2, width: Self.columnWidth,
                    y: Self.coordinate(top), height: Self.coordinate(height), series: series + 1)
            }
            return Column(tip: "\(time.dateAndTime(run.finishedAt)): \(Self.units(run.total))", parts: parts)
        }
        width = runs.count * Self.columnStep
        shownWidth = runs.count * Self.shownColumnStep
        legend = (named + (others.isEmpty ? [] : ["\(others.count) others"])).enumerated().map {
            LegendEntry(series: $0 + 1, name: $1)
        }
        highest = Self.units(highestTotal)
        let (firstDay, lastDay) = (time.dayAndMonth(first.finishedAt), time.dayAndMonth(last.finishedAt))
        explanation = firstDay == lastDay ? "One column a sync, all of \(lastDay)." : "One column a sync, from \(firstDay) to \(lastDay)."
        summary =
            "Accepted units in the last \(runs.count) syncs: \(Self.units(first.total)) on \(firstDay), "
            + "\(Self.units(last.total)) on \(lastDay), at most \(highest)."
        table = Table(
            services: services,
            // Newest first, as in the history.
            rows: runs.reversed().map { run in
                Table.Row(
                    when: TimeView(run.finishedAt, time),
                    counts: services.map { run.counts[$0].map(Wording.number) ?? "0" }, total: Wording.number(run.total))
            })
    }

    private struct Run {
        var finishedAt: Date
        var counts: [String: Decimal]
        var total: Decimal { counts.values.reduce(0, +) }
    }

    /// In the order given, which is oldest first.
    private static func runs(_ totals: [ServiceTotal]) -> [Run] {
        var order: [SyncRunID] = []
        var runs: [SyncRunID: Run] = [:]
        for total in totals {
            if runs[total.runID] == nil {
                order.append(total.runID)
                runs[total.runID] = Run(finishedAt: total.finishedAt, counts: [:])
            }
            runs[total.runID]?.counts[total.serviceName, default: 0] += total.total
        }
        return order.compactMap { runs[$0] }
    }

    /// The largest first, so that what the chart sums up as others is the smallest.
    private static func services(_ totals: [ServiceTotal]) -> [String] {
        var sums: [String: Decimal] = [:]
        for total in totals { sums[total.serviceName, default: 0] += total.total }
        return sums.keys.sorted { (sums[$1] ?? 0, $0) < (sums[$0] ?? 0, $1) }
    }

    private static func units(_ value: Decimal) -> String {
        "\(Wording.number(value)) \(value == 1 ? "unit" : "units")"
    }

    private static func double(_ value: Decimal) -> Double {
        NSDecimalNumber(decimal: value).doubleValue
    }

    /// Two decimals, always with a point.
    private static func coordinate(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(LocalTime.twoDigits(hundredths % 100))"
    }
}
