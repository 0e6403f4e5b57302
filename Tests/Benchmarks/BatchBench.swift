import ArgumentParser
import Core
import LocalServers
import TestSupport

/// `souk-bench batch`: indicators of the history of many tickers, by the batch layer's job and by pandas with TA-Lib.
struct BatchBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Compute indicators of many tickers' history, beside pandas with TA-Lib.",
    discussion: """
      Minutes of regular sessions lie as Parquet by date and symbol. The job `features` makes bars of 5m, 15m, 1h and \
      1d of them, computes all default indicators and rules, and writes Parquet and lines by date and symbol; pandas \
      resamples the same Parquet, TA-Lib computes the same indicators without rules, and Parquet is written. Both \
      have the same processes on the same cores, one after the other.
      """)

  @Option(help: "Tickers.") var tickers = 100
  @Option(help: "Trading days; two years are 504.") var days = 60
  @Option(help: "Processes of each.") var workers = 2

  func validate() throws {
    guard (1...999).contains(tickers), (1...504).contains(days), workers > 0 else {
      throw ValidationError("--tickers must be 1 to 999, --days 1 to 504, --workers above zero")
    }
  }

  func run() async throws {
    let folder = try PrivateFolder("bench-batch")
    defer { folder.remove() }
    let python = try Program.require("python", in: Program.environmentFolders, package: "`make deps FOR=all`")
    guard let jobs = Program.above("Services/Batch/Jobs"), let script = Program.above(
      "Tests/Benchmarks/batch_features.py")
    else { throw Failure(.configuration, code: "no_programs", "run the bench of a working copy") }
    let outcome = try await ChildProcess.run(
      Launch(python, [
        script, jobs, try ServiceProcess.path(of: "signal-worker"), folder.path, "\(tickers)", "\(days)", "\(workers)",
      ]), atMost: .seconds(7_200))
    let words = outcome.output.split(separator: "\n").last?.split(separator: " ").compactMap { Double($0) } ?? []
    guard outcome.status.isSuccess, words.count == 4 else {
      throw Failure(.fatal, code: "bench_failed", String(outcome.errorOutput.suffix(2_000)))
    }
    print("\(tickers) tickers, \(days) days, \(Int(words[0])) minutes, \(workers) processes")
    print("features: \(Int(words[1])) rows in \(rounded(words[2])) s, \(Int(words[0] / words[2])) minutes/s")
    print("pandas and TA-Lib: \(rounded(words[3])) s, \(Int(words[0] / words[3])) minutes/s; without rules and lines")
    print("ratio: \(rounded(words[3] / words[2]))")
  }

  private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
