import Commodities
import Core
@testable import FetcherService
import Foundation
import LocalServers
import Messages
import ServiceKit
import Testing
import TestSupport
import Values

/// Bodies that providers really sent, of the folder `wire` beside the real files that `SOUK_REAL_DATA` names.
@Suite(.enabled(if: Captures.wire != nil, "SOUK_REAL_DATA names no folder with captures of providers"))
struct CapturedProviderTests {
  private struct Meta: Decodable {
    var status: Int
    var kind: String
    var unit: String
    var currency: String
    var due: String?
  }

  enum Outcome: Sendable {
    /// Value, currency, and the time it held.
    case value(String, String, String)
    case failure(FetchError.Kind)
    /// A status that is an outage with any body.
    case outage
  }

  private func outcome(_ number: Int) throws -> Result<Quote, FetchError>? {
    let folder = try #require(Captures.wire) + "/case-\(number)"
    let meta = try JSONDecoder().decode(Meta.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/meta.json")))
    let body = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/body")))
    if meta.status != 200 {
      guard meta.status < 500 else { return nil }
      return .failure((ProviderMessage(body: body) ?? ProviderMessage("")).failure(status: meta.status))
    }
    let more =
      switch meta.kind {
      case "csv": "mapping: {value: value, time: date}"
      case "alphavantage": "symbols: {Metal: X}, token: env:PATH"
      default: "symbols: {Metal: X}"
      }
    let catalogue = try CommodityCatalogue(yaml: """
      countries: []
      materials: [{name: Metal, category: energy, unit: \(meta.unit), world: true, currency: \(meta.currency)}]
      schedules: []
      sources: [{name: S, kind: \(meta.kind), url: "https://h", \(more)}]
      """, origin: "capture", over: nil)
    let source = try #require(try catalogue.readSources().first)
    let due = meta.due.flatMap { Timestamp($0) } ?? time("2026-11-01T00:00:00Z")
    do throws(FetchError) {
      let reader = try? AnswerReader(source, limits: .init())
      guard let reader else { return nil }
      let quotes = try reader.quotes(body, of: catalogue.materials[0], at: time("2026-11-01T00:00:00Z")) { _ in "" }
      let chosen = try QuoteChoice().choose(quotes, kind: .price, dueAt: due, now: time("2026-11-01T00:00:00Z"))
      return .success(try QuoteConverter(catalogue.materials[0], nil, .price).converted(chosen.quote).quote)
    } catch {
      return .failure(error)
    }
  }

  @Test(arguments: [
    // The hour that ends at 17:30Z, ten minutes before the time that is wanted.
    (31, Outcome.value("888.239990234375", "USD", "2024-05-03T17:30:00Z")),
    (32, .value("887.89", "USD", "2024-05-03T20:00:07Z")), (34, .value("2952.5", "USD", "2025-02-20T11:35:11Z")),
    (35, .value("3.053", "GBP", "2025-02-20T11:32:23Z")), (36, .value("244.87", "USD", "2025-02-19T21:00:01Z")),
    (37, .failure(.symbolUnknown)), (38, .failure(.symbolUnknown)), (39, .failure(.requestRefused)),
    (40, .failure(.refused)), (41, .failure(.rateLimited)), (42, .failure(.rateLimited)), (43, .failure(.unreadable)),
    (44, .outage), (45, .value("2350.71636363636", "USD", "2022-12-01T00:00:00Z")),
    (48, .failure(.notEntitled)), (49, .failure(.dayQuotaSpent)), (50, .failure(.minuteQuotaSpent)),
    (51, .failure(.notEntitled)), (52, .failure(.symbolUnknown)), (53, .failure(.refused)),
    (54, .value("112.1300", "USD", "2018-10-05T20:00:00Z")), (58, .failure(.unreadable)),
    (59, .value("68.29", "USD", "2025-07-04T00:00:00Z")), (62, .failure(.noValue)),
  ]) func whatWasSentMeans(number: Int, expected: Outcome) throws {
    let found = try outcome(number)
    switch (expected, found) {
    case (.outage, nil): break
    case (.failure(let kind), .failure(let error)?): #expect(error.kind == kind, "\(error)")
    case (.value(let value, let currency, let at), .success(let quote)?):
      #expect("\(quote.value)" == value && quote.currency == currency && quote.observedAt == time(at), "\(quote)")
    default: Issue.record("case-\(number): \(String(describing: found))")
    }
  }

  /// The close of gold's day is not known at its noon.
  @Test func aDaysCloseIsNotTakenBeforeItsEnd() throws {
    guard case .success(let quote)? = try outcome(33) else {
      Issue.record("no value")
      return
    }
    #expect("\(quote.value)" != "1524.5" && "\(quote.value)" == "2952.5")
  }

  @Test func informationAnswersAreClassified() throws {
    struct Said: Decodable { var body: String }
    let file = try #require(Captures.wire) + "/case-63/information.json"
    let said = try JSONDecoder().decode([String: Said].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    let kinds = said.mapValues { ProviderMessage(body: Array($0.body.utf8))?.failure().kind }
    #expect(kinds == ["demo": .refused, "invalid": .symbolUnknown, "burst": .minuteQuotaSpent, "daily": .dayQuotaSpent])
  }
}

/// Situations that once failed, told by a stub: the folder `cases/providers` beside the real files.
@Suite(.enabled(if: Captures.cases != nil, "SOUK_REAL_DATA has no folder cases/providers beside it"))
struct ProviderCaseTests {
  @Test(.timeLimit(.minutes(10))) func aFailedMaterialAffectsNoOther() async throws {
    let folder = try #require(Captures.cases)
    let port = try FreePort.next()
    let stub = try await ChildProcess.start(Launch("python3", [folder + "/provider_stub.py", "\(port)"]))
    try await eventually("the stub answers") { await LoopbackHTTP.shared.get(port: port, path: "/backup/x") != nil }
    let yaml = try String(contentsOfFile: folder + "/markets.yaml", encoding: .utf8)
      .replacing("127.0.0.1:9911", with: "127.0.0.1:\(port)")
    let stage = try Stage(catalogue: try CommodityCatalogue(yaml: yaml, origin: "markets.yaml"))
    let due = "\(Timestamp.now())"
    let expected = [
      "Pence Metal": "2.75700012 GBP", "Agora Gas": "92.505 ILS", "Below Zero": "-37.63 USD", "At Zero": "0 USD",
      "Html Oil": "70.25 USD", "Weekend Oil": "71.5 USD", "Limit Oil": "70.25 USD", "Note Oil": "70.25 USD",
      "Dots Oil": "68.40 USD",
    ]
    for name in expected.keys.sorted() {
      try await eventually("\(name) is published") {
        await stage.failure(Stage.task(name, nil, due: due)) == nil
      }
    }
    let found = try stage.emitted.observations.map { ($0.material, "\($0.value) \($0.currency ?? "")") }
    #expect(Dictionary(found, uniquingKeysWith: { $1 }) == expected)
    // A wrong key is an outage of its provider alone, never a dead letter.
    let error = await #expect(throws: FetchError.self) {
      try await stage.handle(Stage.task("Badkey Oil", nil, due: due))
    }
    #expect(error?.kind == .providersDown && error?.message.contains("provider_refused") == true)
    #expect(stage.pool.providers.filter { !$0.isTrusted }.map(\.source.name) == ["AV Key"])
    _ = await stub.stop(grace: .seconds(5))
  }
}

enum Captures {
  private static func folder(_ path: String) -> String? {
    ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/\(path)" }.flatMap {
      FileManager.default.fileExists(atPath: $0) ? $0 : nil
    }
  }

  static let wire = folder("wire")
  static let cases = folder("../cases/providers")
}
