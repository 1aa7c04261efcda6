// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because the fuzzer brings its own `main` and every module in it is instrumented. `Sources` is a link to
// those of the product. Built and run by `fuzz.sh`.
let package = Package(
    name: "perch-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CEpoll"),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CEpoll", .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "Secrets", path: "StandIns/Secrets"),
        .target(name: "HTTPClient", path: "StandIns/HTTPClient"),
        // The readers of what vendors send and of definitions, without the rest of their room and all that it stands on.
        .target(
            name: "Connectors",
            dependencies: [
                "Secrets", "HTTPClient", .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Yams", package: "Yams"),
            ],
            sources: [
                "Connector.swift", "ConnectorCredential.swift", "ConnectorError.swift", "Reading", "Files/CSVReader.swift",
                "Files/FileUsage.swift", "Files/HandedInUsage.swift", "Files/PushedUsage.swift", "Files/TextEncoding.swift",
                "Files/UsageFileFormat.swift", "Files/UsageFolder.swift", "Files/UsageIntake.swift", "Files/UsageSource.swift",
                "Definitions/ConnectorDefinition.swift", "Definitions/Loading", "Definitions/Template.swift",
                "Definitions/URLText.swift",
            ]),
        .executableTarget(
            name: "fuzz",
            dependencies: ["Connectors", "HTTPServer", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: ".",
            exclude: ["Sources", "Seeds", "StandIns", "Dictionaries", "fuzz.sh"],
            sources: ["Fuzzer", "Promises", "Properties", "ReaderProperties"]),
    ],
    swiftLanguageModes: [.v6]
)
