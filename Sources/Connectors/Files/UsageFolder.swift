import Foundation
import HTTPClient

/// The folder in which another program leaves usage: one file a partner, named by the partner's id at the vendor.
///
/// A file belongs into the folder only when it is complete: written under another name, or in another folder of the same file system,
/// and then renamed. Because not every program does so, a file is read only when nothing about it has changed for a while, and what
/// was read is taken only when nothing changed meanwhile.
public struct UsageFolder: Sendable {
    /// Read, never written to.
    public var path: String
    /// How long a file has to have been left alone.
    public var settleTime: Duration

    public init(path: String, settleTime: Duration = .seconds(5)) {
        self.path = path
        self.settleTime = settleTime
    }

    /// A file as it lies there.
    struct Found: Sendable, Hashable {
        var size: Int
        /// When its content was written: how old the usage is. Never after `changedAt`, whatever date it was given.
        var writtenAt: Date
        /// When anything about it was changed last. A rename keeps the time of writing.
        var changedAt: Date
        /// The later of the two dates that it bears.
        var latestTime: Date
        fileprivate var inode: UInt64

        /// Clocks of two computers that keep time differ by seconds; more is a mistake.
        func isDatedAhead(of now: Date) -> Bool { latestTime.timeIntervalSince(now) > 300 }
    }

    /// The partner's file name without its ending. Whatever is not a letter or digit of ASCII, `-`, `_` or a dot that does not come
    /// first is written as `%` and two hexadecimal digits a byte, so that no name leads out of the folder or hides.
    public static func fileName(of partner: String) -> String {
        var name = ""
        for (index, byte) in partner.utf8.enumerated() {
            let isPlain = byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            if isPlain || (byte == UInt8(ascii: ".") && index > 0) {
                name.append(Character(Unicode.Scalar(byte)))
            } else {
                name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return name
    }

    /// The file of this name; nil when there is none.
    /// - Throws: `invalidFile` for anything but a file: a link could lead anywhere; `unreachable` when the folder is not there.
    func find(_ name: String) throws(ConnectorError) -> Found? {
        var status = stat()
        guard lstat(place(name), &status) == 0 else {
            // Without its folder a file is not known to be missing.
            guard errno == ENOENT || errno == ENAMETOOLONG, lstat(path + "/.", &status) == 0 else { throw unreadable(name) }
            return nil
        }
        return try Found(status, name)
    }

    /// The whole content of a file that was found.
    /// - Throws: `invalidFile` when it was changed a moment ago or while it was read, `tooLarge`, `unreachable`.
    func read(_ name: String, _ found: Found, limit: Int, now: Date) throws(ConnectorError) -> [UInt8] {
        try requireReadable(name, found, limit: limit, now: now)
        // Neither waits for whoever writes into a pipe of this name, nor follows a link that took the file's place.
        let descriptor = open(place(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(name) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try file.read(upToCount: limit + 1) ?? Data())
        } catch {
            throw unreadable(name)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(name) }
        guard try Found(status, name) == found, bytes.count == found.size else {
            throw .invalidFile("\(name) was changed while it was read, so it may not be complete.")
        }
        return bytes
    }

    /// - Throws: `invalidFile` when it was changed a moment ago, `tooLarge`.
    func requireReadable(_ name: String, _ found: Found, limit: Int, now: Date) throws(ConnectorError) {
        guard readyAt(found) <= now else {
            throw .invalidFile("\(name) was changed a moment ago and may not be complete; it is read \(Self.seconds(settleTime)) s after.")
        }
        guard found.size <= limit else {
            throw ConnectorError(
                code: .tooLarge, message: "\(name) has \(found.size) bytes, and at most \(limit) are read. Nothing was changed.")
        }
    }

    func readyAt(_ found: Found) -> Date { found.changedAt.addingTimeInterval(settleTime.seconds) }

    /// Files that nobody looks at, for instance because of a slip in their name. Names that begin with a dot are someone's unfinished
    /// work.
    /// - Parameter expected: the names of all partners' files.
    public func strays(expected: Set<String>) -> StrayFiles {
        var strayFiles = StrayFiles()
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            // A sync, and the console beside this, tell that the folder is not there.
            return strayFiles
        }
        let byPlainName = Dictionary(expected.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        let byStem = Dictionary(expected.map { (Self.stem($0), $0) }, uniquingKeysWith: { first, _ in first })
        let strays = names.filter { !$0.hasPrefix(".") && !expected.contains($0) }.sorted()
        strayFiles.shown = strays.prefix(10).map { name in
            let meant = byPlainName[name.lowercased()] ?? byStem[Self.stem(name)]
            return meant.map { "\(name) is not read: it would have to be called \($0)." }
                ?? "\(name) is not read: no partner's file is called so."
        }
        strayFiles.more = strays.count - strayFiles.shown.count
        return strayFiles
    }

    /// The name without its endings, whatever the case.
    private static func stem(_ name: String) -> String {
        var stem = name.lowercased()
        for ending in [".txt", ".csv", ".json", ".xlsx", ".xls", ".part", ".tmp"] where stem.hasSuffix(ending) {
            stem.removeLast(ending.count)
        }
        return stem
    }

    private func place(_ name: String) -> String { path + "/" + name }

    private func unreadable(_ name: String) -> ConnectorError {
        ConnectorError(
            code: .unreachable,
            message: "The usage file \(name) cannot be read: its folder is not there, or Perch may not read it. Nothing was changed.")
    }

    private static func seconds(_ duration: Duration) -> Int { Int(duration.seconds.rounded(.up)) }
}

/// Files in the folder that are no partner's.
public struct StrayFiles: Sendable, Hashable {
    /// A sentence each, for the first ten.
    public var shown: [String] = []
    /// How many there are beyond those.
    public var more = 0

    public init() {}
}

extension UsageFolder.Found {
    fileprivate init(_ status: stat, _ name: String) throws(ConnectorError) {
        let kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: ""
            case S_IFLNK: "a link"
            case S_IFDIR: "a folder"
            default: "a pipe or a device"
            }
        guard kind.isEmpty else { throw .invalidFile("\(name) is \(kind), and only an ordinary file is read.") }
        size = Int(status.st_size)
        changedAt = Date(status.st_ctim)
        latestTime = max(Date(status.st_mtim), changedAt)
        writtenAt = min(Date(status.st_mtim), changedAt)
        inode = UInt64(status.st_ino)
    }
}

extension Date {
    fileprivate init(_ time: timespec) {
        self.init(timeIntervalSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }
}
