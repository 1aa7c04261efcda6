/// What a sandbox begins with.
public struct SandboxSeed: Sendable {
    /// The vendor whose integration is played.
    public struct VendorProfile: Sendable {
        public var name: String
        public var description: String
        public var modules: [ModuleVariation]
        /// The vendor's half of every token; nil makes one.
        public var apiKey: String?

        public init(name: String, description: String, modules: [ModuleVariation], apiKey: String? = nil) {
            self.name = name
            self.description = description
            self.modules = modules
            self.apiKey = apiKey
        }
    }

    /// A partner and what is in its PSA.
    public struct OrganizationSeed: Sendable {
        public var name: String
        /// Names of the PSA's clients.
        public var clients: [String]
        public var products: [ProductSeed]

        public init(name: String, clients: [String] = [], products: [ProductSeed] = []) {
            self.name = name
            self.clients = clients
            self.products = products
        }
    }

    /// A PSA product with its quantity for each client, by name.
    public struct ProductSeed: Sendable {
        public var name: String
        public var quantities: [String: Double]

        public init(name: String, quantities: [String: Double] = [:]) {
            self.name = name
            self.quantities = quantities
        }
    }

    public var vendor: VendorProfile
    public var organizations: [OrganizationSeed]
    public var saasAlerts: SaaSAlertsConfiguration

    public init(
        vendor: VendorProfile, organizations: [OrganizationSeed] = [],
        saasAlerts: SaaSAlertsConfiguration = SaaSAlertsConfiguration(apiKey: "saas-alerts-sandbox-key")
    ) {
        self.vendor = vendor
        self.organizations = organizations
        self.saasAlerts = saasAlerts
    }
}

extension SandboxSeed {
    private static let saasAlertsVendor = VendorProfile(
        name: "SaaS Alerts", description: "Watches cloud applications and alerts on what looks wrong.",
        modules: [.billing, .alerts])

    /// The vendor alone: no partner, no customers.
    public static let empty = SandboxSeed(vendor: saasAlertsVendor)

    /// One MSP whose PSA and SaaS Alerts console agree on most customers.
    ///
    /// What makes its mapping interesting: "Harbor Dental Group" is written differently on each side,
    /// "Riverside Animal Hospital" is no client of the PSA, "Quill & Parchment Books" has no billable
    /// user, and one client of the PSA, "Alder Street Bakery", is unknown to the vendor.
    public static let demo = SandboxSeed(
        vendor: saasAlertsVendor,
        organizations: [
            OrganizationSeed(
                name: "Northwind Managed IT",
                clients: [
                    "Alder Street Bakery", "Brightwater Law LLP", "Cedar & Stone Architects", "Harbor Dental Group",
                    "Lumen Optics", "Montréal Maple Imports", "Quill & Parchment Books", #"Smith & Sons "West""#,
                ],
                products: [
                    ProductSeed(
                        name: "SaaS Alerts Billable Users",
                        quantities: [
                            "Brightwater Law LLP": 24, "Cedar & Stone Architects": 12, "Harbor Dental Group": 9,
                            #"Smith & Sons "West""#: 31,
                        ]),
                    ProductSeed(
                        name: "SaaS Security Monitoring",
                        quantities: ["Lumen Optics": 40, "Montréal Maple Imports": 16, "Quill & Parchment Books": 3]),
                    ProductSeed(
                        name: "Managed Workstation",
                        quantities: [
                            "Alder Street Bakery": 4, "Brightwater Law LLP": 26, "Cedar & Stone Architects": 11,
                            "Harbor Dental Group": 14, "Lumen Optics": 38, "Montréal Maple Imports": 15,
                        ]),
                    ProductSeed(name: "Managed Server", quantities: ["Brightwater Law LLP": 3, "Lumen Optics": 6]),
                    ProductSeed(
                        name: "Microsoft 365 Business Premium",
                        quantities: ["Brightwater Law LLP": 24, "Lumen Optics": 42, "Cedar & Stone Architects": 12]),
                    ProductSeed(name: "Email Archiving", quantities: ["Brightwater Law LLP": 24]),
                ])
        ],
        saasAlerts: SaaSAlertsConfiguration(
            apiKey: "saas-alerts-sandbox-key",
            customers: [
                SaaSAlertsCustomer(id: "cus_1001", name: "Brightwater Law LLP", billable: 27, nonBillable: 4),
                SaaSAlertsCustomer(id: "cus_1002", name: "Cedar & Stone Architects", billable: 12, nonBillable: 1),
                SaaSAlertsCustomer(id: "cus_1003", name: "Harbor Dental", billable: 9, nonBillable: 2),
                SaaSAlertsCustomer(id: "cus_1004", name: "Lumen Optics", billable: 41, nonBillable: 6),
                SaaSAlertsCustomer(id: "cus_1005", name: "Montréal Maple Imports", billable: 18),
                SaaSAlertsCustomer(id: "cus_1006", name: "Quill & Parchment Books", billable: 0, nonBillable: 2),
                SaaSAlertsCustomer(id: "cus_1007", name: #"Smith & Sons "West""#, billable: 33, nonBillable: 3),
                SaaSAlertsCustomer(id: "cus_1008", name: "Riverside Animal Hospital", billable: 7, nonBillable: 1),
            ]))
}
