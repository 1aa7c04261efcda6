import Connectors
import Foundation
import HTTPServer
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("The forms of the partner page")
struct PageFormTests {
    @Test("puts an error beside its field and keeps what was typed openly")
    func connectErrors() throws {
        let overview = PageSample.overview(.notConnected)
        let typed = ["apiURL": "https://typed.example"]
        for (field, id) in [("partnerKey", "partnerKey"), ("apiKey", "vendor-apiKey"), ("apiURL", "vendor-apiURL")] {
            let error = IntegrationError(code: .keyRefused, message: "Not this one.", field: field)
            let html = PageSample.html(
                overview, PageOccasion(csrf: "c", connectAttempt: ConnectAttempt(typed: typed, error: error)))
            #expect(html.contains(#"<p class="field-error" id="\#(id)-error">Not this one.</p>"#))
            #expect(html.contains(#"aria-describedby="\#(id)-help \#(id)-error" aria-invalid="true""#))
            #expect(html.components(separatedBy: "aria-invalid").count == 2)
            #expect(html.contains(#"value="https://typed.example""#))
        }
    }

    @Test("puts an error of no field above the form")
    func formError() throws {
        let error = IntegrationError(code: .synthesizeUnavailable, message: "Synthesize could not be reached.")
        let form = try #require(
            ConnectFormView(PageSample.overview(.active), attempt: ConnectAttempt(typed: [:], error: error)))
        #expect(form.formError == "Synthesize could not be reached.")
        #expect(form.isOpen)
        #expect(!form.asksConfirmation)
    }

    @Test("asks for confirmation of another organization")
    func otherOrganization() {
        let error = IntegrationError(code: .otherOrganization, message: "It belongs to Woodgrove.", field: "partnerKey")
        let html = PageSample.html(
            PageSample.overview(.active), PageOccasion(csrf: "c", connectAttempt: ConnectAttempt(typed: [:], error: error)))
        #expect(html.contains(#"type="checkbox" id="confirm-other" name="confirmsOtherOrganization" value="yes""#))
        #expect(html.contains("It belongs to Woodgrove."))
    }

    @Test("offers what a connector lets choose from, with the chosen one first in the eye")
    func choices() {
        let choices = [("eu", "Europe"), ("us", "United <States>")].map { ConnectorField.Choice(value: $0.0, label: $0.1) }
        let field = FieldView(name: "n", label: "l", isSecret: false, value: "us", help: "h", error: "", choices: choices)
        #expect(field.isChoice)
        #expect(field.choices.map(\.isChosen) == [false, true])
        #expect(!FieldView(name: "n", label: "l", isSecret: false, value: "us", help: "h", error: "").isChoice)
    }

    @Test("never writes a secret field's value into the page")
    func secrets() {
        let field = FieldView(name: "n", label: "l", isSecret: true, value: "hunter2", help: "", error: "")
        #expect(field.value.isEmpty)
        let error = IntegrationError(code: .vendorUnavailable, message: "No.", field: "apiKey")
        let attempt = ConnectAttempt(typed: ["apiKey": "hunter2"], error: error)
        #expect(!PageSample.html(PageSample.overview(.notConnected), PageOccasion(csrf: "c", connectAttempt: attempt)).contains("hunter2"))
    }

    @Test("says that an empty field keeps what is stored, where something is")
    func keepsStored() throws {
        let stored = try #require(ConnectFormView(PageSample.overview(.active), attempt: nil))
        #expect(stored.key.help == "Leave it empty to keep the stored key, which ends in 7f3c.")
        #expect(stored.fields[0].help == "Leave it empty to keep what is stored. In Shelf.")
        let new = try #require(ConnectFormView(PageSample.overview(.notConnected), attempt: nil))
        #expect(new.key.help.hasPrefix("From Synthesize"))
        #expect(new.fields[0].help == "In Shelf.")
    }

    @Test("reads the connect form; a connector's field cannot pass for one of ours")
    func reading() {
        let form = FormFields([
            ("partnerKey", " key "), ("vendor-apiKey", "secret"), ("vendor-apiURL", "u"), ("apiKey", "not this"),
            ("confirmsOtherOrganization", "yes"),
        ])
        let request = ConnectFields.request(form, fields: PageSample.overview(.notConnected).fields)
        #expect(request.partnerKey == " key ")
        #expect(request.fields == ["apiKey": "secret", "apiURL": "u"])
        #expect(request.confirmsOtherOrganization)
        #expect(!ConnectFields.request(FormFields([]), fields: []).confirmsOtherOrganization)
    }

    @Test(
        "reads times",
        arguments: [
            ("00:00", 0), ("06:30", 390), ("23:59", 1439), ("06:30:00", 390), ("24:00", nil), ("6:30", nil), ("", nil), ("ab:cd", nil),
            ("-1:30", nil), ("06:60", nil), ("06:30:00:00", nil), ("٠٦:٣٠", nil),
        ] as [(String, Int?)])
    func times(_ text: String, _ expected: Int?) {
        #expect(ScheduleFields.minuteOfDay(text) == expected)
        if let expected { #expect(ScheduleFields.time(expected) == text.prefix(5)) }
    }

    @Test(
        "reads a schedule; what cannot be read is refused by the domain, naming the field",
        arguments: [
            (["cadence": "monthly", "time": "06:30", "weekday": "3", "dayOfMonth": "31", "timeZone": "Europe/Berlin"], nil),
            (["cadence": "weekly", "time": "", "weekday": "3", "dayOfMonth": "1", "timeZone": "UTC"], "time"),
            (["cadence": "weekly", "time": "06:30", "weekday": "8", "dayOfMonth": "1", "timeZone": "UTC"], "weekday"),
            (["cadence": "weekly", "time": "06:30", "weekday": "1", "dayOfMonth": "x", "timeZone": "UTC"], "dayOfMonth"),
            (["cadence": "weekly", "time": "06:30", "weekday": "1", "dayOfMonth": "1", "timeZone": "Mars"], "timeZone"),
        ] as [([String: String], String?)])
    func schedules(_ fields: [String: String], _ refused: String?) {
        let choice = ScheduleFields.choice(FormFields(fields.map { ($0.key, $0.value) }))
        do {
            try choice.check()
            #expect(refused == nil)
            #expect(choice.minuteOfDay == 390 && choice.cadence == .monthly)
        } catch {
            #expect(error.field == refused)
        }
    }

    @Test("shows the stored schedule and its next time in the partner's zone")
    func schedule() throws {
        var overview = PageSample.overview(.active)
        overview.schedule = Schedule(
            partnerID: PageSample.partner, cadence: .weekly, weekday: 3, dayOfMonth: 15, minuteOfDay: 390, isActive: true,
            nextRunAt: PageSample.now.addingTimeInterval(86400))
        let time = LocalTime(zoneName: overview.partner.timeZone)
        let view = try #require(ScheduleFormView(overview, attempt: nil, time: time))
        #expect(view.next == "Next sync: Thursday, 4 Jun 2026, 14:05 (Europe/Berlin)")
        #expect(view.cadences.map(\.label) == ["Daily", "Weekly", "Monthly"])
        #expect(view.cadences.filter(\.isChosen).map(\.value) == ["weekly"])
        #expect(view.weekdays.filter(\.isChosen).map(\.label) == ["Wednesday"])
        #expect(view.days.filter(\.isChosen).map(\.value) == ["15"])
        #expect(view.zones.filter(\.isChosen).map(\.value) == ["Europe/Berlin"])
        #expect(view.time == "06:30")
        #expect(ScheduleFormView(PageSample.overview(.notConnected), attempt: nil, time: time) == nil)
        for (standing, text) in [(ConnectionStanding.disabled, "disabled"), (.needsNewKey, "new key"), (.active, "none yet")] {
            let view = try #require(ScheduleFormView(PageSample.overview(standing), attempt: nil, time: time))
            #expect(view.next.contains(text))
        }
    }

    @Test("keeps what was chosen when it is refused")
    func refusedSchedule() throws {
        let choice = ScheduleChoice(cadence: .monthly, weekday: 1, dayOfMonth: 9, minuteOfDay: -1, timeZone: "Asia/Tokyo")
        let attempt = ScheduleAttempt(
            choice: choice, typedTime: "25:99", error: IntegrationError(code: .invalidInput, message: "No such time.", field: "time"))
        let view = try #require(
            ScheduleFormView(PageSample.overview(.active), attempt: attempt, time: LocalTime(zoneName: "UTC")))
        #expect(view.time == "25:99")
        #expect(view.timeError == "No such time." && view.error.isEmpty)
        #expect(view.zones.filter(\.isChosen).map(\.value) == ["Asia/Tokyo"])
    }

    @Test("offers only zones that exist, and the one in use whatever it is")
    func zones() {
        for name in TimeZoneNames.offered { #expect(TimeZone(identifier: name) != nil, "\(name)") }
        #expect(Set(TimeZoneNames.offered).count == TimeZoneNames.offered.count)
        #expect(TimeZoneNames.list(including: "America/Boise").first == "America/Boise")
        #expect(TimeZoneNames.list(including: "UTC") == TimeZoneNames.offered)
    }
}
