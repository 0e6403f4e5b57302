import Catalogue
@testable import EGXProducerService
import Foundation
import HTTP
import InfluxConsumerService
import LocalServers
import S3ConsumerService
import ServiceKit
import Testing
import TestSupport
import Values

@testable import SoukService

/// Runs every query of the dashboard on real servers that the services filled: a panel that would show nothing fails.
@Suite struct MarketDashboardTests {
  private struct Answer: Decodable {
    struct Result: Decodable { var series: [Series]?; var error: String? }
    struct Series: Decodable { var columns: [String]; var values: [[Cell]] }
    enum Cell: Decodable {
      case empty, number(Double), text(String)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() { self = .empty } else if let number = try? container.decode(Double.self) {
          self = .number(number)
        } else { self = .text(try container.decode(String.self)) }
      }
      var isEmpty: Bool { if case .empty = self { true } else { false } }
      var text: String {
        switch self {
        case .empty: ""
        case .number(let number): "\(number)"
        case .text(let text): text
        }
      }
    }
    var results: [Result]
  }

  @Test(.timeLimit(.minutes(15))) func everyPanelShowsData() async throws {
    let board = try MarketDashboard()
    #expect(board.influx.count >= 6 && board.prometheus.count >= 6)
    #expect(board.variables.keys.sorted() == ["bar", "symbol"])
    try await withTemporaryDirectory { folder in
      let recorded = folder + "/recorded"
      try InventedBars().write(to: recorded, before: 20_108)
      let symbols = ["COMI", "ETEL", "FWRY", "TMGH", "SWDY"]
      // Half of each first, so that counters are seen to grow.
      let inbox = folder + "/inbox"
      func publish(half: Int) throws {
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        for symbol in symbols {
          let lines = try String(contentsOfFile: "\(recorded)/\(symbol).csv", encoding: .utf8).split(separator: "\n")
          let part = lines.prefix(half == 1 ? lines.count / 2 : lines.count).joined(separator: "\n")
          try Data((part + "\n").utf8).write(to: URL(fileURLWithPath: "\(inbox)/\(symbol).csv"), options: .atomic)
        }
      }
      try publish(half: 1)
      try await MarketFleet.with(.init(folder: inbox, interval: "1 Minute")) { fleet in
        var services: [ServiceProcess] = []
        for service in FleetSystem.egx.services.dropFirst() { services.append(try await fleet.start(service)) }
        for service in services { try await service.awaitReady() }
        services.append(try await fleet.start(ServiceCatalogue.egxProducer, [
          "--source", "csv:\(inbox)", "--symbols", (symbols + ["NONE"]).joined(separator: ","), "--n-bars", "1000000",
          "--poll-interval", "1", "--always",
        ]))
        func settled() async throws -> Int {
          let bars = try symbols.reduce(0) { $0 + (try RecordedBars(folder: inbox).series[$1]?.bars ?? 0) }
          try await eventually("every bar is published", timeout: .seconds(180), interval: .milliseconds(250)) {
            try await fleet.records(in: Topics.marketData) == bars
          }
          try await fleet.settle()
          return bars
        }
        _ = try await settled()
        let before = await expositions(of: services)
        try publish(half: 2)
        let bars = try await settled()
        #expect(bars > 1_000)
        try await askInflux(board, fleet)
        // The lag is counted every two seconds.
        try await eventually("the lag of both groups is on their pages") {
          await expositions(of: services.prefix(2)).allSatisfy { $0.contains("souk_kafka_lag_records{") }
        }
        try await askPrometheus(board, before, await expositions(of: services))
      }
    }
  }

  private static let described = Set(
    (ProduceCommand.metrics + InfluxConsumerCommand.metrics + S3ConsumerCommand.metrics).map(\.name))

  private func expositions(of services: some Sequence<ServiceProcess>) async -> [String] {
    var pages: [String] = []
    for service in services { pages.append(await service.get("/metrics")?.body ?? "") }
    return pages
  }

  private func ask(_ fleet: MarketFleet, _ question: String) async throws -> [Answer.Series] {
    let text = try #require(
      await fleet.influx.query(question, database: MarketFleet.database), "InfluxDB refuses \(question)")
    let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
    if let error = answer.results.lazy.compactMap(\.error).first { Issue.record("\(question): \(error)") }
    return answer.results.flatMap { $0.series ?? [] }
  }

  private func askInflux(_ board: MarketDashboard, _ fleet: MarketFleet) async throws {
    // The two days of the recording, in January of 2025.
    let times: ClosedRange<Int64> = 1_736_900_000...1_737_400_000
    var values: [String: String] = [:]
    for (name, question) in board.variables {
      let found = try await ask(fleet, MarketDashboard.filled(question, [:], times: times))
        .flatMap { $0.values.map { $0.last?.text ?? "" } }
      #expect(!found.isEmpty, "the variable \(name) has no value")
      values[name] = found.first
    }
    let recorded = try RecordedBars(folder: fleet.recording.folder)
    let truth = try #require(values["symbol"].flatMap { recorded.series[$0] })
    for query in board.influx {
      let question = MarketDashboard.filled(query.text, values, times: times)
      #expect(!question.contains("$"), "\(query.panel): what is meant by \(question)?")
      let series = try await ask(fleet, question)
      let rows = series.flatMap(\.values)
      #expect(!rows.isEmpty, "\(query.panel) shows nothing: \(question)")
      for column in series.first?.columns.indices ?? 0..<0 {
        #expect(rows.contains { !$0[column].isEmpty }, "\(query.panel): \(series[0].columns[column]) is empty")
      }
      // Some of them are known.
      switch query.panel {
      case "Candles", "Volume": #expect(rows.count == truth.bars, "\(query.panel): one row a bar")
      case "Bars in the range": #expect(rows.first?.last?.text == "\(Double(truth.bars))")
      case "Last close": #expect(rows.first?.last.flatMap { ExactDecimal($0.text) } == truth.last)
      case "Last bar of each symbol": #expect(series.count == recorded.series.count)
      default: break
      }
    }
  }

  /// What the services say on `/metrics`, half way and at the end, in a database that speaks PromQL.
  private func askPrometheus(_ board: MarketDashboard, _ before: [String], _ after: [String]) async throws {
    let server = try await PrivateVictoriaMetrics.start()
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests"))
    let now = Int64(Date.now.timeIntervalSince1970)
    for (pages, time) in [(before, now - 60), (after, now - 5)] {
      for (number, page) in pages.enumerated() {
        let url = try HTTPURL(
          "\(server.url)/api/v1/import/prometheus?timestamp=\(time * 1_000)&extra_label=instance=\(number)")
        let answer = try await client.execute(HTTPRequest("POST", url, body: .bytes(Array(page.utf8))))
        #expect(answer.head.isSuccess, "\(answer.text)")
      }
    }
    _ = await LoopbackHTTP.shared.get(port: server.port, path: "/internal/force_flush")
    struct Found: Decodable {
      struct Data: Decodable { var result: [Series] }
      struct Series: Decodable { var metric: [String: String] }
      var data: Data
    }
    for query in board.prometheus {
      let expression = MarketDashboard.filled(query.text, [:], times: 0...1)
      let request = HTTPRequest.form(
        try HTTPURL("\(server.url)/api/v1/query"),
        [(name: "query", value: expression), (name: "time", value: "\(now)")])
      let answer = try await client.execute(request)
      #expect(answer.head.isSuccess, "\(query.panel): \(answer.text)")
      let found = try JSONDecoder().decode(Found.self, from: Data(answer.body)).data.result
      #expect(!found.isEmpty, "\(query.panel) shows nothing: \(expression)")
      if query.text.contains("souk_kafka_lag_records") {
        #expect(Set(found.compactMap { $0.metric["group"] }) == ["influx-consumer", "s3-consumer"])
      }
      // What a panel with a floor of zero shows must be there to be counted.
      for name in expression.matches(of: /souk_[a-z0-9_]+/).map({ String($0.output) }) {
        let base = name.hasSuffix("_bucket") ? String(name.dropLast(7)) : name
        // A counter is on the page once it has counted.
        #expect(
          Self.described.contains(base) || after.contains { $0.contains("# TYPE \(base) ") },
          "\(query.panel): no service has the metric \(base)")
      }
    }
    client.close()
    await server.stop()
  }
}
