import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import TestSupport
import Values

/// `souk-bench poll`: the memory of egx-producer that polls many symbols.
struct PollBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "poll", abstract: "Poll many symbols with egx-producer: memory, and time of a poll.",
    discussion: """
      Each symbol is a file of daily bars; egx-producer polls all of them again and again into an embedded broker. The \
      figure is the most memory that was resident at any time (VmHWM) over some polls. Bound: below 60 MB for 1,000.
      """)

  @Option(help: "Symbols.")
  var symbols = 1_000

  @Option(help: "Bars of each, all of them asked for at every poll.")
  var bars = 10

  @Option(help: "Polls.")
  var polls = 5

  func validate() throws {
    guard symbols > 0, bars > 0, polls > 0 else { throw ValidationError("all numbers must be above zero") }
  }

  func run() async throws {
    try await withTemporaryDirectory { folder in
      let start = LocalDateTime(year: 2025, month: 1, day: 1)?.microseconds ?? 0
      for symbol in 0..<symbols {
        let lines = (0..<bars).map { day in
          let date = LocalDateTime(microseconds: start + Int64(day) * 86_400_000_000) ?? .epoch
          return "\("\(date)".prefix(10)),10.5,11.25,10,1\(symbol % 10).75,\(1_000 + symbol)"
        }
        let text = "date,open,high,low,close,volume\n" + lines.joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/SYM\(symbol).csv"))
      }
      let topic = Topics.marketData
      let broker = try EmbeddedBroker(topics: [(topic.name, Int(topic.partitions))])
      let service = try await ServiceProcess.start("egx-producer", [
        "--source", "csv:\(folder)", "--interval", "Daily", "--n-bars", "\(bars)", "--poll-interval", "1", "--always",
        "--bootstrap", broker.bootstrapServers,
      ], environment: ["LOG_LEVEL": "warning"])
      var (count, sum) = (0.0, 0.0)
      while Int(count) < polls {
        if let status = service.status { throw Failure(.fatal, code: "ended", "egx-producer ended with \(status)") }
        try await Task.sleep(for: .milliseconds(50))
        let metrics = await service.metrics()
        count = metrics.sum("souk_egx_poll_seconds_count") ?? 0
        sum = metrics.sum("souk_egx_poll_seconds_sum") ?? 0
      }
      let published = await service.metrics().sum("souk_egx_bars_published_total") ?? 0
      let unchanged = await service.metrics().sum("souk_egx_bars_unchanged_total") ?? 0
      guard let reading = ProcessReading(pid: service.pid), Int(published) == symbols * bars else {
        throw Failure(.fatal, code: "lost", "\(Int(published)) bars were published, not \(symbols * bars)")
      }
      await service.terminate()
      broker.close()
      print("\(symbols) symbols, \(Int(published)) bars published once, \(Int(unchanged)) left out as unchanged: "
        + "\(ProcessReading.mebibytes(reading.peak)) resident at most, \(Int(sum / count * 1_000)) ms a poll "
        + "(bound for 1,000 symbols: below 60 MB)")
    }
  }
}
