import Foundation
import HTTPClient
import HTTPTypes
import Sandbox

/// Synthesize as the sandbox models it, at the far end of a way on which anything may happen. What is under way when a process dies still
/// arrives.
///
/// Unchecked: as `Engine`.
final class SimulatedSynthesize: @unchecked Sendable {
    /// How long the client waits for an answer.
    private static let patience = Duration.seconds(30)

    var model: SandboxModel
    var weather = Weather.fair
    /// Sees every call as it leaves and as it is known to have come back.
    var witness: (any Witness)?

    private let engine: Engine
    private let time: SimulatedTime
    private var calls = 0

    protocol Witness: AnyObject {
        func departs(_ call: Call)
        func arrives(_ call: Call, answer: Int)
        func returns(_ call: Call, _ result: Result<IncomingResponse, HTTPClientError>)
    }

    struct Call {
        /// Its place in the order in which all calls leave.
        var number: Int
        var method: HTTPRequest.Method
        /// After `/api/vendor-api`, without the query.
        var path: String
        var token: String
        var body: [UInt8]
        var process: Int
    }

    init(engine: Engine, time: SimulatedTime, model: SandboxModel) {
        (self.engine, self.time, self.model) = (engine, time, model)
    }

    func sender(ofProcess process: Int) -> any HTTPSender { Sender(synthesize: self, process: process) }

    private struct Sender: HTTPSender {
        let synthesize: SimulatedSynthesize
        let process: Int

        func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
            try await synthesize.send(request, process)
        }
    }

    /// Unchecked: as `Engine`.
    private final class Exchange: @unchecked Sendable {
        var continuation: CheckedContinuation<Result<IncomingResponse, HTTPClientError>, Never>?
        func end(_ result: Result<IncomingResponse, HTTPClientError>) { continuation.take()?.resume(returning: result) }
    }

    private func send(_ request: OutgoingRequest, _ process: Int) async throws(HTTPClientError) -> IncomingResponse {
        calls += 1
        let call = Call(request, number: calls, process)
        witness?.departs(call)
        let exchange = Exchange()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<IncomingResponse, HTTPClientError>, Never>) in
                if Task.isCancelled { return continuation.resume(returning: .failure(HTTPClientError.cancelled)) }
                exchange.continuation = continuation
                travel(request, call, exchange)
            }
        } onCancel: {
            exchange.end(.failure(.cancelled))
        }
        witness?.returns(call, result)
        return try result.get()
    }

    private func travel(_ request: OutgoingRequest, _ call: Call, _ exchange: Exchange) {
        let mishap = weather.draw(engine.random)
        let owner = Engine.Owner.process(call.process)
        engine.after(Self.patience, owner) {
            exchange.end(.failure(HTTPClientError(code: .timedOut, delivery: .unknown, message: "No answer came in time.")))
        }
        switch mishap {
        case .neverSent:
            engine.after(weather.delay(engine.random), owner) {
                exchange.end(
                    .failure(HTTPClientError(code: .connectionRefused, delivery: .neverSent, message: "The connection was refused.")))
            }
            return
        case .lostOnTheWayThere:
            engine.after(weather.delay(engine.random), owner) { exchange.end(.failure(.lost)) }
            return
        default: break
        }
        let way = mishap == .arrivesLate ? Self.patience + .seconds(engine.random.number(below: 20)) : weather.delay(engine.random)
        // Of the world: what has left a process arrives although the process died.
        engine.after(way) { [self] in
            let answer = carryOut(request, mishap)
            witness?.arrives(call, answer: answer.status.code)
            engine.after(weather.delay(engine.random), owner) {
                exchange.end(
                    answer.delivery == .complete
                        ? .success(IncomingResponse(status: answer.status, headerFields: answer.headerFields, body: answer.body))
                        : .failure(.lost))
            }
        }
    }

    private func carryOut(_ request: OutgoingRequest, _ mishap: Weather.Mishap?) -> SandboxAnswer {
        model.setFaults(mishap?.fault.map { [$0] } ?? [])
        let target = request.url.replacing(Self.origin, with: "", maxReplacements: 1)
        let head = HTTPRequest(
            method: request.method, scheme: "https", authority: "synthesize.example", path: target, headerFields: request.headerFields)
        return model.answer(SandboxRequest(head: head, body: request.body ?? []), at: time.now)
    }

    static let origin = "https://synthesize.example"
}

extension SimulatedSynthesize.Call {
    fileprivate init(_ request: OutgoingRequest, number: Int, _ process: Int) {
        let target = request.url.dropFirst(SimulatedSynthesize.origin.count + "/api/vendor-api".count)
        self.init(
            number: number, method: request.method, path: String(target.prefix { $0 != "?" }),
            token: HTTPField.Name("GRADIENT-TOKEN").flatMap { request.headerFields[$0] } ?? "", body: request.body ?? [],
            process: process)
    }
}

extension HTTPClientError {
    fileprivate static let lost = HTTPClientError(code: .connectionLost, delivery: .unknown, message: "The connection broke.")
    fileprivate static let cancelled = HTTPClientError(code: .cancelled, delivery: .unknown, message: "Stopped.")
}
