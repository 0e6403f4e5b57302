import ArgumentParser
import Core

/// Puts together the arguments that ArgumentParser parses: those given, preceded by what the settings file and
/// the environment say.
///
/// Precedence: command line, then environment, then file, then default. Of an option that takes one value only
/// the winning source is passed on; one that repeats gets the values of all sources, lowest first.
struct SettingsResolver {
  let shape: CommandShape
  var settings: EnvironmentSettings

  /// The arguments for one run, and where each came from.
  struct Resolution: Sendable {
    enum Token: Hashable, Sendable {
      case given(String)
      case assigned(AssignedValue, argument: String)

      var text: String {
        switch self {
        case .given(let text), .assigned(_, let text): text
        }
      }
    }
    /// The command that runs, its options and those of the commands above it, from the root down.
    var levels: [CommandShape]
    var tokens: [Token]
    /// Every value that is in force, defaults excepted.
    var values: [AssignedValue]
    /// What the user should know although it stops nothing.
    var warnings: [String] = []

    var arguments: [String] { tokens.map(\.text) }
    var command: CommandShape { levels[levels.count - 1] }
  }

  func resolve(_ given: [String]) throws(Failure) -> Resolution {
    let lines = CommandLineScan(shape: shape, arguments: given)
    try refuseSharedNames(lines)
    let file = try configFile(lines)
    var settings = settings
    let names = Set(shape.allOptions.map(\.name))
    var tokens: [Resolution.Token] = []
    var values: [AssignedValue] = []
    var consumed = 0
    for level in lines.levels {
      tokens += given[consumed..<level.insertion].map { .given($0) }
      consumed = level.insertion
      for option in level.shape.options {
        let fromLine = level.values.filter { $0.option == option }
        let fromEnvironment = try fromLine.isEmpty || option.isRepeating
          ? settings.values(of: option, beside: names) : []
        let fromFile = try (fromLine.isEmpty && fromEnvironment.isEmpty) || option.isRepeating
          ? file.values(of: option) : []
        for value in fromFile + fromEnvironment {
          if let argument = value.argument { tokens.append(.assigned(value, argument: argument)) }
        }
        values += fromFile + fromEnvironment + fromLine
      }
    }
    tokens += given[consumed...].map { .given($0) }
    return Resolution(
      levels: lines.levels.map(\.shape), tokens: tokens, values: values,
      warnings: Self.formerNames(values) + settings.ignored + slips(lines.levels.map(\.shape)))
  }

  private static func formerNames(_ values: [AssignedValue]) -> [String] {
    values.compactMap { value in
      guard case .formerVariable(let name, let now) = value.source else { return nil }
      return "environment variable \(name) is called \(now) now"
    }
  }

  /// Variables that no option has, and whose name is a slip of the pen away from one that the command has: the same up
  /// to the first `_`, one or two edits apart.
  private func slips(_ levels: [CommandShape]) -> [String] {
    let known = Set(shape.allOptions.flatMap { option in
      [option.environmentName, option.environmentName + "_FILE"] + (option.formerVariable.map { [$0] } ?? [])
    } + ["SOUK_CONFIG", "LOG_LEVEL"])
    let wanted = levels.flatMap(\.options).filter { !$0.isCommandLineOnly }.map(\.environmentName)
    return settings.variables.keys.sorted().compactMap { name in
      guard !known.contains(name), let end = name.firstIndex(of: "_") else { return nil }
      let limit = name.count < 12 ? 1 : 2
      let near = wanted.first { $0.hasPrefix(name[...end]) && editDistance(name, $0) <= limit }
      return near.map { "environment variable \(name) is not read; did you mean \($0)?" }
    }
  }

  /// ArgumentParser gives an option to the outermost command that declares it, so the inner one would never see it.
  private func refuseSharedNames(_ lines: CommandLineScan) throws(Failure) {
    var seen: Set<String> = ["help", "version"]
    for option in lines.levels.flatMap(\.shape.options) where option.name != "help" && option.name != "version" {
      guard seen.insert(option.name).inserted else {
        throw Failure(
          .fatal, code: "option_declared_twice",
          "--\(option.name) is declared by a command and by its subcommand; declare it in the subcommands only")
      }
    }
  }

  private func configFile(_ lines: CommandLineScan) throws(Failure) -> ConfigFile {
    guard lines.levels.contains(where: { $0.shape.option(named: "config") != nil }) else { return ConfigFile() }
    if let given = lines.levels.flatMap(\.values).last(where: { $0.option.name == "config" }) {
      return try ConfigFile(path: given.value, shape: shape)
    }
    guard let path = settings.variables["SOUK_CONFIG"], !path.isEmpty else { return ConfigFile() }
    do {
      return try ConfigFile(path: path, shape: shape)
    } catch {
      throw .setting(error.code, "\(error.message) (named by environment variable SOUK_CONFIG)")
    }
  }
}

/// What a command line says, as far as it must be known before ArgumentParser reads it: which subcommand is
/// meant, and which options are given for it.
struct CommandLineScan {
  struct Level {
    var shape: CommandShape
    /// The index before which arguments for this command may be inserted.
    var insertion: Int
    var values: [AssignedValue] = []
  }
  private(set) var levels: [Level]

  init(shape: CommandShape, arguments: [String]) {
    levels = [Level(shape: shape, insertion: 0)]
    var depth = 0
    enterDefaults()
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if argument == "--" { break }
      if argument.hasPrefix("--") {
        let body = argument.dropFirst(2)
        let name = String(body.prefix { $0 != "=" })
        guard let level = levels.indices[depth...].first(where: { levels[$0].shape.option(named: name) != nil }),
          let option = levels[level].shape.option(named: name)
        else { continue }
        var value = "\(name == option.name)"
        if !option.isFlag {
          if body.count > name.count {
            value = String(body.dropFirst(name.count + 1))
          } else if index < arguments.count {
            value = arguments[index]
            index += 1
          } else {
            continue
          }
        }
        levels[level].values.append(AssignedValue(option: option, value: value, source: .commandLine))
      } else if !argument.hasPrefix("-"), let next = levels[depth].shape.subcommand(named: argument) {
        levels.removeSubrange((depth + 1)...)
        levels.append(Level(shape: next, insertion: index))
        depth += 1
        enterDefaults()
      }
    }
  }

  /// A command with a default subcommand is followed by it until another is named.
  private mutating func enterDefaults() {
    while let last = levels.last, let name = last.shape.defaultSubcommand,
      let next = last.shape.subcommand(named: name)
    {
      levels.append(Level(shape: next, insertion: last.insertion))
    }
  }
}
