import Core
@testable import EGXProducerService
import Foundation
import Logging
import Messages
import Synchronization
import Values

func bar(_ time: Int64, _ open: String, _ high: String, _ low: String, _ close: String, _ volume: String? = "100")
  -> SourceBar {
  func decimal(_ text: String) -> ExactDecimal { ExactDecimal(text) ?? .zero }
  return SourceBar(
    time: time,
    candle: .init(
      open: decimal(open), high: decimal(high), low: decimal(low), close: decimal(close),
      volume: volume.map(decimal)))
}

let quiet = Logger(label: "egx-tests") { _ in SwiftLogNoOpLogHandler() }

/// What a source delivered, by symbol.
final class Delivered: Sendable {
  struct Item: Sendable {
    var symbol: String
    var answer: Result<BarAnswer, SourceError>
  }
  private let storage = Mutex<[Item]>([])
  var items: [Item] { storage.withLock { $0 } }
  func take(_ symbol: String, _ answer: Result<BarAnswer, SourceError>) {
    storage.withLock { $0.append(Item(symbol: symbol, answer: answer)) }
  }
  func bars(_ symbol: String) -> [SourceBar] {
    items.filter { $0.symbol == symbol }.flatMap { (try? $0.answer.get().bars) ?? [] }
  }
  func failure(_ symbol: String) -> SourceError? {
    for item in items where item.symbol == symbol { if case .failure(let error) = item.answer { return error } }
    return nil
  }
}

/// A topic that keeps the bars it gets, and fails on request.
final class KeptBars: BarTopic {
  struct State {
    var bars: [MarketBar] = []
    var failures = 0
  }
  let state = Mutex(State())
  var bars: [MarketBar] { state.withLock { $0.bars } }

  /// The next `count` acknowledgements fail.
  func failNext(_ count: Int) { state.withLock { $0.failures = count } }

  func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void {
    let fails = state.withLock { state in
      if state.failures > 0 {
        state.failures -= 1
        return true
      }
      state.bars += bars
      return false
    }
    return { if fails { throw Failure(.transient, code: "away", "the broker is away") } }
  }
}

/// Genuine captures and inputs that once failed, beside the real files that `SOUK_REAL_DATA` names.
enum Captures {
  static let folder = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/wire" }
  static let cases = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/../cases" }

  /// The messages of one exchange, by symbol; `default` where there is no other.
  static func messages(_ name: String, _ symbol: String) throws -> [String] {
    let path = "\(folder ?? "")/case-\(name)/\(symbol).json"
    let steps = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [Any]
    // Numbers are pauses, which change nothing.
    return (steps ?? []).compactMap { $0 as? String }
  }
}

enum RealBars {
  static let folder = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/egx" }
}
