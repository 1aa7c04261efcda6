import ArgumentParser
import Portal

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the effective settings, secrets hidden.")
    @OptionGroup var settings: SettingOptions
    @Flag(help: "Print the settings table as Markdown, as in the documentation.") var table = false

    func run() async throws {
        try await Console.reporting {
            if table {
                Console.say(Setting.markdownTable)
                return
            }
            let values = try SettingValues(try settings.sources())
            for setting in Setting.table { Console.say("\(setting.key)=\(values.shown(setting))") }
        }
    }
}
