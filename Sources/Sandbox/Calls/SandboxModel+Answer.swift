import Foundation
import HTTPServer
import HTTPTypes

/// What a call of the vendor API is given once token, rate and module are in order.
struct CallContext: Sendable {
    var request: SandboxRequest
    var parameter: String
    /// Position of the caller's organization; nil for the vendor key alone, which vendor-level calls
    /// may allow (U-26).
    var caller: Int?
    var now: Date

    /// Position of the caller's organization, for calls that need one.
    var organization: Int {
        get throws(CallRefusal) {
            guard let caller else { throw .unauthorized }
            return caller
        }
    }

    var query: FormFields {
        get throws(CallRefusal) {
            do { return try request.query } catch { throw CallRefusal(.badRequest, error.message) }
        }
    }

    /// The body as JSON; a form-encoded body as an object of texts (contract section 14); null when
    /// there is none.
    var content: JSONValue {
        get throws(CallRefusal) {
            if request.body.isEmpty { return .null }
            if request.isForm {
                do {
                    let fields = try FormFields.parse(request.body)
                    return .object(fields.pairs.map { JSONValue.Member(name: $0.name, value: .string($0.value)) })
                } catch {
                    throw CallRefusal(.badRequest, error.message)
                }
            }
            do {
                return try JSONParser.parse(request.body)
            } catch {
                throw CallRefusal(.badRequest, "Malformed JSON at byte \(error.offset): \(error.message)")
            }
        }
    }
}

extension SandboxModel {
    /// Answers one request to the simulated Synthesize or to a simulated vendor API.
    public mutating func answer(_ request: SandboxRequest, at now: Date) -> SandboxAnswer {
        let path = request.path
        let fault = takeFault(method: request.head.method, path: path)
        var answer: SandboxAnswer
        if let position = vendorAPIs.firstIndex(where: { path.hasPrefix("/\($0.name)/") }) {
            answer = fault?.refusal ?? vendorAPIs[position].answer(request, at: now)
            fault?.damage(&answer)
            vendorAPIs[position].requests.record(
                call: vendorAPIs[position].call(of: request), status: answer.meteredStatus, at: now)
        } else {
            let segments = decodedSegments(of: path, plusAsSpace: settings.plusAsSpace)
            let route = segments.flatMap { vendorRoute(request.head.method, $0) }
            answer = fault?.refusal ?? self.answer(request, route: route, segments: segments, at: now)
            fault?.damage(&answer)
            requests.record(call: route?.call.rawValue ?? "other", status: answer.meteredStatus, at: now)
            if settings.journal, let route { note(request, route, answer.meteredStatus) }
        }
        // Without a spread nothing is drawn: the ids of a seed stay the same.
        let spread = settings.latencySpreadMilliseconds
        let extra = spread > 0 ? Int(identifiers.uniform() * Double(spread)) : 0
        answer.delay = .milliseconds(settings.latencyMilliseconds + extra + (fault?.delayMilliseconds ?? 0))
        return answer
    }

    private func vendorRoute(_ method: HTTPRequest.Method, _ segments: [String]) -> VendorRoute? {
        guard segments.starts(with: ["api", "vendor-api"]) else { return nil }
        return VendorRoute(method: method, segments: segments.dropFirst(2))
    }

    private mutating func answer(
        _ request: SandboxRequest, route: VendorRoute?, segments: [String]?, at now: Date
    ) -> SandboxAnswer {
        do throws(CallRefusal) {
            guard segments != nil else { throw CallRefusal(.badRequest, "The path has a broken percent-escape.") }
            guard let route else {
                throw CallRefusal(.notFound, "Cannot \(request.head.method) \(request.path)")
            }
            let caller = try authenticate(request, for: route.call, at: now)
            if settings.enforceModules, let module = route.call.module, !vendor.modules.contains(module) {
                throw CallRefusal(.forbidden, "This integration does not have the \(module.rawValue) module (simulated text)")
            }
            return try carryOut(
                route.call, CallContext(request: request, parameter: route.parameter, caller: caller, now: now))
        } catch {
            var answer = error.answer(messagesAsArray: settings.validationMessagesAsArray)
            if error.status == .tooManyRequests, settings.retryAfter { answer.headerFields[.retryAfter] = "1" }
            return answer
        }
    }

    /// Token first, then rate: an unknown token is 401 however fast it calls.
    private mutating func authenticate(
        _ request: SandboxRequest, for call: VendorCall, at now: Date
    ) throws(CallRefusal) -> Int? {
        guard let token = request.header("GRADIENT-TOKEN"), let entry = tokens[token] else { throw .unauthorized }
        if entry.organization == nil {
            guard settings.allowVendorKeyAlone, call.isVendorLevel else { throw .unauthorized }
        }
        if let limit = settings.rateLimit, !tokens.admit(token: token, limit: limit, at: now) {
            throw .tooManyRequests
        }
        return entry.organization
    }

    private mutating func carryOut(_ call: VendorCall, _ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        switch call {
        case .getVendor: getVendor(context)
        case .updateVendor: try updateVendor(context)
        case .createService: try createService(context)
        case .getService: try getService(context)
        case .updateService: try updateService(context)
        case .setUnitCount: try setUnitCount(context)
        case .getIntegration: try getIntegration(context)
        case .updateStatus: try updateStatus(context)
        case .getClients: try getClients(context)
        case .getAccounts: try getAccounts(context)
        case .createAccounts: try createAccounts(context)
        case .updateAccount: try updateAccount(context)
        case .getOrganizationServices: try getOrganizationServices(context)
        case .createOrganizationServices: try createOrganizationServices(context)
        case .updateOrganizationService: try updateOrganizationService(context)
        case .createAlert: try createAlert(context)
        case .getAlert: try getAlert(context)
        }
    }

    /// The envelope of V1, V2, S2, S3 and O2 (contract section 3.1).
    func enveloped(_ data: JSONValue, message: String) -> SandboxAnswer {
        .json(["status": 200, "data": data, "message": .string(message)])
    }
}

extension SandboxAnswer {
    var meteredStatus: Int { delivery == .dropped ? RequestMeter.unanswered : status.code }
}
