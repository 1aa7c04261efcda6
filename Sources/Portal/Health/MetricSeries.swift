import CoreMetrics
import Synchronization

/// One line or a few of a scrape.
struct MetricSample: Sendable, Hashable {
    /// After the family's name, for instance `_count`.
    var suffix = ""
    /// Besides the series' own.
    var labels: [MetricLabel] = []
    var value: Double
}

/// The numbers behind one name and one set of labels.
protocol MetricSeries: AnyObject, Sendable {
    func samples() -> [MetricSample]
}

final class WholeCounter: MetricSeries, CounterHandler {
    private let count = Mutex<Int64>(0)

    func increment(by amount: Int64) {
        // A counter that has reached the end stays there: wrapping round would read as a restart.
        count.withLock { count in
            let (sum, overflow) = count.addingReportingOverflow(amount)
            count = overflow ? .max : sum
        }
    }

    func reset() { count.withLock { $0 = 0 } }

    func samples() -> [MetricSample] { [MetricSample(value: Double(count.withLock { $0 }))] }
}

final class FractionalCounter: MetricSeries, FloatingPointCounterHandler {
    private let sum = Mutex<Double>(0)

    func increment(by amount: Double) {
        // Counters only grow, and one NaN would stay for ever.
        guard amount.isFinite, amount > 0 else { return }
        sum.withLock { $0 += amount }
    }

    func reset() { sum.withLock { $0 = 0 } }

    func samples() -> [MetricSample] { [MetricSample(value: sum.withLock { $0 })] }
}

final class MetricGauge: MetricSeries, RecorderHandler, MeterHandler {
    private let value = Mutex<Double>(0)

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }

    func samples() -> [MetricSample] { [MetricSample(value: value.withLock { $0 })] }
}

final class MetricSummary: MetricSeries, RecorderHandler {
    private struct State {
        var sum = 0.0
        var count = 0
    }

    private let state = Mutex(State())

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        state.withLock { state in
            state.sum += value
            state.count += 1
        }
    }

    func samples() -> [MetricSample] {
        let state = self.state.withLock { $0 }
        return [MetricSample(suffix: "_sum", value: state.sum), MetricSample(suffix: "_count", value: Double(state.count))]
    }
}

final class DurationHistogram: MetricSeries, TimerHandler {
    /// Upper bounds in seconds: the usual ones of Prometheus' own clients, from 5 ms to 10 s.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct State {
        /// Durations by the first bound that holds them; the last place is for those above all bounds.
        var counts = [Int](repeating: 0, count: bounds.count + 1)
        var sum = 0.0
    }

    private let state = Mutex(State())

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(max(0, duration)) / 1e9
        let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.counts[place] += 1
            state.sum += seconds
        }
    }

    func samples() -> [MetricSample] {
        let state = self.state.withLock { $0 }
        var samples: [MetricSample] = []
        var below = 0
        for (bound, count) in zip(Self.bounds + [.infinity], state.counts) {
            below += count
            samples.append(
                MetricSample(suffix: "_bucket", labels: [MetricLabel("le", MetricNumber.text(bound))], value: Double(below)))
        }
        samples.append(MetricSample(suffix: "_sum", value: state.sum))
        samples.append(MetricSample(suffix: "_count", value: Double(below)))
        return samples
    }
}
