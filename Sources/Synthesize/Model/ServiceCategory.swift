/// The kind of a service; wire values are case-sensitive (contract 6.1).
public enum ServiceCategory: String, Sendable, Hashable, Codable, CaseIterable {
    case security
    case backup
    case productivity
    case infrastructure
    case serviceDelivery = "service delivery"
    case consulting
    case other
}

/// The finer kind of a service; wire values keep Gradient's spelling, mistakes included (contract 6.2).
public enum ServiceSubcategory: String, Sendable, Hashable, Codable, CaseIterable {
    case endpointDetectionAndResponse = "endpoint detection and response (EDR)"
    case emailSecurity = "email security"
    case virtualPrivateNetwork = "virtual private network services (VPN)"
    case dnsFiltering = "DNS filtering"
    case darkWebMonitoring = "dark web monitoring"
    case passwordManagement = "password management"
    case singleSignOn = "single sign on (SSO)"
    case privilegedAccessManagement = "priviledged access and identity management (PAM/PIM)"
    case securityInformationAndEventManagement = "security information and event management (SIEM)"
    case mobileDeviceManagement = "mobile device management (MDM)"
    case applicationSecurity = "application security"
    case mobileApplicationManagement = "mobile application management (MAM)"
    case multiFactorAuthentication = "multi factor authentication (MFA)"
    case cloudBackup = "cloud backup"
    case localBackup = "local backup"
    case desktopBackup = "desktop backup"
    case dataArchiving = "data archiving"
    case physicalOffsiteStorage = "physical offsite storage"
    case businessContinuity = "business continuity"
    case hostedEmail = "hosted email"
    case videoConferencing = "video conferencing"
    case voiceOverIP = "voice over IP services (VOIP)"
    case lineOfBusinessApplicationSupport = "line of business application support"
    case unifiedCommunications = "unified communications as a service (UCaaS)"
    case customerRelationshipManagement = "customer relationship management"
    case cloudStorage = "cloud storage"
    case websiteHosting = "website hosting"
    case hardwareAsAService = "hardware as a service (HaaS)"
    case managedPrintServices = "managed print services"
    case virtualDesktopInfrastructure = "virtual desktop infrastructure (VDI)"
    case virtualServerHosting = "virtual server hosting"
    case infrastructureAsAService = "infrastructure as a service (IaaS)"
    case endUserSupport = "end user support"
    case serverManagement = "server management and support"
    case networkManagement = "network management and support"
    case printerManagement = "printer management and support"
    case desktopManagement = "desktop management and support"
    case hostedSecurityOperationsCentre = "hosted security operations centre (SOC)"
    case softwareDevelopment = "software development"
    case penetrationTesting = "penetration testing"
    case projectServices = "project services"
    case governanceAndCompliance = "governance and compliance"
    case businessIntelligence = "business intelligence services / analytics"
    case phishingSimulation = "phishing simulation"
    case securityAwarenessTraining = "privacy and security awareness training"
    case other
}
