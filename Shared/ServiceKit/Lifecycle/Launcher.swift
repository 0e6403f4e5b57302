import ArgumentParser
import Core
import Glibc
import Logging

/// Starts a program: settings from all sources, then the command, then the exit code.
///
/// `ServiceCommand.main()` calls it; a program whose root is no service (a CLI with services among its
/// subcommands) calls it itself.
package enum Launcher {
  package static func main(_ root: any ParsableCommand.Type) async -> Never {
    signal(SIGPIPE, SIG_IGN)
    let code = await run(root, host: .current)
    fflush(nil)
    // Not exit(): its handlers may wait for threads of C libraries that never end.
    _exit(code)
  }

  /// - Returns: the exit code.
  package static func run(_ root: any ParsableCommand.Type, host: Host) async -> Int32 {
    if let question = ReferenceQuestion(host.arguments), let answer = try? question.answer(for: root) {
      host.standardOutput(answer)
      return 0
    }
    switch SettingsParser(root: root, host: host).parse() {
    case .answer(let text):
      host.standardOutput(text)
      return 0
    case .refused(let text, let status):
      host.standardError(Array((text + "\n").utf8))
      return status.rawValue
    case .command(let command, let resolution):
      if let service = command as? any ServiceCommand {
        return await ServiceRun(command: service, host: host, name: root._commandName, resolution: resolution)
          .run().rawValue
      }
      for warning in resolution.warnings { host.standardError(Array("Warning: \(warning)\n".utf8)) }
      return await runPlain(command, root, host)
    }
  }

  /// A command that is no service: its errors go to standard error as text.
  private static func runPlain(
    _ command: any ParsableCommand, _ root: any ParsableCommand.Type, _ host: Host
  ) async -> Int32 {
    let levelName = host.environment["LOG_LEVEL"].flatMap { $0.isEmpty ? nil : $0 } ?? Logger.Level.info.rawValue
    guard let level = Logger.Level(rawValue: levelName) else {
      let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      host.standardError(
        Array("Error: '\(levelName)' of environment variable LOG_LEVEL is not one of: \(levels)\n".utf8))
      return ExitStatus.configuration.rawValue
    }
    if host.ownsProcess {
      ProcessSystems.bootstrap(
        service: root._commandName, level: level, format: host.isTerminal ? .human : .json,
        output: LogOutput(host.standardError))
    }
    var command = command
    do {
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return 0
    } catch let error as any ClassifiedError {
      let text = (root as? any OperatorTool.Type)?.explanation(of: error) ?? "\(error)"
      host.standardError(Array("Error: \(text)\n".utf8))
      return ExitStatus(for: error).rawValue
    } catch {
      let code = root.exitCode(for: error)
      let text = root.fullMessage(for: error)
      if code == .success {
        host.standardOutput(text)
      } else if !text.isEmpty {
        host.standardError(Array((text + "\n").utf8))
      }
      return code.rawValue
    }
  }
}
