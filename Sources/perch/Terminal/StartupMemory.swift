import Foundation
import HTTPClient
import ServiceLifecycle

/// The start touches code all over the program and its libraries (relocations, the runtime's search for conformances, migrations), of
/// which an idle service needs little: 42 MB resident before, 24 MB after.
struct StartupMemory: Service {
    let time: TimeSource

    func run() async throws {
        do {
            // The services beside this one start first; the scheduler's first look at what is due belongs to the start.
            try await cancelWhenGracefulShutdown { try await time.sleep(.seconds(1)) }
            Self.release()
        } catch is CancellationError {
            // Stopped before it mattered.
        }
        try await gracefulShutdown()
    }

    /// Gives pages back that are as they are in their files, code and constants: the kernel maps them in again from its cache when
    /// they are used. A mapping that the loader has written into, which has anonymous pages, is left alone.
    private static func release() {
        let maps: String
        do {
            maps = try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)
        } catch {
            // Without /proc the pages simply stay.
            return
        }
        var mapping: (start: UnsafeMutableRawPointer, size: Int)?
        for line in maps.split(separator: "\n") {
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            if columns.count >= 6, columns[1].hasPrefix("r-"), columns[1].hasSuffix("p"), columns[5].hasPrefix("/") {
                // For instance `7f12a000-7f12c000 r-xp 00000000 08:01 4242  /usr/lib/libc.so.6`, and lines about it.
                let ends = columns[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
                guard ends.count == 2, let start = UnsafeMutableRawPointer(bitPattern: ends[0]) else { continue }
                mapping = (start, Int(ends[1] - ends[0]))
            } else if columns.first?.contains("-") == true {
                mapping = nil
            } else if columns.first == "Anonymous:", columns[1] == "0", let mapping {
                madvise(mapping.start, mapping.size, MADV_DONTNEED)
            }
        }
    }
}
