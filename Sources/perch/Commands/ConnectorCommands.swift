import ArgumentParser
import Connectors
import Foundation

/// What a person who writes a connector definition needs.
struct ConnectorCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectors", abstract: "List, check, try and begin connector definitions.",
        subcommands: [ListConnectors.self, CheckConnector.self, PreviewConnector.self, NewConnector.self])
}

struct ListConnectors: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The built-in definitions.")
    @Flag(help: "As JSON.") var json = false

    private struct Row: Encodable {
        var id: String
        var name: String
        var settings: [String]
        var services: [String]
        var discoversServices: Bool
    }

    func run() async throws {
        try await Console.reporting {
            let rows = try BuiltinDefinitions.ids.compactMap { try BuiltinDefinitions.definition($0) }.map {
                Row(
                    id: $0.id, name: $0.name, settings: $0.partnerSettings.map(\.name), services: $0.services.map(\.name),
                    discoversServices: $0.discoversServices)
            }
            if json { return Console.say(try JSONText.of(rows)) }
            for line in TextTable.lines(
                [["ID", "PRODUCT", "ASKS FOR"]] + rows.map { [$0.id, $0.name, $0.settings.joined(separator: ", ")] })
            {
                Console.say(line)
            }
        }
    }
}

struct CheckConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what is wrong with a definition, line by line.")
    @Argument(help: "Files, or ids of built-in definitions.") var files: [String]

    func run() async throws {
        try await Console.reporting {
            var isSound = true
            for file in files {
                do {
                    switch try ConnectorSource(named: file) {
                    case .definition(let definition):
                        let discovered = definition.discoversServices ? " and those that the data names" : ""
                        Console.say("\(file): sound. \(definition.name), \(definition.services.count) services\(discovered).")
                    case .usage(let source):
                        Console.say("\(file): sound. \(source.name), \(source.services.count) services, usage is handed in.")
                    }
                } catch let error as DefinitionError {
                    isSound = false
                    for problem in error.problems { Console.warn("\(error.file):\(problem.line): \(problem.message)") }
                }
            }
            if !isSound { throw ExitStatus.settings.code }
        }
    }
}

struct NewConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Ask a few questions and write a commented definition.")
    @Argument(help: "The file to write; it must not be there yet.") var file: String
    @Option(help: "definition: a vendor that is asked. usage: usage that is handed in, as files or pushed.")
    var kind = DefinitionDraft.Kind.definition

    func run() async throws {
        try await Console.reporting {
            guard !FileManager.default.fileExists(atPath: file) else {
                Console.warn("perch: \(file) is there already and was left as it is. Name another file.")
                throw ExitStatus.failed.code
            }
            var draft = DefinitionDraft(kind)
            while let question = draft.next {
                ask(question)
                guard let line = readLine() else {
                    Console.warn("perch: the answers ended before the questions. Nothing was written.")
                    throw ExitStatus.failed.code
                }
                if let problem = draft.answer(question, line) { Console.say(problem) }
            }
            try Data(draft.text.utf8).write(to: URL(fileURLWithPath: file), options: .withoutOverwriting)
            do {
                _ = try ConnectorSource(parsing: Array(draft.text.utf8), file: file)
                let next = kind == .usage ? "--file USAGE" : "--set KEY=VALUE"
                Console.say("\(file) is written. Next: perch connectors preview \(file) \(next)")
            } catch let error as DefinitionError {
                Console.say("\(file) is written, and needs mending:")
                for problem in error.problems { Console.warn("\(file):\(problem.line): \(problem.message)") }
                throw ExitStatus.settings.code
            }
        }
    }

    private func ask(_ question: DefinitionDraft.Question) {
        let choices = question.choices.isEmpty || question.choices.count > 10 ? "" : " (\(question.choices.joined(separator: ", ")))"
        let usual = question.usual.map { " [\($0)]" } ?? ""
        FileHandle.standardOutput.write(Data("\(question.text)\(choices)\(usual): ".utf8))
    }
}

extension DefinitionDraft.Kind: ExpressibleByArgument {}
