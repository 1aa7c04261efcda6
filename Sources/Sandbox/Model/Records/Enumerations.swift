// Wire values of contract section 6, spelling kept exactly, misspellings included.

/// What a vendor-level service is about (contract section 6.1). Case-sensitive.
enum ServiceCategory: String, CaseIterable {
    case security, backup, productivity, infrastructure
    case serviceDelivery = "service delivery"
    case consulting, other
}

/// The 46 finer kinds of a vendor-level service (contract section 6.2). Case-sensitive. Any of them
/// may be combined with any category.
let serviceSubcategories: Set<String> = [
    "endpoint detection and response (EDR)", "email security", "virtual private network services (VPN)",
    "DNS filtering", "dark web monitoring", "password management", "single sign on (SSO)",
    "priviledged access and identity management (PAM/PIM)", "security information and event management (SIEM)",
    "mobile device management (MDM)", "application security", "mobile application management (MAM)",
    "multi factor authentication (MFA)", "cloud backup", "local backup", "desktop backup", "data archiving",
    "physical offsite storage", "business continuity", "hosted email", "video conferencing",
    "voice over IP services (VOIP)", "line of business application support",
    "unified communications as a service (UCaaS)", "customer relationship management", "cloud storage",
    "website hosting", "hardware as a service (HaaS)", "managed print services",
    "virtual desktop infrastructure (VDI)", "virtual server hosting", "infrastructure as a service (IaaS)",
    "end user support", "server management and support", "network management and support",
    "printer management and support", "desktop management and support",
    "hosted security operations centre (SOC)", "software development", "penetration testing", "project services",
    "governance and compliance", "business intelligence services / analytics", "phishing simulation",
    "privacy and security awareness training", "other",
]

/// Where an integration stands (contract sections 6.3 and 7.1).
public enum IntegrationStatus: String, Sendable, CaseIterable {
    case inactive, pending, active
    /// From the older reference page only; accepted behind ``SandboxSettings/extendedStatuses`` (U-1).
    case disabled, error

    /// The three of the current reference page, accepted by default (U-1).
    static let current: Set<IntegrationStatus> = [.inactive, .pending, .active]
}

/// What an integration may send; chosen when it is created (contract section 1).
public enum ModuleVariation: String, Sendable, CaseIterable {
    case billing, alerts
}
