import ArgumentParser
import Core
import Foundation

/// The options of a command and its subcommands, read back from the ArgumentParser declaration itself, so that
/// nothing is declared twice.
package struct CommandShape: Sendable {
  package var name: String
  package var aliases: [String]
  package var abstract: String
  package var options: [OptionShape]
  package var subcommands: [CommandShape]
  /// What runs when no subcommand is named.
  package var defaultSubcommand: String?

  package init(of command: any ParsableCommand.Type) throws {
    let dump = try JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8))
    self.init(dump.command)
    nameDefaults(as: command)
    if let tool = command as? any OperatorTool.Type { nameVariables(as: tool) }
  }

  private mutating func nameVariables(as tool: any OperatorTool.Type) {
    for index in options.indices where !tool.sharesWithServices(options[index].name) {
      let former = options[index].environmentName
      options[index].environmentPrefix = tool.environmentPrefix
      options[index].formerVariable = tool.formerVariables.contains(former) ? former : nil
    }
    for index in subcommands.indices { subcommands[index].nameVariables(as: tool) }
  }

  /// The dump leaves out default subcommands whose names are derived from their types.
  private mutating func nameDefaults(as type: any ParsableCommand.Type) {
    defaultSubcommand = type.configuration.defaultSubcommand?._commandName
    for subtype in type.configuration.subcommands {
      guard let index = subcommands.firstIndex(where: { $0.name == subtype._commandName }) else { continue }
      subcommands[index].nameDefaults(as: subtype)
    }
  }

  /// Every option of this command and of those below it.
  var allOptions: [OptionShape] { options + subcommands.flatMap(\.allOptions) }

  func subcommand(named name: String) -> CommandShape? {
    subcommands.first { $0.name == name || $0.aliases.contains(name) }
  }

  func option(named name: String) -> OptionShape? {
    options.first { $0.name == name || ($0.hasInverse && "no-\($0.name)" == name) }
  }

  private init(_ dump: Dump.Command) {
    name = dump.commandName
    aliases = dump.aliases ?? []
    abstract = dump.abstract ?? ""
    subcommands = (dump.subcommands ?? []).filter { $0.commandName != "help" }.map(CommandShape.init)
    let flags = Set((dump.arguments ?? []).filter { $0.kind == "flag" }.compactMap(\.longName))
    options = (dump.arguments ?? []).compactMap { argument in
      guard argument.kind != "positional", let name = argument.longName else { return nil }
      // The other half of an invertible flag is not an option of its own.
      if name.hasPrefix("no-"), flags.contains(String(name.dropFirst(3))) { return nil }
      return OptionShape(argument, name: name, hasInverse: flags.contains("no-\(name)"))
    }
  }

  /// What ArgumentParser tells about a command; only the fields that are used.
  struct Dump: Decodable {
    var command: Command

    struct Command: Decodable {
      var commandName: String
      var aliases: [String]?
      var abstract: String?
      var subcommands: [Command]?
      var arguments: [Argument]?
    }

    struct Argument: Decodable {
      struct Name: Decodable {
        var kind: String
        var name: String
      }
      var kind: String
      var shouldDisplay: Bool
      var sectionTitle: String?
      var isOptional: Bool
      var isRepeating: Bool
      var names: [Name]?
      var valueName: String?
      var defaultValue: String?
      var allValueStrings: [String]?
      var abstract: String?
      var completionKind: Completion?

      struct Completion: Decodable {
        struct Files: Decodable {
          var extensions: [String]?
        }
        var file: Files?
      }

      var longName: String? { names?.first { $0.kind == "long" }?.name }

      enum CodingKeys: String, CodingKey {
        case kind, shouldDisplay, sectionTitle, isOptional, isRepeating, names, valueName, defaultValue, abstract
        case completionKind
        case allValueStrings = "allValues"
      }
    }
  }
}

/// A program that people type. Many programs have a variable `FROM`, `LIMIT` or `SYSTEM`, so those of its own options
/// begin with a prefix; options that services have too are called as theirs.
package protocol OperatorTool: ParsableCommand {
  /// Such as `SOUK_`.
  static var environmentPrefix: String { get }
  /// Variables without the prefix that are still read, with a warning.
  static var formerVariables: Set<String> { get }
  /// - Parameter option: a name in kebab-case.
  static func sharesWithServices(_ option: String) -> Bool
  /// What went wrong and what to do, where an error of a library does not say it; nil: the error's own text.
  static func explanation(of error: any ClassifiedError) -> String?
}

extension OperatorTool {
  package static func explanation(of error: any ClassifiedError) -> String? { nil }
}

/// One option: a flag of the command line, a variable of the environment and a key of the settings file.
package struct OptionShape: Hashable, Sendable {
  /// In kebab-case, without dashes in front: also the key in the settings file.
  package var name: String
  package var isFlag: Bool
  /// A flag that can also be switched off by `--no-<name>`.
  package var hasInverse: Bool
  package var isRepeating: Bool
  package var isRequired: Bool
  package var isHidden: Bool
  package var section: String
  package var valueName: String
  package var defaultValue: String?
  package var allValues: [String]
  package var help: String
  /// It may be given as a reference (``ArgumentParser/CompletionKind/secret``).
  package var takesReference: Bool

  init(_ dump: CommandShape.Dump.Argument, name: String, hasInverse: Bool) {
    self.name = name
    self.hasInverse = hasInverse
    isFlag = dump.kind == "flag"
    isRepeating = dump.isRepeating && !isFlag
    isRequired = !dump.isOptional && !isFlag
    isHidden = !dump.shouldDisplay
    section = dump.sectionTitle ?? ""
    valueName = dump.valueName ?? name
    defaultValue = isFlag ? (dump.defaultValue == "--\(name)" ? "true" : "false") : dump.defaultValue
    allValues = dump.allValueStrings ?? []
    help = dump.abstract ?? ""
    takesReference = dump.completionKind?.file?.extensions == ["secret"]
  }

  /// Of an option of an ``OperatorTool``.
  var environmentPrefix = ""
  /// What the variable was called before it had the prefix.
  var formerVariable: String?

  /// `--http-port` is `HTTP_PORT`.
  package var environmentName: String {
    if name == "config" { return "SOUK_CONFIG" }
    return environmentPrefix + String(name.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }

  /// Options that ask the program to do something else instead of running; and the settings file, which cannot
  /// name another.
  package var isCommandLineOnly: Bool {
    ["help", "version", "check", "print-config", "config"].contains(name)
  }
}
