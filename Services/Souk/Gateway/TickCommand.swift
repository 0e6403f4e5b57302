import ArgumentParser
import Core
import Foundation
import GatewayAPI
import Operations
import ServiceKit

/// `souk tick`
struct TickCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tick", abstract: "The last trade and quote of symbols, from a gateway.",
    discussion: """
      Exits with 2 when a symbol is not known.

      Examples:
        souk tick AAPL MSFT
        souk tick AAPL -o json --gateway https://market.example.com --token-file ~/.souk/token
      """)

  @Argument(help: "As any provider writes them: AAPL, BRK-B, O:SPY251219C00650000.") var symbols: [String]
  @Option(name: .shortAndLong, help: "As a table, or what the gateway says.") var output = OutputFormat.table
  @OptionGroup(title: "Gateway") var gateway: GatewayOptions

  func validate() throws {
    guard !symbols.isEmpty else { throw ValidationError("name at least one symbol") }
  }

  func run() async throws {
    let client = try gateway.client()
    defer { client.close() }
    let answer = try await client.latestTicks(symbols)
    switch output {
    case .json, .yaml: print(output.text(ofJSON: String(decoding: answer.json, as: UTF8.self)))
    case .table: print(Self.lines(answer.ticks).joined(separator: "\n"))
    }
    if !answer.ticks.unknown.isEmpty { throw ExitCode(2) }
  }

  static func lines(_ answer: GatewayAnswer<GatewayClient.LatestTicks>) -> [String] {
    var table = TextTable([
      "SYMBOL", .right("PRICE"), .right("SIZE"), .right("BID"), .right("ASK"), .right("AGE"), "NOTE",
    ])
    for tick in answer.ticks {
      let notes = (tick.stale ? ["stale"] : []) + tick.truth.gaps.map { "gap since \($0.from)" }
        + (tick.truth.degraded.isEmpty ? [] : ["without \(tick.truth.degraded.joined(separator: ", "))"])
      table.append([
        tick.symbol, text(tick.trade?.price), text(tick.trade?.size), text(tick.quote?.bid), text(tick.quote?.ask),
        DurationSetting(.milliseconds(Int(tick.ageSeconds * 1_000))).description, notes.joined(separator: "; "),
      ])
    }
    return (answer.ticks.isEmpty ? [] : table.lines) + answer.unknown.map { "\($0): nothing is known of it" }
  }

  private static func text(_ number: Decimal?) -> String { number.map { "\($0)" } ?? "-" }
}

/// `souk subscribe`, and with `--undo` the other way.
struct SubscribeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Have the streamers of feeds listen to symbols, by a gateway.",
    discussion: """
      Examples:
        souk subscribe AMD --token-file ~/.souk/token
        souk subscribe AMD --feed alpaca-stocks --channels trades --token-file ~/.souk/token
        souk subscribe AMD --follow --token-file ~/.souk/token
        souk subscribe AMD --undo --token-file ~/.souk/token
      """)

  @Argument(help: "As any provider writes them.") var symbols: [String]
  @Option(help: "The feed that is to listen; all: each that sends stocks, or options, as the symbol is.")
  var feed = "all"
  @Option(help: ArgumentHelp("What of them: trades, quotes, bars, seconds.", valueName: "list"))
  var channels = "trades,quotes,bars"
  @Flag(help: "Take it back.") var undo = false
  @Flag(help: "Then print what comes of them, one line of JSON each, until interrupted.") var follow = false
  @OptionGroup(title: "Gateway") var gateway: GatewayOptions

  func validate() throws {
    guard !symbols.isEmpty else { throw ValidationError("name at least one symbol") }
    guard !(undo && follow) else { throw ValidationError("--undo and --follow are either or") }
  }

  func run() async throws {
    let client = try gateway.client()
    defer { client.close() }
    for symbol in symbols {
      if undo {
        try await client.unsubscribe(symbol, feed: feed)
      } else {
        try await client.subscribe(symbol, feed: feed, channels: channels)
      }
      Self.say("\(undo ? "unsubscribed" : "subscribed") \(symbol)")
    }
    if follow { try await Self.follow(symbols, client) }
  }

  /// Goes on where it was after a stream that ended, and after a gateway that was away.
  private static func follow(_ symbols: [String], _ client: GatewayClient) async throws {
    var last: String?
    while true {
      do {
        try await client.live(symbols: symbols, after: last) { event in
          // An event that is no record has no id.
          guard let id = event.id else { return true }
          last = id
          say(event.data)
          return true
        }
      } catch where ErrorClass(of: error) == .transient {
        FileHandle.standardError.write(Data("waiting    \(error)\n".utf8))
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// At once, also into a pipe.
  private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// How to reach a gateway. Its addresses are the operator's, so private ones are fine.
struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the gateway is.", valueName: "url"))
  var gateway = "http://127.0.0.1:8000"

  @Option(help: ArgumentHelp("File with the bearer token, if the gateway asks for one.", valueName: "path"))
  var tokenFile: String?

  /// - Throws: `Failure` for a file or an address that cannot be read.
  func client() throws -> GatewayClient {
    try GatewayClient(gateway, token: try tokenFile.map { try Secret("file:\($0.absolute)").resolve() })
  }
}

extension String {
  fileprivate var absolute: String { URL(fileURLWithPath: NSString(string: self).expandingTildeInPath).path }
}
