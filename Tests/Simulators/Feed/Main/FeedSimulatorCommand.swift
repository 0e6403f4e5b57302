import ArgumentParser
import Core
import FeedSimulator
import Foundation
import LocalServers

/// Serves invented market feeds until stopped.
@main
struct FeedSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "feed-simulator",
    abstract: "Polygon and Alpaca with an invented market, streams and answers about the past, for demos and tests.",
    discussion: """
      ws://host:port/stocks and /options speak as Polygon, /v2/iex, /v2/sip, /v1beta1/indicative and /v1beta1/opra as \
      Alpaca; the same port answers /v2/aggs, /v3/trades, /v3/quotes, /v2/stocks and /v1beta1/options, and /query \
      as Alpha Vantage. The key is \
      'key', the secret 'secret'. POST /_feed/cut?how=close|reset|mid-frame ends the connections, POST \
      /_feed/silent?value=true stops the stream, GET /_feed/truth is all that has happened, GET /_feed/flow the \
      unusual activity in options that was planted, GET \
      /_feed/stats counts it, GET /_feed/bars?symbol=AAPL&interval=1m&from=&to= gives bars (nanoseconds since 1970).
      """,
    version: Souk.version)

  @Option(help: "The address to listen on.") var host = "127.0.0.1"
  @Option(help: "The port to listen on; 0 means any free one.") var port = 0
  @Option(help: ArgumentHelp("Write the port here once listening.", valueName: "path")) var portFile: String?
  @Option(help: "What the market is drawn from.") var seed: UInt64 = 1
  @Option(help: "Symbols, separated by commas.") var symbols = "AAPL,MSFT,NVDA,TSLA,SPY,QQQ,BRK.B"
  @Option(help: "Events a second.") var rate = 200.0
  @Option(help: "How fast the market's clock runs.") var speed = 1.0
  @Option(help: "Days before its start of which the market has bars, for questions about the past.")
  var pastDays = 0
  @Option(help: "Rows in a page of an answer about the past, at most.") var pageSize = 50_000
  @Option(help: ArgumentHelp(
    "A split that the market had (repeatable): AAPL:2026-06-10:1:4 makes four shares of one.", valueName: "split"))
  var split: [String] = []
  @Option(help: "Events between two plants of unusual activity in the options of --symbols; 0 for none.")
  var plantEvery = 0
  @Option(help: "Contracts that are on every chain of options and never trade.") var chainContracts = 0
  @Option(help: "Stop the market so many events after the first subscription; connections stay open.")
  var events: Int?
  @Option(help: "End all connections once, after so many events.") var cutAfter: Int?
  @Option(help: "Seconds for which no connection is let in after that.") var away = 0.0
  @Option(help: ArgumentHelp("Write what happened here at the end, one event a line.", valueName: "path"))
  var truth: String?

  func validate() throws {
    guard rate > 0, speed > 0, !symbols.isEmpty, pastDays >= 0, pageSize > 0 else {
      throw ValidationError("--rate, --speed and --page-size must be above 0, --symbols must name one")
    }
  }

  func run() async throws {
    let list = symbols.split(separator: ",").map(String.init)
    let file = try portFile.map { try AddressFile($0) }
    let stop = Interruption()
    signal(SIGTERM, SIG_IGN)
    signal(SIGINT, SIG_IGN)
    let sources = [SIGTERM, SIGINT].map { number in
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { stop.raise() }
      source.resume()
      return source
    }
    var script = FeedScript()
    script.pastDays = pastDays
    script.pageSize = pageSize
    (script.plantEvery, script.chainContracts) = (plantEvery, chainContracts)
    script.splits = try split.map { text in
      let parts = text.split(separator: ":").map(String.init)
      guard parts.count == 4, let from = Int(parts[2]), let to = Int(parts[3]), from > 0, to > 0 else {
        throw ValidationError("--split \(text) is not like AAPL:2026-06-10:1:4")
      }
      return SimulatedSplit(parts[0], parts[1], from: from, to: to)
    }
    (script.cutAfter, script.away) = (cutAfter, .milliseconds(Int(away * 1_000)))
    try await FeedSimulator.serving(
      script, seed: seed, symbols: list, rate: rate, speed: speed, events: events, host: host, port: port
    ) { simulator in
      print("listening on \(simulator.url)")
      fflush(nil)
      try file?.write("\(simulator.port)")
      await stop.wait()
      if let truth {
        try Data((simulator.events.map(\.line).joined(separator: "\n") + "\n").utf8)
          .write(to: URL(fileURLWithPath: truth))
      }
    }
    withExtendedLifetime(sources) {}
  }
}
