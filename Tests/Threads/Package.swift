// swift-tools-version: 6.2
import PackageDescription

// HTTPServer and its tests alone, so that the thread sanitizer need not build everything else. Run by `make test-threads`.
let package = Package(
    name: "perch-threads",
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .systemLibrary(name: "CEpoll"),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CEpoll", .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "HTTPServerVectors", path: "HTTPServerTests/RequestVectors"),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "HTTPServerVectors", .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "HTTPServerTests", exclude: ["RequestVectors"]),
    ],
    swiftLanguageModes: [.v6]
)
