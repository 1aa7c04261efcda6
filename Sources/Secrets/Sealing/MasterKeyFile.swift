import Foundation
import Glibc

/// The master key in a file of mode 0600, for installations that set neither PERCH_SECRET_KEY nor PERCH_SECRET_KEY_FILE.
public enum MasterKeyFile {
    /// Longer than any key file; what is longer is not one.
    private static let longestFile = 4096

    /// Reads the key, or makes one when there is no file. The new file appears whole or not at all, survives power loss, and
    /// never replaces a file that appeared in the meantime.
    /// - Throws: `SecretsError` with code `keyFileExposed` when others than the owner may read or write the file,
    ///   `masterKeyInvalid` when it holds no key, `keyFileUnavailable` when it cannot be read or made.
    public static func loadOrCreate(
        at path: String, random: RandomSource
    ) throws(SecretsError) -> (key: MasterKey, created: Bool) {
        if let key = try load(path) { return (key, false) }
        let key = MasterKey.generate(random: random)
        if try create(path, key, random) { return (key, true) }
        guard let key = try load(path) else {
            throw unavailable(path, "it appeared and disappeared again while Perch started")
        }
        return (key, false)
    }

    /// Where a rotation puts the next key before the database is wrapped with it.
    public static func nextPath(of path: String) -> String { path + ".next" }

    /// Writes a key that is to take the place of the one in the file, beside it.
    /// - Throws: `SecretsError` with code `keyFileUnavailable`, also when there is one already.
    public static func writeNext(_ key: MasterKey, of path: String, random: RandomSource) throws(SecretsError) {
        guard try create(nextPath(of: path), key, random) else {
            throw unavailable(nextPath(of: path), "it is there already, from a rotation that was cut off; start the service once to end it")
        }
    }

    /// The next key takes the place of the key.
    public static func takeNext(of path: String) throws(SecretsError) {
        guard rename(nextPath(of: path), path) == 0 else { throw unavailable(path, lastError()) }
        try syncDirectory(of: path)
    }

    /// The database was never wrapped with the next key.
    public static func dropNext(of path: String) throws(SecretsError) {
        guard unlink(nextPath(of: path)) == 0 || errno == ENOENT else { throw unavailable(nextPath(of: path), lastError()) }
    }

    /// Removes what a kill in the middle of writing a key left: copies of keys that nobody looks after. Only while no other process
    /// writes one.
    public static func removeLeftovers(of path: String) throws(SecretsError) {
        let file = URL(filePath: path)
        let directory = file.deletingLastPathComponent().path(percentEncoded: false)
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw unavailable(path, error.localizedDescription)
        }
        for name in names
        where [path, nextPath(of: path)].contains(where: { name.hasPrefix(URL(filePath: $0).lastPathComponent + ".new-") }) {
            guard unlink("\(directory)/\(name)") == 0 || errno == ENOENT else { throw unavailable("\(directory)/\(name)", lastError()) }
        }
    }

    /// The key in the file; nil when there is no file.
    /// - Throws: as `loadOrCreate`.
    public static func load(_ path: String) throws(SecretsError) -> MasterKey? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw unavailable(path, lastError())
        }
        defer { Glibc.close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unavailable(path, lastError()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unavailable(path, "it is not a regular file") }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw SecretsError(
                code: .keyFileExposed,
                message: """
                    The key file \(path) has mode 0\(mode), so others than its owner can reach the master key. It was not \
                    used. Run `chmod 600 \(path)`, and change the key if somebody may have read it.
                    """)
        }

        var bytes = [UInt8](repeating: 0, count: longestFile + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw unavailable(path, lastError()) }
            if got == 0 { break }
            count += got
        }
        do {
            return try MasterKey(base64: Secret(String(decoding: bytes.prefix(count), as: UTF8.self)))
        } catch {
            throw SecretsError(code: error.code, message: "The key file \(path) cannot be used. \(error.message)")
        }
    }

    /// False when another process was faster.
    private static func create(_ path: String, _ key: MasterKey, _ random: RandomSource) throws(SecretsError) -> Bool {
        let temporary = "\(path).\(random.identifier(prefix: "new-"))"
        let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unavailable(path, lastError()) }
        defer { unlink(temporary) }
        do {
            defer { Glibc.close(descriptor) }
            try write(key.base64().reveal() + "\n", to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw unavailable(path, lastError()) }
        }
        // A link, unlike a rename, fails when the name is taken: two first starts must not end with two keys.
        guard link(temporary, path) == 0 else {
            if errno == EEXIST { return false }
            throw unavailable(path, lastError())
        }
        try syncDirectory(of: path)
        return true
    }

    private static func write(_ text: String, to descriptor: Int32, _ path: String) throws(SecretsError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw unavailable(path, lastError()) }
            rest = rest.dropFirst(written)
        }
    }

    /// Without it, the file's name may be lost with the power.
    private static func syncDirectory(of path: String) throws(SecretsError) {
        let parent = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        let descriptor = Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unavailable(path, lastError()) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw unavailable(path, lastError()) }
    }

    private static func lastError() -> String {
        String(cString: strerror(errno)).lowercased()
    }

    private static func unavailable(_ path: String, _ reason: String) -> SecretsError {
        SecretsError(
            code: .keyFileUnavailable,
            message: """
                The key file \(path) cannot be read or made: \(reason). Check that its directory exists and belongs to \
                the user that runs Perch, or give the key in PERCH_SECRET_KEY_FILE.
                """)
    }
}
