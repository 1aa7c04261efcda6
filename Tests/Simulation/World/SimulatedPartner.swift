import Foundation
import Sandbox
import Store

/// One MSP and what its people know.
struct SimulatedPartner {
    var number: Int
    var organizationID: String
    /// The key that Synthesize shows now.
    var partnerKey: String
    /// Set once Perch knows the partner.
    var id: PartnerID?
    var timeZone: String

    var vendorKey: String { "acme-\(number)" }

    /// Both changes of the clock on both sides of the equator, a half-hour one, odd offsets, none at all.
    static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Chatham", "Africa/Cairo",
        "UTC",
    ]
}
