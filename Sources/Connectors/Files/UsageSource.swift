/// A product whose usage is handed in: its services as reviewed, and how its files are written.
public struct UsageSource: Sendable, Hashable {
    public var id: String
    public var name: String
    public var services: [CatalogueService]
    public var file: UsageFileFormat

    public init(id: String, name: String, services: [CatalogueService], file: UsageFileFormat = UsageFileFormat(kind: .csv(delimiter: ",")))
    {
        self.id = id
        self.name = name
        self.services = services
        self.file = file
    }
}
