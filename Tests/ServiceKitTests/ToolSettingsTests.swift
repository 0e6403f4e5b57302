import ArgumentParser
import ServiceKit
import Testing

/// A program that people type: its own options have a prefix in the environment.
private struct SampleTool: OperatorTool {
  static let configuration = CommandConfiguration(commandName: "tool", subcommands: [Show.self, List.self, Group.self])
  static let environmentPrefix = "TOOL_"
  static let formerVariables: Set = ["LIMIT", "DEEP", "WHERE"]
  static func sharesWithServices(_ option: String) -> Bool { option.hasPrefix("kafka-") }

  struct Show: ParsableCommand {
    @Option(help: "The most rows.") var limit = 10
    @Option(help: "Which.") var `where`: String?
    @Option(help: "Brokers.") var kafkaBootstrapServers = "localhost"
    @Flag(help: "All of it.") var deep = false

    func run() throws {
      throw CleanExit.message("limit \(limit) where \(`where` ?? "-") kafka \(kafkaBootstrapServers) deep \(deep)")
    }
  }

  struct List: ParsableCommand {}

  struct Group: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "group", subcommands: [Show.self, List.self], defaultSubcommand: List.self)
  }
}

@Suite struct ToolSettingsTests {
  @Test func ownOptionsHaveThePrefixAndSharedOnesDoNot() async {
    let run = await Run(SampleTool.self, ["show"], environment: [
      "TOOL_LIMIT": "3", "KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "TOOL_DEEP": "yes",
    ])
    #expect(run.output == "limit 3 where - kafka broker:9092 deep true\n")
    #expect(run.error == "")
  }

  @Test func aFormerNameIsReadWithAWarning() async {
    let run = await Run(SampleTool.self, ["show"], environment: ["LIMIT": "4", "DEEP": "true"])
    #expect(run.output == "limit 4 where - kafka localhost deep true\n")
    #expect(run.error.contains("Warning: environment variable LIMIT is called TOOL_LIMIT now\n"))
    #expect(run.error.contains("TOOL_DEEP"))
  }

  @Test func theNewNameWinsOverTheFormerOne() async {
    let run = await Run(SampleTool.self, ["show"], environment: ["LIMIT": "4", "TOOL_LIMIT": "5"])
    #expect(run.output.hasPrefix("limit 5 "))
    #expect(run.error == "")
  }

  /// A shell may have a variable of that name which belongs to another program, or a person a value that is wrong.
  @Test func aFormerNameWithAnotherProgramsValueIsPassedOverWithAWarning() async {
    let run = await Run(SampleTool.self, ["show"], environment: ["LIMIT": "unlimited", "DEEP": "purple"])
    #expect(run.output == "limit 10 where - kafka localhost deep false\n")
    #expect(run.code == 0)
    #expect(run.error == """
      Warning: environment variable LIMIT is ignored: --limit cannot have its value, and is set by TOOL_LIMIT
      Warning: environment variable DEEP is ignored: --deep cannot have its value, and is set by TOOL_DEEP

      """)
  }

  @Test func aNameWithASlipIsPointedOut() async {
    let run = await Run(SampleTool.self, ["show"], environment: [
      "KAFKA_BOOTSTRAP_SERVER": "broker", "TOOL_LIMITS": "3", "KAFKA_HOME": "/opt/kafka", "TOOL_HOME": "/opt",
    ])
    #expect(run.output.hasPrefix("limit 10 "))
    #expect(run.error == """
      Warning: environment variable KAFKA_BOOTSTRAP_SERVER is not read; did you mean KAFKA_BOOTSTRAP_SERVERS?
      Warning: environment variable TOOL_LIMITS is not read; did you mean TOOL_LIMIT?

      """)
  }

  @Test(arguments: [
    (["shwo"], "Did you mean 'show'?"), (["group", "lits"], "Did you mean 'list'?"),
    (["paint"], "The commands of 'tool' are show, list, group."),
  ])
  func aWrongSubcommandHasASuggestion(_ arguments: [String], _ hint: String) async {
    let run = await Run(SampleTool.self, arguments)
    #expect(run.code == 64)
    #expect(run.error.split(separator: "\n").first?.contains(hint) == true, "\(run.error)")
  }

  /// Of the command that the page is about, not of some other; and no file where none can be named.
  @Test func helpSaysHowElseAnOptionIsGiven() async {
    let help = await Run(SampleTool.self, ["show", "--help"]).output
    #expect(help.contains("--limit 10 is\n  TOOL_LIMIT=10. TOOL_LIMIT_FILE names"))
    #expect(!help.contains("YAML"))
    #expect(!(await Run(SampleTool.self, ["list", "--help"]).output.contains("SETTINGS")))
    #expect(await Run(SampleService.self, ["--help"]).output.contains("YAML file that --config or SOUK_CONFIG names"))
  }

  @Test func aTemplateDescribesEveryOptionAndSetsNone() throws {
    let text = try SettingsTemplate.yaml(for: SampleService.self, values: ["batch": "7"])
    let lines = text.split(separator: "\n")
    #expect(lines.contains("# Rows per batch. (BATCH)"))
    #expect(lines.contains("batch: 7"))
    #expect(lines.contains("#linger: 20ms"))
    #expect(lines.contains("#kafka-property: []"))
    #expect(lines.allSatisfy { $0.hasPrefix("#") || $0 == "batch: 7" })
    #expect(!text.contains("print-config"))
  }
}
