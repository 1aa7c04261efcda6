import Connectors
import Synthesize
import Testing

@Suite("The words for kinds of services")
struct GradientWordsTests {
    @Test("Definitions are checked against the words that are sent")
    func same() {
        #expect(GradientWords.categories == ServiceCategory.allCases.map(\.rawValue))
        #expect(GradientWords.subcategories == ServiceSubcategory.allCases.map(\.rawValue))
    }
}
