import Foundation
import Secrets

/// The value of the `GRADIENT-TOKEN` header: standard Base64 of vendor key, colon, partner key, with no scheme word
/// (contract section 2).
public struct SynthesizeToken: Sendable {
    let value: Secret

    public init(vendorKey: Secret, partnerKey: Secret) {
        let pair = vendorKey.reveal() + ":" + partnerKey.reveal()
        value = Secret(Data(pair.utf8).base64EncodedString())
    }
}
