import Core
import Synchronization

extension ChildProcess {
  /// What a command that ran to its end printed.
  package struct Outcome: Sendable {
    package var status: ExitStatus
    package var output: String
    package var errorOutput: String
  }

  /// Runs a command to its end and collects what it prints; kills it after `limit`.
  package static func run(_ launch: Launch, atMost limit: Duration = .seconds(60)) async throws -> Outcome {
    let output = Lines(), errors = Lines()
    var launch = launch
    launch.output = .lines { output.append($0) }
    launch.errorLines = { errors.append($0) }
    let child = try await start(launch)
    if await child.wait(atMost: limit) == nil { child.kill(9, wholeGroup: true) }
    let status = await child.wait()
    return Outcome(status: status, output: output.text, errorOutput: errors.text)
  }

  /// - Throws: `Failure` of class fatal with the end of what the command printed when it does not exit with 0.
  @discardableResult
  package static func runOrThrow(_ launch: Launch, atMost limit: Duration = .seconds(60)) async throws -> String {
    let outcome = try await run(launch, atMost: limit)
    guard outcome.status.isSuccess else {
      let tail = (outcome.errorOutput.isEmpty ? outcome.output : outcome.errorOutput).suffix(2_000)
      throw Failure(.fatal, code: "command_failed", "\(launch.name) ended with \(outcome.status): \(tail)")
    }
    return outcome.output
  }

  private final class Lines: Sendable {
    private let storage = Mutex("")
    func append(_ line: String) { storage.withLock { $0 += line + "\n" } }
    var text: String { storage.withLock { $0 } }
  }
}
