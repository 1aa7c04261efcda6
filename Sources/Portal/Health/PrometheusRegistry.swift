import CoreMetrics
import Synchronization

/// Where swift-metrics keeps its numbers, and what `/metrics` shows of them (Prometheus text format 0.0.4).
///
/// Counters end in `_total`; timers are histograms in seconds and end in `_seconds`; recorders are summaries with sum and
/// count, or gauges when they do not aggregate. Asking again for the same label and dimensions gives the same series.
public final class PrometheusRegistry: MetricsFactory {
    private struct Key: Hashable {
        var name: String
        var labels: [MetricLabel]
    }

    private struct Family {
        var kind: MetricKind
        var series: [Key: any MetricSeries] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    public init() {}

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(.counter, label, "_total", dimensions) { WholeCounter() }
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(.counter, label, "_total", dimensions) { FractionalCounter() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(.gauge, label, "", dimensions) { MetricGauge() }
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            return series(.summary, label, "", dimensions) { MetricSummary() }
        }
        return series(.gauge, label, "", dimensions) { MetricGauge() }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(.histogram, label, "_seconds", dimensions) { DurationHistogram() }
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// All series as Prometheus reads them, sorted, so that two scrapes of the same numbers are the same text.
    public func render() -> String {
        let families = self.families.withLock { $0 }
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            lines.append("# TYPE \(name) \(family.kind.rawValue)")
            let series = family.series.map { (labels: $0.key.labels, series: $0.value) }
            for (labels, series) in series.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
                for sample in series.samples() {
                    let text = MetricLabel.render(labels + sample.labels)
                    lines.append("\(name)\(sample.suffix)\(text) \(MetricNumber.text(sample.value))")
                }
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The series of that name and labels. A name that already means another kind of number (a defect of the caller) gives a
    /// series that works and is not shown, because one name with two types makes the whole scrape unreadable.
    private func series<Series: MetricSeries>(
        _ kind: MetricKind, _ label: String, _ suffix: String, _ dimensions: [(String, String)], make: () -> Series
    ) -> Series {
        var name = MetricName.sanitized(label)
        if !name.hasSuffix(suffix) { name += suffix }
        let key = Key(name: name, labels: dimensions.map { MetricLabel(MetricName.sanitized($0), $1) }.sorted())
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind)
            if let known = family.series[key] { return known as? Series ?? make() }
            let series = make()
            guard family.kind == kind else { return series }
            family.series[key] = series
            families[name] = family
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            for (name, var family) in families {
                guard let key = family.series.first(where: { $0.value === handler })?.key else { continue }
                family.series[key] = nil
                families[name] = family.series.isEmpty ? nil : family
            }
        }
    }
}

/// The types that Prometheus knows.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram, summary
}

/// A dimension, its name already made fit.
struct MetricLabel: Hashable, Comparable, Sendable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    static func < (left: MetricLabel, right: MetricLabel) -> Bool {
        (left.name, left.value) < (right.name, right.value)
    }

    /// `{method="GET",route="/"}`, empty without labels.
    static func render(_ labels: [MetricLabel]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

enum MetricName {
    /// `[a-zA-Z_][a-zA-Z0-9_]*`: every other character becomes an underscore.
    static func sanitized(_ label: String) -> String {
        let name = String(
            label.unicodeScalars.map { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
                default: "_"
                }
            })
        return name.first.map { $0.isNumber } ?? true ? "_" + name : name
    }
}

enum MetricNumber {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
    }
}
