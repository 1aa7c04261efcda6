// swift-tools-version: 6.2
import PackageDescription

// One target a room; arrows point down only (`make lint` checks manifest and imports).
// The order here is the order of the rooms, from the ground up.

let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "perch",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "perch", targets: ["perch"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .target(name: "CLibcurl", linkerSettings: [.linkedLibrary("curl")]),
        .systemLibrary(name: "CEpoll"),
        .target(name: "HTTPClient", dependencies: ["CLibcurl", httpTypes, logging]),
        .target(name: "HTTPServer", dependencies: ["CEpoll", httpTypes, logging]),
        .target(name: "Secrets", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "Store",
            dependencies: ["Secrets", .product(name: "GRDB", package: "GRDB.swift"), logging]
        ),
        .target(
            name: "Connectors",
            dependencies: ["HTTPClient", "Secrets", httpTypes, logging, .product(name: "Yams", package: "Yams")],
            resources: [.embedInCode("Definitions/Builtin")]
        ),
        .target(name: "Synthesize", dependencies: ["HTTPClient", "Secrets", httpTypes, logging]),
        .target(
            name: "Integration",
            dependencies: ["Synthesize", "Connectors", "Store", "Secrets", "HTTPClient", logging, metrics]
        ),
        .target(
            name: "Sandbox",
            dependencies: ["HTTPServer", httpTypes, logging]
        ),
        .target(
            name: "Portal",
            dependencies: [
                "HTTPServer", "Integration", "Synthesize", "Connectors", "Store", "Secrets", "HTTPClient",
                httpTypes, logging, metrics, mustache, lifecycle,
                .product(name: "JWTKit", package: "jwt-kit"),
            ],
            resources: [.embedInCode("Templates")]
        ),
        .executableTarget(
            name: "perch",
            dependencies: [
                "Portal", "Sandbox",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                "Connectors", "HTTPClient", "Integration", "Secrets", "Store", lifecycle, logging, metrics,
            ]
        ),
        .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient", "ChildProcess", httpTypes, logging]),
        // Programs that tests run beside themselves.
        .target(name: "ChildProcess", path: "Tests/Support/ChildProcess"),
        // The conformance table, shared by the tests and the probe of the differential test.
        .target(name: "HTTPServerVectors", path: "Tests/HTTPServerTests/RequestVectors"),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["HTTPServer", "HTTPServerVectors", httpTypes, logging],
            exclude: ["RequestVectors"]
        ),
        .executableTarget(
            name: "RequestProbe", dependencies: ["HTTPServer", "HTTPServerVectors", httpTypes],
            path: "Tests/Differential/Probe"
        ),
        .testTarget(
            name: "SecretsTests", dependencies: ["Secrets", .product(name: "Crypto", package: "swift-crypto")]),
        // The Store in memory, for tests of what stands on it.
        .target(name: "MemoryStore", dependencies: ["Store", "Secrets"], path: "Tests/Support/MemoryStore"),
        .testTarget(name: "StoreTests", dependencies: ["Store", "MemoryStore", "Secrets", "ChildProcess", logging]),
        .testTarget(
            name: "ConnectorsTests", dependencies: ["Connectors", "HTTPClient", "Secrets", httpTypes], exclude: ["Fixtures"]),
        .testTarget(name: "SynthesizeTests", dependencies: ["Synthesize", "HTTPClient", "Secrets", httpTypes]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Integration", "Synthesize", "Connectors", "Store", "HTTPClient", "Secrets", httpTypes, logging,
            ]
        ),
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Integration", "Sandbox", "MemoryStore", "Synthesize", "Connectors", "Store", "HTTPClient", "Secrets", httpTypes, logging,
            ],
            path: "Tests/Simulation", exclude: ["guards.py"]
        ),
        .testTarget(name: "SandboxTests", dependencies: ["Sandbox", "HTTPServer", httpTypes, logging]),
        .testTarget(
            name: "PortalTests",
            dependencies: [
                "Portal", "HTTPServer", "Integration", "Synthesize", "Connectors", "Store", "HTTPClient", "Secrets",
                httpTypes, logging, metrics,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        .testTarget(
            name: "ScenarioTests",
            dependencies: [
                "Portal", "Sandbox", "HTTPServer", "Integration", "Synthesize", "Connectors", "Store", "HTTPClient",
                "Secrets", httpTypes, logging,
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
