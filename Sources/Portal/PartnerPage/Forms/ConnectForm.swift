import Connectors
import Foundation
import HTTPServer
import Integration
import Store

/// What the partner typed under "Connect" and why it was not taken.
struct ConnectAttempt: Sendable, Hashable {
    /// The connector's fields as typed.
    var typed: [String: String]
    var error: IntegrationError
}

/// The names of the form's fields.
enum ConnectFields {
    static let partnerKey = "partnerKey"
    static let confirmation = "confirmsOtherOrganization"

    /// A connector's field is apart from our own, whatever its name.
    static func connector(_ name: String) -> String { "vendor-" + name }

    /// Reads what was sent.
    static func request(_ form: FormFields, fields: [EnteredField]) -> ConnectRequest {
        var entered: [String: String] = [:]
        for field in fields { entered[field.field.name] = form[connector(field.field.name)] ?? "" }
        return ConnectRequest(
            partnerKey: form[partnerKey] ?? "", fields: entered, confirmsOtherOrganization: form[confirmation] == "yes")
    }
}

/// One labelled input.
struct FieldView: Sendable, Hashable {
    var name: String
    var label: String
    /// `password` or `text`.
    var inputType: String
    /// Never a secret.
    var value: String
    var help: String
    /// What to mend; empty when nothing.
    var error: String
    /// Ids of the texts that explain the input.
    var describedBy: String
    /// To choose from; empty for an input.
    var choices: [ChoiceView]
    var isChoice: Bool

    struct ChoiceView: Sendable, Hashable {
        var value: String
        var label: String
        var isChosen: Bool
    }

    init(
        name: String, label: String, isSecret: Bool, value: String, help: String, error: String, choices: [ConnectorField.Choice] = []
    ) {
        self.name = name
        self.label = label
        inputType = isSecret ? "password" : "text"
        self.value = isSecret ? "" : value
        self.help = help
        self.error = error
        isChoice = !choices.isEmpty
        self.choices = choices.map { ChoiceView(value: $0.value, label: $0.label, isChosen: $0.value == value) }
        describedBy = ([name + "-help"] + (error.isEmpty ? [] : [name + "-error"])).joined(separator: " ")
    }
}

/// The form under "Connect": the Partner API key and what the connector asks for.
struct ConnectFormView: Sendable, Hashable {
    var key: FieldView
    var fields: [FieldView]
    /// What went wrong and belongs to no field.
    var formError: String
    /// The key belongs to another organization: the partner must say that this is meant.
    var asksConfirmation: Bool
    /// Empty when the form is what the page is about; else the words under which it is folded away.
    var foldedUnder: String
    var isOpen: Bool

    /// Nil while a connect job runs.
    init?(_ overview: PartnerOverview, attempt: ConnectAttempt?) {
        guard overview.standing != .connecting else { return nil }
        switch overview.standing {
        case .notConnected, .needsNewKey, .connectFailed: foldedUnder = ""
        case .connecting, .pendingMapping, .active, .other, .disabled: foldedUnder = "Use another key"
        }
        isOpen = attempt != nil
        let error = attempt?.error
        asksConfirmation = error?.code == .otherOrganization

        let keyIsStored = overview.connection.partnerKey != nil
        key = FieldView(
            name: ConnectFields.partnerKey, label: "Partner API key", isSecret: true, value: "",
            help: keyIsStored && overview.standing != .needsNewKey
                ? "Leave it empty to keep the stored key\(Self.ending(overview.connection))."
                : "From Synthesize: Integrations, \(overview.productName), Generate API key.",
            error: Self.error(of: ConnectFields.partnerKey, error))
        fields = overview.fields.map { entered in
            let field = entered.field
            return FieldView(
                name: ConnectFields.connector(field.name), label: field.label, isSecret: field.isSecret,
                value: attempt?.typed[field.name] ?? entered.shownValue ?? "",
                help: entered.isStored && field.isSecret ? "Leave it empty to keep what is stored. \(field.help)" : field.help,
                error: Self.error(of: field.name, error), choices: field.choices)
        }
        let isOfAField = error?.field.map { name in
            name == ConnectFields.partnerKey || overview.fields.contains { $0.field.name == name }
        }
        formError = isOfAField == true ? "" : error?.message ?? ""
    }

    private static func ending(_ connection: Connection) -> String {
        guard let lastFour = connection.keyLastFour, !lastFour.isEmpty else { return "" }
        return ", which ends in \(lastFour)"
    }

    private static func error(of field: String, _ error: IntegrationError?) -> String {
        error?.field == field ? error?.message ?? "" : ""
    }
}
