import CoreMetrics
import HTTPServer
import HTTPTypes

let aliveAnswer = Response.text("ok")

func isAliveRequest(_ request: Request) -> Bool {
    request.path == "/healthz" && (request.head.method == .get || request.head.method == .head)
}

/// For whoever watches over the process: `/healthz` (alive), `/readyz` (able to work), `/metrics`.
func addHealthRoutes(to router: inout Router, _ environment: PortalEnvironment) {
    let readiness = Readiness(environment)
    let metrics = environment.metrics
    Gauge(label: "perch_build_info", dimensions: [("version", environment.settings.version)], factory: metrics).record(1)

    router.get("/healthz") { _ in aliveAnswer }
    router.get("/readyz") { _ in
        let report = await readiness.report()
        return .answer(report, status: report.ready ? .ok : .serviceUnavailable)
    }
    router.get("/metrics") { _ in
        var response = Response.text(metrics.render())
        response.headerFields[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }
}
