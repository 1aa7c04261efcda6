import Connectors
import Synthesize
import Testing

@testable import Integration

@Suite("Which services are created and updated")
struct ServicePlanTests {
    private func catalogue(
        _ name: String, description: String = "d", category: String = "security", subcategory: String = "email security"
    ) -> CatalogueService {
        CatalogueService(
            name: name, description: description, category: category, subcategory: subcategory,
            basis: CountBasis(name: "things", version: 1))
    }

    @Test("What is missing is created with the catalogue's words")
    func create() throws {
        let plan = try ServicePlan(
            catalogue: [catalogue("A"), catalogue("B", description: "", category: "other", subcategory: "other")],
            existing: [try Sample.service("1", "A")], overridden: [])
        #expect(plan.create == [ServiceDraft(name: "B", description: "B", category: .other, subcategory: .other)])
        #expect(plan.update.isEmpty)
    }

    @Test("Names match without case, so that no service is made twice (U-37); the case is then corrected")
    func withoutCase() throws {
        let plan = try ServicePlan(catalogue: [catalogue("SaaS Users")], existing: [try Sample.service("1", "saas USERS")], overridden: [])
        #expect(plan.create.isEmpty)
        #expect(plan.update == [.init(id: "1", changes: ServiceChanges(name: "SaaS Users"))])
    }

    @Test("An update names what differs and nothing else")
    func update() throws {
        let existing = try Sample.service("1", "A", description: "old", category: "backup", subcategory: "cloud backup")
        let plan = try ServicePlan(catalogue: [catalogue("A")], existing: [existing], overridden: [])
        #expect(
            plan.update == [
                .init(id: "1", changes: ServiceChanges(description: "d", category: .security, subcategory: .emailSecurity))
            ])
        let word = try ServicePlan(
            catalogue: [catalogue("A")], existing: [try Sample.service("1", "A", category: "backup")], overridden: [])
        #expect(word.update == [.init(id: "1", changes: ServiceChanges(category: .security))])
    }

    @Test("What an operator changed by hand is left alone")
    func overridden() throws {
        let existing = [try Sample.service("1", "A", description: "by hand"), try Sample.service("2", "B", description: "old")]
        let plan = try ServicePlan(catalogue: [catalogue("A"), catalogue("B")], existing: existing, overridden: ["1"])
        #expect(plan.update.map(\.id) == ["2"])
    }

    @Test(
        "A category that Gradient does not know is refused before anything is sent",
        arguments: [("Security", "email security"), ("security", "e-mail"), ("", "")])
    func unknownCategory(_ category: String, _ subcategory: String) {
        let error = #expect(throws: IntegrationError.self) {
            try ServicePlan(
                catalogue: [catalogue("Mail guard", category: category, subcategory: subcategory)], existing: [], overridden: [])
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("Mail guard") == true)
    }

    @Test("Services in Synthesize that the catalogue does not have are left alone; of equal names the first counts")
    func others() throws {
        let existing = [
            try Sample.service("0", "Other"), try Sample.service("1", "A"), try Sample.service("2", "a", description: "second"),
        ]
        let plan = try ServicePlan(catalogue: [catalogue("A")], existing: existing, overridden: [])
        #expect(plan.create.isEmpty && plan.update.isEmpty)
        #expect(ServicePlan.byName(existing)["a"]?.id == "1")
    }
}
