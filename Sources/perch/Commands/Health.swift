import ArgumentParser
import HTTPClient
import Portal

struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the running service whether it is alive; exits with 0 when it is. For container health checks.")

    @OptionGroup var settings: SettingOptions
    @Option(help: "The address to ask; by default /healthz on the configured port.") var url: String?

    func run() async throws {
        try await Console.reporting {
            let configuration = try settings.configuration()
            let dependencies = try Dependencies.live(configuration)
            let address = url ?? "http://127.0.0.1:\(configuration.server.port)/healthz"
            let answer: IncomingResponse
            do throws(HTTPClientError) {
                answer = try await dependencies.http.send(
                    OutgoingRequest(
                        method: .get, url: address, limits: RequestLimits(totalTimeout: .seconds(4))))
            } catch {
                throw ApplicationError(error.message)
            }
            guard answer.status == .ok else { throw ApplicationError("\(address) answered \(answer.status.code).") }
        }
    }
}
