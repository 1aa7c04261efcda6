import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let scheduleRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/schedule", .viewer) { call in
            let overview = try await call.desk.overview(call.partnerID)
            guard let schedule = overview.schedule else {
                throw IntegrationError(code: .notFound, message: "This partner has no schedule yet. PUT one here.")
            }
            return .answer(ScheduleAnswer(schedule, timeZone: overview.partner.timeZone))
        },
        AdminRoute(.put, "/partners/{partnerId}/schedule", .operator) { call in
            let body = try await call.body(ScheduleBody.self)
            let partner = try await call.desk.partner(call.partnerID)
            guard let minute = TimeOfDay.minute(body.time) else {
                throw invalidInput("The time must be HH:MM, from 00:00 to 23:59.", field: "time")
            }
            let choice = ScheduleChoice(
                cadence: try choice(Cadence.self, body.cadence, field: "cadence"), weekday: body.weekday?.value ?? 1,
                dayOfMonth: body.dayOfMonth?.value ?? 1, minuteOfDay: minute, timeZone: body.timeZone ?? partner.timeZone)
            let schedule = try await call.desk.saveSchedule(partner.id, choice, by: call.initiator)
            return .answer(ScheduleAnswer(schedule, timeZone: choice.timeZone))
        },
    ]
}

private struct ScheduleBody: StrictBody {
    var cadence: String
    var weekday: WholeNumber?
    var dayOfMonth: WholeNumber?
    var time: String
    var timeZone: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case cadence, weekday, dayOfMonth, time, timeZone
    }
}
