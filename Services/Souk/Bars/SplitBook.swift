import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Markets
import Messages
import Pipeline
import Synchronization
import Values

/// The splits that `market-splits` has.
struct SplitBook: Sendable {
  private let cluster: Cluster
  private let options: KafkaOptions

  init(_ kafka: ClusterOptions) throws {
    cluster = try Cluster(kafka)
    options = try kafka.kafkaOptions()
  }

  /// - Returns: by symbol and date.
  func splits(stop: Interruption = Interruption()) async throws -> [StockSplit] {
    try await cluster.require([Topics.marketSplits])
    let known = Mutex<[String: StockSplit]>([:])
    try await Cluster.read(Topics.marketSplits, options, stop: stop) { (split: StockSplit?, key) in
      known.withLock { $0[key] = split }
    }
    return known.withLock { $0.values.sorted { ($0.symbol, $0.executionDate) < ($1.symbol, $1.executionDate) } }
  }

  /// - Parameter gone: those that are taken back.
  func send(_ splits: [StockSplit], gone: [StockSplit] = []) async throws {
    try await cluster.require([Topics.marketSplits])
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    var batch = OutgoingBatch()
    let headers = ServiceIdentity(name: "souk").headers(schema: StockSplit.topic.schema)
    for split in splits {
      batch.append(topic: StockSplit.topic.name, key: split.key, value: split.encoded(), headers: headers)
    }
    for split in gone { batch.append(topic: StockSplit.topic.name, key: split.key, value: nil, headers: headers) }
    let producer = try Producer(options.producerConfiguration(clientID: "souk", logger: logger))
    do {
      try await producer.send(batch)
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }

  /// Reads `symbol,execution_date,split_from,split_to`, with that heading.
  /// - Throws: a configuration `Failure` with the line that is wrong.
  static func read(file path: String, knownNs: Int64) throws(Failure) -> [StockSplit] {
    let text = String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    func wrong(_ line: Int, _ what: String) -> Failure {
      Failure(.configuration, code: "bad_splits", "\(path), line \(line): \(what)")
    }
    guard lines.first.map({ $0.split(separator: ",").map(trimmed) }) == heading else {
      throw wrong(1, "the heading is not \(heading.joined(separator: ","))")
    }
    var splits: [StockSplit] = []
    for (number, line) in lines.enumerated().dropFirst() where !line.allSatisfy(\.isWhitespace) {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
      guard cells.count == 4, let symbol = Tickers.canonical(cells[0]), let from = ExactDecimal(cells[2]),
        let to = ExactDecimal(cells[3])
      else { throw wrong(number + 1, "not like AAPL,2026-06-10,1,4") }
      let split = StockSplit(
        symbol: symbol, executionDate: cells[1], splitFrom: from, splitTo: to, source: "file", knownNs: knownNs)
      if let problem = split.problem { throw wrong(number + 1, "\(problem.field): \(problem.words)") }
      splits.append(split)
    }
    return splits
  }

  private static let heading = ["symbol", "execution_date", "split_from", "split_to"]

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
