import Glibc
import Synchronization

/// The `Date` field's value, formatted once a second. The one place of this module that reads the calendar clock.
final class DateCache: Sendable {
    private let cached = Mutex((second: 0, text: ""))

    func now() -> String {
        let second = time(nil)
        return cached.withLock { cached in
            if cached.second != second { cached = (second, HTTPDate.format(second)) }
            return cached.text
        }
    }
}
