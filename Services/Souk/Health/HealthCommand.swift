import ArgumentParser
import Core
import LocalServers
import Operations

/// `souk health`
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Ask a process on this machine how it is: the health check of containers, which have no curl.",
    discussion: """
      Exits with 0 when it answers 200, with 1 and its reasons when it says anything else or nothing.

      Examples:
        souk health
        souk health /readyz --http-port 8081
        souk health /readyz -o json
      """)

  @Option(help: "Port of /livez, /readyz and /metrics, as the process itself is told.")
  var httpPort: UInt16 = 8080

  @Argument(help: ArgumentHelp("What to request: /livez, /readyz, or any other path.", valueName: "path"))
  var question = "/livez"
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard question.hasPrefix("/"), question.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      throw ValidationError("'\(question)' is not a path such as /readyz")
    }
  }

  func run() async throws {
    let answer = await LoopbackHTTP.shared.get(port: httpPort, path: question, timeout: .seconds(4))
    guard let answer else {
      throw Failure(
        .transient, code: "no_answer",
        "no answer from http://127.0.0.1:\(httpPort)\(question). Is the service running on this port?")
    }
    if output.output != .table {
      let body = DataValue(parsing: Array(answer.body.utf8)) ?? .text(answer.body)
      print(output.text(.object([.init("status", .integer(Int64(answer.status))), .init("body", body)]), []))
    }
    guard answer.status == 200 else {
      throw Failure(.transient, code: "not_healthy", "GET \(question): \(answer.status) \(answer.body.prefix(1_000))")
    }
  }
}
