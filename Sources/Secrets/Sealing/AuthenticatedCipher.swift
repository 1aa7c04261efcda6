import Crypto
import Foundation

/// A nonce, and what AES-256-GCM made with it.
struct CipherBox: Hashable {
    static let nonceLength = 12
    static let tagLength = 16

    let nonce: [UInt8]
    /// Ciphertext, then tag.
    let sealed: [UInt8]

    init(nonce: [UInt8], sealed: [UInt8]) {
        self.nonce = nonce
        self.sealed = sealed
    }

    /// Nil when there is no room for nonce and tag.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count >= Self.nonceLength + Self.tagLength else { return nil }
        nonce = Array(bytes.prefix(Self.nonceLength))
        sealed = Array(bytes.dropFirst(Self.nonceLength))
    }

    var bytes: [UInt8] { nonce + sealed }
}

/// AES-256-GCM (NIST SP 800-38D) over byte arrays.
enum AuthenticatedCipher {
    static func seal(
        _ plaintext: [UInt8], key: SymmetricKey, nonce: [UInt8], associatedData: [UInt8]
    ) throws -> CipherBox {
        let box = try AES.GCM.seal(
            plaintext, using: key, nonce: AES.GCM.Nonce(data: nonce), authenticating: associatedData)
        return CipherBox(nonce: nonce, sealed: Array(box.ciphertext) + Array(box.tag))
    }

    /// - Throws: when any bit of box or associated data differs from what was sealed.
    static func open(_ box: CipherBox, key: SymmetricKey, associatedData: [UInt8]) throws -> [UInt8] {
        let sealedBox = try AES.GCM.SealedBox(
            nonce: AES.GCM.Nonce(data: box.nonce), ciphertext: box.sealed.dropLast(CipherBox.tagLength),
            tag: box.sealed.suffix(CipherBox.tagLength))
        return Array(try AES.GCM.open(sealedBox, using: key, authenticating: associatedData))
    }

    /// Associated data of several texts, each preceded by its length, so that no two lists make the same bytes.
    static func associatedData(_ texts: [String]) -> [UInt8] {
        texts.flatMap { text in
            withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian, Array.init) + Array(text.utf8)
        }
    }
}
