import ArgumentParser

/// A command with all its settings, or what to tell the user instead of running it.
enum ParsedCommand {
  case command(any ParsableCommand, SettingsResolver.Resolution)
  /// Something that was asked for: help, the version.
  case answer(String)
  case refused(String, ExitStatus)
}

/// Reads a command line together with the other sources, and says which of them is wrong when one is.
struct SettingsParser {
  let root: any ParsableCommand.Type
  let host: Host

  func parse() -> ParsedCommand {
    // These must work however broken the environment is.
    asksForAnswer ? parsePlain() : parseFully()
  }

  /// - Parameter foreign: variables of former names whose values are those of another program.
  private func parseFully(without foreign: Set<String> = []) -> ParsedCommand {
    let resolution: SettingsResolver.Resolution
    do {
      let settings = EnvironmentSettings(variables: host.environment, foreign: foreign)
      resolution = try SettingsResolver(shape: try CommandShape(of: root), settings: settings).resolve(host.arguments)
    } catch {
      return .refused("Error: \(error)", .configuration)
    }
    do {
      return .command(try root.parseAsRoot(resolution.arguments), resolution)
    } catch {
      let blamed = sourcesToBlame(for: error, resolution).compactMap { value in
        if case .formerVariable(let name, _) = value.source { name } else { nil }
      }
      if !blamed.isEmpty { return parseFully(without: foreign.union(blamed)) }
      return outcome(of: error, resolution)
    }
  }

  private var asksForAnswer: Bool {
    let options = host.arguments.prefix { $0 != "--" }
    return options.first == "help"
      || options.contains { ["-h", "--help", "--version", "--help-hidden"].contains($0) }
      || options.contains { $0.hasPrefix("--generate-completion-script") || $0.hasPrefix("--experimental-dump-help") }
  }

  private func parsePlain() -> ParsedCommand {
    do {
      var command = try root.parseAsRoot(host.arguments)
      // ArgumentParser's own help command is internal; it answers by throwing when run. Any other command here
      // means that the word was the value of something.
      guard !(command is any AsyncParsableCommand), String(reflecting: type(of: command)).hasPrefix("ArgumentParser.")
      else { return parseFully() }
      try command.run()
      return .answer("")
    } catch {
      let text = root.fullMessage(for: error)
      guard root.exitCode(for: error) == .success else { return .refused(text, .usage) }
      guard text.contains("USAGE: "), !text.hasPrefix("#") else { return .answer(text) }
      return .answer(text + defaultSubcommandHelp + sourcesNote)
    }
  }

  /// The options of the command that runs when none is named, which ArgumentParser does not show for its parent.
  private var defaultSubcommandHelp: String {
    guard let command = root.configuration.defaultSubcommand, !host.arguments.contains(where: { !$0.hasPrefix("-") })
    else { return "" }
    return "\n\nWithout a subcommand, '\(command._commandName)' runs:\n\n" + root.helpMessage(for: command)
  }

  /// How else the options of the command may be given, by the example of one of them; empty for a command without any.
  private var sourcesNote: String {
    guard var command = try? CommandShape(of: root) else { return "" }
    for argument in host.arguments where !argument.hasPrefix("-") {
      if let next = command.subcommand(named: argument) { command = next }
    }
    // What the program runs when no command is named is shown above, too.
    if let name = command.defaultSubcommand, let next = command.subcommand(named: name) { command = next }
    let options = command.options.filter { !$0.isCommandLineOnly && !$0.isHidden && !$0.isFlag }
    guard let example = options.first(where: { $0.defaultValue != nil }) ?? options.first else { return "" }
    let (flag, variable) = ("--\(example.name)", example.environmentName)
    let value = example.defaultValue ?? "…"
    var note = ["", "SETTINGS:", "  Every option is also an environment variable: \(flag) \(value) is"]
    note.append("  \(variable)=\(value). \(variable)_FILE names a file that holds the value.")
    if command.option(named: "config") != nil {
      note.append("  It is a key of the YAML file that --config or SOUK_CONFIG names, too:")
      note.append("  '\(example.name): \(value)'.")
      note.append("  The command line wins over the environment, the environment over the file.")
    } else {
      note.append("  The command line wins over the environment.")
    }
    return "\n" + note.joined(separator: "\n")
  }

  /// What follows the message about an argument that was meant as a subcommand.
  private var subcommandHint: String {
    guard var command = try? CommandShape(of: root) else { return "" }
    for argument in host.arguments {
      if let next = command.subcommand(named: argument) {
        command = next
        continue
      }
      guard !argument.hasPrefix("-"), !command.subcommands.isEmpty else { return "" }
      let names = command.subcommands.map(\.name)
      let near = nearestName(to: argument, among: names).map { " Did you mean '\($0)'?" }
      return near ?? " The commands of '\(command.name)' are \(names.joined(separator: ", "))."
    }
    return ""
  }

  private func outcome(of error: any Error, _ resolution: SettingsResolver.Resolution) -> ParsedCommand {
    let code = root.exitCode(for: error)
    if code == .success { return .answer(root.fullMessage(for: error)) }
    let blamed = sourcesToBlame(for: error, resolution)
    if !blamed.isEmpty {
      var message = root.message(for: error)
      for value in blamed where SecretMask.isSecret(value.option.name) && !value.value.isEmpty {
        message = message.replacing(value.value, with: SecretMask.mask)
      }
      let sources = blamed.map { "  --\($0.option.name) is set by \($0.source)" }.joined(separator: "\n")
      let example = example(in: message, resolution)
      return .refused("Error: \(message)\n\(sources)\(example)", .configuration)
    }
    let missing = resolution.command.options.filter { option in
      option.isRequired && !resolution.values.contains { $0.option == option }
    }
    let hints = missing.map { option in
      "\n  --\(option.name) is also environment variable \(option.environmentName) (or \(option.environmentName)_FILE)"
    }
    let example = example(in: root.message(for: error), resolution)
    var text = root.fullMessage(for: error)
    // The first line is the message, the others are the usage.
    if text.hasPrefix("Error: Unexpected argument"), let end = text.firstIndex(of: "\n") {
      text.insert(contentsOf: "." + subcommandHint, at: end)
    }
    return .refused(
      text + hints.joined() + example,
      code == .validationFailure ? .usage : .configuration)
  }

  /// The default of the option whose value was refused, because it shows the form that is wanted.
  private func example(in message: String, _ resolution: SettingsResolver.Resolution) -> String {
    guard message.hasPrefix("The value '"),
      let option = resolution.levels.flatMap(\.options).first(where: { message.contains(" for '--\($0.name) ") }),
      option.allValues.isEmpty, let value = option.defaultValue
    else { return "" }
    return "\n  for example: --\(option.name) \(value)"
  }

  /// The values from the environment and the file without which ArgumentParser would not have said the same:
  /// found by trying, since its errors do not tell where in the arguments they come from.
  private func sourcesToBlame(for error: any Error, _ resolution: SettingsResolver.Resolution) -> [AssignedValue] {
    let message = root.message(for: error)
    return resolution.tokens.indices.compactMap { index in
      guard case .assigned(let value, _) = resolution.tokens[index] else { return nil }
      var tokens = resolution.tokens
      tokens.remove(at: index)
      do {
        _ = try root.parseAsRoot(tokens.map(\.text))
        return value
      } catch {
        return root.message(for: error) == message ? nil : value
      }
    }
  }
}
