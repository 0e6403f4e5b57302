import ArgumentParser
import Core
import Foundation
import GatewayAPI
import Operations
import ServiceKit

/// `souk batch`: jobs of the batch layer, by a gateway.
struct BatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Have the batch layer compute something, and watch it, by a gateway.",
    discussion: """
      Examples:
        souk batch run features --symbols SPY,QQQ --follow
        souk batch list
      """,
      subcommands: [Run.self, List.self, Show.self, Cancel.self])

  /// `souk batch run`
  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Submit a job; with --follow stay until it has ended.",
      discussion: """
        An id that there is already is the same job once more. With --follow exits with 2 when the job has failed or \
        was cancelled.

        Examples:
          souk batch run features --symbols SPY,QQQ --follow --token-file ~/.souk/token
          souk batch run compact --from 2026-03-02T00:00:00Z --job nightly
        """)

    @Argument(help: "compact, features, feature_rows, options_flow, sentiment_trends, train or compare.")
    var kind: String
    @Option(help: ArgumentHelp("Separated by commas; default: all that there are.", valueName: "list"))
    var symbols: String?
    @Option(help: ArgumentHelp("From here on, RFC 3339; default: the first record.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Up to here; default: the last complete instant.", valueName: "time"))
    var until: String?
    @Option(name: .customLong("job"), help: ArgumentHelp("The job's id; default: one of its own.", valueName: "id"))
    var id: String?
    @Option(
      name: .customLong("parameter"), parsing: .singleValue,
      help: ArgumentHelp("What only some kinds take (repeatable): feed=polygon-stocks.", valueName: "name=value"))
    var parameters: [String] = []
    @Flag(help: "Stay until the job has ended, and say how far it is.") var follow = false
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Gateway") var gateway: GatewayOptions

    func run() async throws {
      let client = try gateway.client()
      defer { client.close() }
      var values: [String: String] = [:]
      for parameter in parameters {
        let pair = parameter.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2 else { throw ValidationError("--parameter: '\(parameter)' is not name=value") }
        values[pair[0]] = pair[1]
      }
      let accepted = try await client.submitJob(GatewayClient.Submission(
        kind: kind, jobId: id, symbols: symbols?.split(separator: ",").map(String.init), from: from, until: until,
        parameters: values.isEmpty ? nil : values))
      let degraded = accepted.truth.degraded
      print(output.text(
        .object([
          .init("job", .text(accepted.jobId)), .init("run", .text(accepted.run)),
          .init("degraded", .list(degraded.map { .text($0) })),
        ]),
        ["submitted \(accepted.jobId)"]
          + (degraded.isEmpty ? [] : ["without \(degraded.joined(separator: ", ")): it may wait"])))
      guard follow else { return }
      let end = try await follow(accepted.jobId, of: accepted.run, client)
      guard end.state == "done" else { throw ExitCode(2) }
    }

    /// Asks every second, and says what has changed. A gateway that is away for a while is asked again.
    private func follow(
      _ id: String, of run: String, _ client: GatewayClient
    ) async throws -> GatewayClient.Job {
      var said = ""
      while true {
        do {
          let job = try await client.job(id).job
          let line = BatchCommand.text(job, output)
          if line != said { print(line) }
          said = line
          if job.isEnd, job.run == run { return job }
        } catch where ErrorClass(of: error) == .transient {
          let line = "waiting    \(error)"
          if line != said, output.output == .table { print(line) }
          said = line
        }
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// `souk batch list`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Jobs and how far they are, the newest first.",
      discussion: """
        Examples:
          souk batch list --gateway https://market.example.com
        """)
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Gateway") var gateway: GatewayOptions

    func run() async throws {
      let client = try gateway.client()
      defer { client.close() }
      var report = Report("jobs", [
        .text("job", "JOB", least: 12), .text("kind", "KIND"), .text("state", "STATE"),
        .number("parts_done", "PARTS"), .number("parts_total", "OF"), .number("rows", "ROWS"),
        .text("submitted_at", "SUBMITTED", rank: 1), .text("message", "NOTE", least: 10, rank: 2),
      ])
      for job in try await client.jobs().jobs {
        report.append([
          .text(job.jobId), .text(job.kind), .text(job.state), .count(job.partsDone), .count(job.partsTotal),
          .count(job.rows), .text(job.submittedAt), .text(job.message ?? ""),
        ])
      }
      report.nothing = "no jobs"
      output.print(report)
    }
  }

  /// `souk batch show`
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "How far a job is.",
      discussion: """
        Examples:
          souk batch show nightly
        """)
    @Argument(help: "The job's id.") var job: String
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Gateway") var gateway: GatewayOptions

    func run() async throws {
      let client = try gateway.client()
      defer { client.close() }
      print(BatchCommand.text(try await client.job(job).job, output))
    }
  }

  /// `souk batch cancel`
  struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End a job.",
      discussion: """
        Examples:
          souk batch cancel nightly
        """)
    @Argument(help: "The job's id.") var job: String
    @OptionGroup(title: "Gateway") var gateway: GatewayOptions

    func run() async throws {
      let client = try gateway.client()
      defer { client.close() }
      try await client.cancelJob(job)
      print("cancelled \(job)")
    }
  }

  private static func text(_ job: GatewayClient.Job, _ output: OutputOptions) -> String {
    output.text(
      .object([
        .init("job", .text(job.jobId)), .init("run", .text(job.run)), .init("kind", .text(job.kind)),
        .init("state", .text(job.state)), .init("parts_done", .integer(Int64(job.partsDone))),
        .init("parts_total", .integer(Int64(job.partsTotal))), .init("rows", .integer(Int64(job.rows))),
        .init("engine", DataValue(job.engine)), .init("reason", DataValue(job.reason)),
        .init("message", DataValue(job.message)), .init("submitted_at", .text(job.submittedAt)),
      ]),
      [line(job)])
  }

  /// `running    3 of 8 parts, 1,170 rows (dask): SPY 2026-03-02`
  private static func line(_ job: GatewayClient.Job) -> String {
    let state = job.state.padding(toLength: 10, withPad: " ", startingAt: 0)
    let parts = job.partsTotal > 0 ? "\(job.partsDone) of \(job.partsTotal) parts, \(grouped(job.rows)) rows" : job.kind
    let engine = job.engine.map { $0.isEmpty ? "" : " (\($0))" } ?? ""
    let note = [job.reason, job.message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    return "\(state) \(parts)\(engine)" + (note.isEmpty ? "" : ": \(note)")
  }
}
