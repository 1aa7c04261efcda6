import CoreMetrics
import Foundation
import HTTPServer
import HTTPTypes
import Secrets
import Testing

@testable import Portal
@testable import Store

@Suite("Health")
struct HealthTests {
    private func health(_ environment: PortalEnvironment) -> Router {
        var router = Router()
        addHealthRoutes(to: &router, environment)
        return router
    }

    @Test("A running process is alive and ready")
    func ready() async throws {
        try await withAdminOffice { office in
            let router = health(office.environment)
            let alive = try await Answer(try await router.respond(to: Request(.get, "/healthz")))
            #expect(alive.status == 200 && alive.text == "ok")
            let ready = try await Answer(try await router.respond(to: Request(.get, "/readyz")))
            #expect(ready.status == 200)
            #expect(ready.text == #"{"parts":{"key":"ok","store":"ok"},"ready":true}"#)
        }
    }

    @Test("A closed database makes the process not ready, and alive still")
    func closedStore() async throws {
        try await withAdminOffice { office in
            let router = health(office.environment)
            try await office.store.close()
            let answer = try await Answer(try await router.respond(to: Request(.get, "/readyz")))
            #expect(answer.status == 503)
            #expect(try answer.json.parts.store.string == "unavailable")
            #expect(try answer.json.ready.bool == false)
            #expect(try await Answer(try await router.respond(to: Request(.get, "/healthz"))).status == 200)
        }
    }

    @Test("A key ring of another database makes the process not ready")
    func otherKey() async throws {
        try await withAdminOffice { office in
            var environment = office.environment
            environment.keyRing = try KeyRing.create(
                master: .generate(random: .seeded(2)), random: .seeded(2), at: office.clock.now
            ).0
            let answer = try await Answer(try await health(environment).respond(to: Request(.get, "/readyz")))
            #expect(answer.status == 503)
            #expect(try answer.json.parts.key.string == "dataKeyUnknown")
            #expect(try answer.json.parts.store.string == "ok")
        }
    }

    @Test("A database that hangs is reported when the bound is reached, however often one looks")
    func hangingStore() async throws {
        try await withAdminOffice { office in
            var environment = office.environment
            environment.time = office.clock.impatientSource
            let router = health(environment)
            let gate = DispatchSemaphore(value: 0)
            let (isBlocked, signal) = AsyncStream.makeStream(of: Void.self)
            async let blocker: Void = office.store.write { _ in
                signal.finish()
                gate.wait()
            }
            for await _ in isBlocked {}
            for _ in 0..<3 {
                let answer = try await Answer(try await router.respond(to: Request(.get, "/readyz")))
                #expect(answer.status == 503)
                #expect(try answer.json.parts.store.string == "no answer within 2 s")
            }
            gate.signal()
            try await blocker
        }
    }

    @Test("Metrics tell the version and count requests by route pattern")
    func metrics() async throws {
        try await withAdminOffice { office in
            var router = health(office.environment)
            addAdminRoutes(to: &router, office.environment)
            let routes = router
            let handler = chain(
                [RequestMetrics(office.environment.metrics, routes: routes, time: office.environment.time)]
            ) { request in
                if request.path == "/page.css" { return .text("") }
                return try await routes.respond(to: request)
            }
            for path in ["/healthz", "/api/v1/partners/par_1", "/api/v1/partners/par_2", "/page.css"] {
                _ = try await handler(Request(.get, path))
            }
            await #expect(throws: HTTPError.self) { _ = try await handler(Request(.get, "/wp-login.php")) }
            await #expect(throws: HTTPError.self) { _ = try await handler(Request(.post, "/healthz")) }
            await #expect(throws: HTTPError.self) { _ = try await handler(Request(.trace, "/healthz")) }
            let text = try await Answer(try await handler(Request(.get, "/metrics"))).text
            for line in [
                "# TYPE perch_build_info gauge", #"perch_build_info{version="test"} 1"#,
                "# TYPE perch_http_requests_total counter",
                #"perch_http_requests_total{method="GET",route="/healthz",status="200"} 1"#,
                #"perch_http_requests_total{method="GET",route="/api/v1/partners/{partnerId}",status="401"} 2"#,
                #"perch_http_requests_total{method="GET",route="static",status="200"} 1"#,
                #"perch_http_requests_total{method="GET",route="other",status="404"} 1"#,
                #"perch_http_requests_total{method="POST",route="other",status="405"} 1"#,
                #"perch_http_requests_total{method="other",route="other",status="405"} 1"#,
                "# TYPE perch_http_request_duration_seconds histogram",
                #"perch_http_request_duration_seconds_bucket{method="GET",route="/healthz",le="0.005"} 1"#,
                #"perch_http_request_duration_seconds_bucket{method="GET",route="/healthz",le="+Inf"} 1"#,
                #"perch_http_request_duration_seconds_count{method="GET",route="/healthz"} 1"#,
            ] { #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)") }
            #expect(!text.contains("par_1") && !text.contains("wp-login"))
        }
    }
}

@Suite("Prometheus registry")
struct HealthRegistryTests {
    @Test("Each kind of metric is written as Prometheus reads it")
    func kinds() {
        let registry = PrometheusRegistry()
        Counter(label: "runs.started", factory: registry).increment(by: 3)
        FloatingPointCounter(label: "units_total", factory: registry).increment(by: 0.5)
        Gauge(label: "queue depth", factory: registry).record(2.5)
        Meter(label: "9lives", factory: registry).set(9)
        Recorder(label: "sizes", factory: registry).record(10)
        Recorder(label: "sizes", factory: registry).record(20)
        CoreMetrics.Timer(label: "call", factory: registry).recordMilliseconds(30)
        CoreMetrics.Timer(label: "call", factory: registry).recordSeconds(20)
        #expect(
            registry.render() == """
                # TYPE _9lives gauge
                _9lives 9
                # TYPE call_seconds histogram
                call_seconds_bucket{le="0.005"} 0
                call_seconds_bucket{le="0.01"} 0
                call_seconds_bucket{le="0.025"} 0
                call_seconds_bucket{le="0.05"} 1
                call_seconds_bucket{le="0.1"} 1
                call_seconds_bucket{le="0.25"} 1
                call_seconds_bucket{le="0.5"} 1
                call_seconds_bucket{le="1"} 1
                call_seconds_bucket{le="2.5"} 1
                call_seconds_bucket{le="5"} 1
                call_seconds_bucket{le="10"} 1
                call_seconds_bucket{le="+Inf"} 2
                call_seconds_sum 20.03
                call_seconds_count 2
                # TYPE queue_depth gauge
                queue_depth 2.5
                # TYPE runs_started_total counter
                runs_started_total 3
                # TYPE sizes summary
                sizes_sum 30
                sizes_count 2
                # TYPE units_total counter
                units_total 0.5

                """)
    }

    @Test("The same label and dimensions are one series, whatever their order")
    func series() {
        let registry = PrometheusRegistry()
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        Counter(label: "c", dimensions: [("a", "x\"y\\z\nw")], factory: registry).increment()
        #expect(
            registry.render() == #"""
                # TYPE c_total counter
                c_total{a="1",b="2"} 2
                c_total{a="x\"y\\z\nw"} 1

                """#)
    }

    @Test("A name means one kind; the second kind is kept out of sight")
    func oneKind() {
        let registry = PrometheusRegistry()
        Gauge(label: "x", factory: registry).record(1)
        Recorder(label: "x", dimensions: [("d", "1")], factory: registry).record(5)
        #expect(registry.render() == "# TYPE x gauge\nx 1\n")
    }

    @Test("Destroyed series vanish, reset counters begin anew")
    func endings() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "c", factory: registry)
        counter.increment(by: 5)
        counter.reset()
        #expect(registry.render() == "# TYPE c_total counter\nc_total 0\n")
        counter.destroy()
        #expect(registry.render().isEmpty)
    }

    @Test("No increment is lost between many tasks")
    func concurrency() async {
        let registry = PrometheusRegistry()
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        Counter(label: "c", factory: registry).increment()
                        Counter(label: "c", dimensions: [("t", "\(task)")], factory: registry).increment()
                    }
                }
            }
        }
        let text = registry.render()
        #expect(text.contains("c_total 4000\n"))
        for task in 0..<8 { #expect(text.contains("c_total{t=\"\(task)\"} 500\n")) }
    }

    @Test("Numbers that are none, and the end of counting, are written and survived")
    func extremes() {
        let registry = PrometheusRegistry()
        Gauge(label: "nan", factory: registry).record(Double.nan)
        Gauge(label: "inf", factory: registry).record(-Double.infinity)
        Recorder(label: "sum", factory: registry).record(Double.nan)
        let counter = Counter(label: "end", factory: registry)
        counter.increment(by: Int64.max)
        counter.increment(by: 5)
        let text = registry.render()
        #expect(text.contains("nan NaN\n") && text.contains("inf -Inf\n") && text.contains("sum_count 0\n"))
        #expect(text.contains("end_total 9.22"))
    }
}
