// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because the fuzzer brings its own `main` and every module in it is instrumented. `HTTPServer` is a link to
// the sources of the product. Built and run by `fuzz.sh`.
let package = Package(
    name: "perch-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .target(
            name: "HTTPServer",
            dependencies: [
                .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "HTTPServer"),
        .executableTarget(
            name: "fuzz",
            dependencies: ["HTTPServer", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: ".",
            exclude: ["HTTPServer", "Seeds", "Dictionaries", "fuzz.sh"],
            sources: ["Fuzzer", "Properties"]),
    ],
    swiftLanguageModes: [.v6]
)
