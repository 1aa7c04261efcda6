import ArgumentParser
import Portal

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the effective settings, secrets hidden.")
    @OptionGroup var settings: SettingOptions
    @Flag(help: "Print the settings table as Markdown, as in the documentation.") var table = false

    func run() async throws {
        try await Console.reporting {
            let values = try SettingValues(try settings.sources())
            if table {
                Console.say(Setting.markdownTable(values.table))
                return
            }
            for setting in values.table { Console.say("\(setting.key)=\(values.shown(setting))") }
        }
    }
}
