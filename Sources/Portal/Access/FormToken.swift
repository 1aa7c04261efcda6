import HTTPServer
import Secrets

/// The session's token that every form carries in the field `csrf` (ASVS 3.5.1).
enum FormToken {
    static let fieldName = "csrf"

    /// Reads the form and checks its token.
    /// - Throws: `HTTPError` 403 when the token is missing or not this session's, and what reading a form throws.
    static func checkedForm(_ request: Request, _ session: BrowserSession) async throws -> FormFields {
        let form = try await request.form()
        try check(form, session)
        return form
    }

    /// - Throws: `HTTPError` 403 when the token is missing or not this session's.
    static func check(_ form: FormFields, _ session: BrowserSession) throws {
        guard let token = form[fieldName], TokenHash.equal(token, session.csrfToken) else {
            throw HTTPError(
                .forbidden, code: "stale-form",
                message: "This form belongs to an earlier sign-in, so nothing was changed. Load the page again and repeat it.")
        }
    }
}
