import Mustache

/// Compiled-in templates, parsed once.
struct PageLibrary: Sendable {
    private let library: MustacheLibrary

    /// - Parameter templates: text by name; the layout and the error page are always there.
    init(_ templates: [String: [UInt8]]) {
        let all = Self.shared.merging(templates) { _, own in own }
        library = MustacheLibrary(templates: all.mapValues(Self.parse))
    }

    /// The page that `view` makes of a template: names in the template are the stored properties of `view`.
    func html(_ template: String, _ view: Any) -> String {
        guard let text = library.render(view, withTemplate: template) else {
            preconditionFailure("there is no template \"\(template)\"")
        }
        return text
    }

    private static let shared = [
        "layout": PackageResources.layout_mustache,
        "error": PackageResources.error_mustache,
    ]

    /// A template is part of the program, so one that does not parse is a defect that the first request, and a test, show.
    private static func parse(_ bytes: [UInt8]) -> MustacheTemplate {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            return try MustacheTemplate(string: text)
        } catch {
            preconditionFailure("a template does not parse: \(error): \(text.prefix(80))")
        }
    }
}

/// What the layout shows around every page.
struct PageFrame: Sendable, Hashable {
    var title: String
    /// The vendor's product; empty on pages that nobody has signed in to.
    var product = ""
    var partnerName = ""
    /// The token for the sign-out form; empty when nobody is signed in.
    var csrf = ""
    /// Without JavaScript the page loads itself again every three seconds, because something on it is under way.
    var refreshes = false
    var version: String
}
