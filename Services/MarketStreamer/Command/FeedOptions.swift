import ArgumentParser
import Core
import FeedHTTP
import Feeds
import HTTP
import Options
import WebSocket

/// The flags of the feed and of what is listened to.
struct FeedOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "What to listen to: \(Feed.streams.map(\.rawValue).joined(separator: ", ")).", valueName: "feed"))
  var feed = Feed.polygonStocks

  @Option(help: ArgumentHelp("The key of the provider (an id, with Alpaca).", valueName: "key"), completion: .secret)
  var feedKey: String?

  @Option(help: ArgumentHelp("The secret that belongs to the key; Alpaca.", valueName: "secret"), completion: .secret)
  var feedSecret: String?

  @Option(help: ArgumentHelp(
    "Where the stream is, ws:// or wss://; default the provider's real-time one (Alpaca: iex, indicative).",
    valueName: "url"))
  var feedURL: String?

  @Option(help: ArgumentHelp("Where answers about the past are; default the provider's.", valueName: "url"))
  var historyURL: String?

  @Option(help: ArgumentHelp(
    "Symbols, separated by commas, as any provider writes them (BRK.B, BRK-B, O:SPY251219C00650000); * for all.",
    valueName: "list"))
  var symbols: String?

  @Option(help: ArgumentHelp(
    "A file of symbols, one a line; what follows # or the first blank is passed over.", valueName: "path"))
  var symbolsFile: String?

  @Option(help: ArgumentHelp(
    "What to listen to of each: \(FeedChannel.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "list"))
  var channels = "trades,quotes,bars"

  @Option(help: ArgumentHelp("Connections, each with its share of the symbols.", valueName: "count"))
  var connections = 1

  @Option(help: "When the feed has to speak: regular and extended hours of New York, or always.")
  var hours = NYSECalendar.Hours.extended

  @Option(help: ArgumentHelp("A feed that is silent for longer in these hours is connected to anew.",
                             valueName: "duration"))
  var silence = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp("How long a login may take.", valueName: "duration"))
  var loginTimeout = DurationSetting(.seconds(10))

  @Option(help: ArgumentHelp("Events that wait for Kafka; beyond it the connection is given up.", valueName: "size"))
  var backlog = ByteSize.mib(64)

  @Option(help: ArgumentHelp(
    "What gaps are refilled with: some of trades, quotes, bars; none for none.", valueName: "list"))
  var refill = "trades,quotes,bars"

  @Option(help: ArgumentHelp(
    "Asked for besides on both sides of a gap; what is known is not published again.", valueName: "duration"))
  var refillOverlap = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp(
    "Of a gap in all symbols (*): how many of those that the feed gave lately are refilled by their names.",
    valueName: "count"))
  var refillSymbols = 1_000

  @Option(help: ArgumentHelp("How much later than now an event may say it is.", valueName: "duration"))
  var maxSkew = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "Where connections leave how far they are: redis://..., file:///folder, memory:. Without it --redis-url, else "
      + "memory. Only with Redis may several processes run: one owns a connection, the others stand by.",
    valueName: "location"))
  var state: String?

  @Option(help: ArgumentHelp("How soon another process takes over a connection.", valueName: "duration"))
  var leaseTimeout = DurationSetting(.seconds(15))

  func validate() throws {
    guard (1...256).contains(connections) else { throw ValidationError("--connections must be between 1 and 256") }
    guard refillSymbols >= 0 else { throw ValidationError("--refill-symbols must not be below zero") }
  }

  /// - Throws: `Failure(.configuration)`.
  func interests() throws(Failure) -> [FeedInterest] {
    var texts = (symbols ?? "").split(separator: ",").map(String.init)
    if let symbolsFile {
      let text = String(decoding: try readFile(symbolsFile, limit: 16 << 20), as: UTF8.self)
      texts += text.split(whereSeparator: \.isNewline).compactMap { line in
        line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).first.map(String.init)
      }
    }
    let channels = try list(self.channels, "--channels").intersection(feed.channels)
    guard !channels.isEmpty else {
      throw Failure(
        .configuration, code: "bad_channels",
        "--channels: \(feed.rawValue) has only \(feed.channels.sorted().map(\.rawValue).joined(separator: ", "))")
    }
    var interests: [FeedInterest] = []
    for text in texts { interests.append(FeedInterest(try Self.symbol(text, of: feed), channels)) }
    return interests
  }

  /// - Returns: the canonical symbol of a text in any of the providers' forms.
  static func symbol(_ text: String, of feed: Feed) throws(Failure) -> String {
    if text == "*" { return text }
    let dialect: SymbolNames.Dialect = text.contains("-") ? .dashed : text.hasPrefix("O:") ? .polygon : feed.dialect
    guard let symbol = SymbolNames.canonical(text, from: dialect), SymbolNames.isOption(symbol) == feed.hasOptions
    else {
      let example = feed.hasOptions ? "an option is SPY251219C00650000" : "a stock is BRK.B"
      throw Failure(.configuration, code: "bad_symbol", "'\(text)' is no symbol of \(feed.rawValue); \(example)")
    }
    return symbol
  }

  func list(_ text: String, _ flag: String) throws(Failure) -> Set<FeedChannel> {
    var channels: Set<FeedChannel> = []
    for word in text.split(separator: ",") where word != "none" {
      guard let channel = FeedChannel(rawValue: String(word)) else {
        throw Failure(
          .configuration, code: "bad_channels",
          "\(flag): '\(word)' is none of \(FeedChannel.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      channels.insert(channel)
    }
    return channels
  }

  func settings() throws(Failure) -> FeedSettings {
    guard let key = feedKey, !key.isEmpty, feed.isPolygon || feedSecret != nil else {
      throw Failure(
        .configuration, code: "feed_key_missing",
        "\(feed.rawValue) needs --feed-key\(feed.isPolygon ? "" : " and --feed-secret") (FEED_KEY_FILE names a file)")
    }
    let text = feedURL ?? feed.defaultURL
    guard let url = WebSocketURL(text) else {
      throw Failure(.configuration, code: "bad_feed_url", "--feed-url is not ws://host/path or wss://host/path")
    }
    var socket = WebSocketConfiguration(url: url)
    let isPacked = feed == .alpacaOptions
    if isPacked { socket.headers.append(("Content-Type", "application/msgpack")) }
    _ = try Secret(key).resolve()
    var settings = FeedSettings(
      feed: feed, socket: socket, key: Secret(key), secret: feedSecret.map { Secret($0) }, isPacked: isPacked)
    settings.hours = hours
    settings.silence = silence.duration
    settings.patience = loginTimeout.duration
    settings.maxBacklog = backlog.bytes
    settings.overlap = refillOverlap.duration
    settings.maxSkew = maxSkew.duration
    settings.leaseTimeout = leaseTimeout.duration
    settings.refillSymbols = refillSymbols
    settings.refillChannels = try list(refill, "--refill").intersection(feed.history)
    return settings
  }

  func makeRefill(_ client: HTTPClient, _ limits: HTTPLimits) -> Refill {
    let access = FeedAccess(feed, base: historyURL, key: Secret(feedKey ?? ""), secret: feedSecret.map { Secret($0) })
    return Refill(client: FeedClient(access, client, limits: limits))
  }
}

extension Feed: ExpressibleByArgument {
  package init?(argument: String) {
    guard let feed = Self.streams.first(where: { $0.rawValue == argument }) else { return nil }
    self = feed
  }

  package static var allValueStrings: [String] { streams.map(\.rawValue) }

  var defaultURL: String {
    switch self {
    case .polygonStocks: "wss://socket.massive.com/stocks"
    case .polygonOptions: "wss://socket.massive.com/options"
    case .alpacaStocks: "wss://stream.data.alpaca.markets/v2/iex"
    case .alpacaOptions: "wss://stream.data.alpaca.markets/v1beta1/indicative"
    case .alphaVantage: ""
    }
  }
}

/// What a connection is made from.
struct FeedSettings: Sendable {
  var feed: Feed
  var socket: WebSocketConfiguration
  /// Read at each login.
  var key: Secret
  var secret: Secret?
  var isPacked: Bool
  var hours = NYSECalendar.Hours.extended
  var silence: Duration = .seconds(30)
  /// How long the login and the answer to subscriptions may take.
  var patience: Duration = .seconds(10)
  var maxBacklog = 64 << 20
  var overlap: Duration = .seconds(2)
  var maxSkew: Duration = .seconds(60)
  var leaseTimeout: Duration = .seconds(15)
  var refillChannels: Set<FeedChannel> = []
  var refillSymbols = 1_000
  var checkpointInterval: Duration = .seconds(2)
  /// How long a new connection may give no event before a hole ends with the present.
  var firstEventLimit: Duration = .seconds(5)
}
