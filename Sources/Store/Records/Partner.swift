import Foundation

/// An MSP that uses the vendor's product and Synthesize ("organization" on Synthesize's wire).
public struct Partner: Sendable, Hashable {
    public var id: PartnerID
    /// The partner's id at the vendor: the `sub` of a launch token. Unique.
    public var vendorReference: String
    public var name: String
    /// IANA name, for instance `Europe/Berlin`; schedules and shown times use it.
    public var timeZone: String
    public var createdAt: Date
    public var proof: String

    public init(id: PartnerID, vendorReference: String, name: String, timeZone: String, createdAt: Date, proof: String = "") {
        self.id = id
        self.vendorReference = vendorReference
        self.name = name
        self.timeZone = timeZone
        self.createdAt = createdAt
        self.proof = proof
    }
}

/// Who uses the service, and under which name.
public protocol PartnerStore: Sendable {
    /// Also makes the partner's connection row, not connected.
    /// - Throws: `StoreError` with code `duplicate` when the vendor reference is taken.
    func createPartner(_ partner: Partner) async throws(StoreError)
    func partner(_ id: PartnerID) async throws(StoreError) -> Partner?
    func partner(vendorReference: String) async throws(StoreError) -> Partner?
    /// Partners by id, those after `cursor`, at most `limit`.
    func partners(after cursor: PartnerID?, limit: Int) async throws(StoreError) -> [Partner]
    /// Changes name and time zone.
    func updatePartner(_ partner: Partner) async throws(StoreError)
}
