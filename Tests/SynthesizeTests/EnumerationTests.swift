import Testing

@testable import Synthesize

@Suite("Words on the wire, spelling mistakes included")
struct EnumerationTests {
    /// Contract section 6.2, as numbered there.
    private static let subcategories = """
        1. `endpoint detection and response (EDR)`
        2. `email security`
        3. `virtual private network services (VPN)`
        4. `DNS filtering`
        5. `dark web monitoring`
        6. `password management`
        7. `single sign on (SSO)`
        8. `priviledged access and identity management (PAM/PIM)`
        9. `security information and event management (SIEM)`
        10. `mobile device management (MDM)`
        11. `application security`
        12. `mobile application management (MAM)`
        13. `multi factor authentication (MFA)`
        14. `cloud backup`
        15. `local backup`
        16. `desktop backup`
        17. `data archiving`
        18. `physical offsite storage`
        19. `business continuity`
        20. `hosted email`
        21. `video conferencing`
        22. `voice over IP services (VOIP)`
        23. `line of business application support`
        24. `unified communications as a service (UCaaS)`
        25. `customer relationship management`
        26. `cloud storage`
        27. `website hosting`
        28. `hardware as a service (HaaS)`
        29. `managed print services`
        30. `virtual desktop infrastructure (VDI)`
        31. `virtual server hosting`
        32. `infrastructure as a service (IaaS)`
        33. `end user support`
        34. `server management and support`
        35. `network management and support`
        36. `printer management and support`
        37. `desktop management and support`
        38. `hosted security operations centre (SOC)`
        39. `software development`
        40. `penetration testing`
        41. `project services`
        42. `governance and compliance`
        43. `business intelligence services / analytics`
        44. `phishing simulation`
        45. `privacy and security awareness training`
        46. `other`
        """

    @Test("The 46 subcategories are the contract's, in its order")
    func subcategory() {
        let words = Self.subcategories.matches(of: #/`([^`]+)`/#).map { String($0.1) }
        #expect(words.count == 46)
        #expect(ServiceSubcategory.allCases.map(\.rawValue) == words)
    }

    @Test("The 7 categories are the contract's")
    func category() {
        #expect(
            ServiceCategory.allCases.map(\.rawValue) == [
                "security", "backup", "productivity", "infrastructure", "service delivery", "consulting", "other",
            ])
    }

    @Test("Words in another case are not known (U-36)", arguments: ["Security", "SECURITY", "dns filtering", "privileged access"])
    func cases(_ word: String) {
        #expect(ServiceCategory(rawValue: word) == nil)
        #expect(ServiceSubcategory(rawValue: word) == nil)
    }

    @Test("The five statuses of all versions, in lower case (U-2)")
    func statuses() {
        #expect(IntegrationStatus.documented.map(\.rawValue) == ["inactive", "pending", "active", "disabled", "error"])
    }
}
