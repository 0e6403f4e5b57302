import ArgumentParser
import Budgets
import Commodities
import Core
import FetcherService
import Foundation
import HTTP
import LocalServers
import Logging
import Messages
import Options
import Synchronization
import TestSupport
import Values

/// `souk-bench fetch`: fetches per second of one process from slow providers, next to aiohttp.
struct FetchBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Many requests in flight against a slow server, beside aiohttp doing the same.",
    discussion: """
      Ten providers on one simulator (the executable beside this one), each answer after --latency. Every request goes \
      through what the fetcher has before and behind it: breaker, places, budget, request template, libcurl, cache, \
      reading of the chart, choice and checks. The bound is --flight divided by --latency; the simulator shares the \
      machine. The memory is that of this process.
      """)

  @Option(help: "Requests in flight.")
  var flight = 1_000

  @Option(help: "How long the server takes for each.")
  var latency = DurationSetting(.milliseconds(100))

  @Option(help: "Requests.")
  var requests = 60_000

  @Option(help: "How often each way is measured.")
  var rounds = 2

  @Flag(help: "Leave Python out.")
  var alone = false

  private static let providers = 10

  func validate() throws {
    guard (10...16_384).contains(flight), requests >= flight, rounds > 0, latency.duration > .zero else {
      throw ValidationError("--flight goes from 10 to 16384, --requests from --flight on, --rounds above zero")
    }
  }

  func run() async throws {
    let folder = try PrivateFolder("souk-bench-fetch")
    defer { folder.remove() }
    var launch = Launch(try ServiceProcess.path(of: "provider-simulator"), [
      "--port-file", folder.file("port"), "--latency", "\(latency)", "--points", "1",
    ])
    launch.output = .file(folder.file("log"))
    let simulator = try await ChildProcess.start(launch)
    let port = try await eventuallySome("the simulator listens") {
      (try? String(contentsOfFile: folder.file("port"), encoding: .utf8)).flatMap {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    let bound = Double(flight) / (latency.duration / .seconds(1))
    print("\(requests) requests, \(flight) in flight, \(latency) each: at most \(Int(bound)) fetches/s")
    for _ in 0..<rounds {
      let before = ProcessReading(pid: simulator.pid)
      try await measure(port)
      if let before, let after = ProcessReading(pid: simulator.pid) {
        print("  the simulator beside it: \(Int((after.cpuSeconds - before.cpuSeconds) * 10)) tenths of a CPU second")
      }
      if !alone { try await measurePython(port) }
    }
    await simulator.stop()
  }

  private func measure(_ port: Int) async throws {
    let catalogue = try CommodityCatalogue(yaml: Self.yaml(port, places: flight / Self.providers), origin: "bench")
    let sources = try catalogue.readSources()
    var configuration = HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-bench", protocols: .http2)
    configuration.maxIdleConnections = flight
    let client = try HTTPClient(configuration)
    defer { client.close() }
    let cache = ResponseCache(maxBytes: 32 << 20)
    let now = Timestamp(microseconds: 1_767_225_600_000_000) ?? .epoch
    let pool = ProviderPool(
      try sources.map { source in
        try Provider(
          source, settings: Provider.Settings(), client: client, tokens: LocalTokens(source.limits), cache: cache,
          logger: Logger(label: "bench"), now: { now })
      }, maxChange: 20)
    let reader = JobReader(catalogue, sources: sources)
    var jobs: [FetchJob] = []
    for index in 0..<1_000 {
      let due = Timestamp(microseconds: now.microseconds - Int64(index) * 3_600_000_000)
      jobs.append(try reader.job(
        IngestionTask(
          task: .fetchPrice, material: "Brent", source: "P\(index % Self.providers)", dueAt: due), arrived: now))
    }
    let plan = jobs
    let next = Mutex(0)
    let total = requests
    let clock = ContinuousClock()
    let before = ProcessReading(pid: getpid())
    let work: @Sendable () async throws -> Void = {
      while true {
        let index = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard index < total else { return }
        _ = try await pool.ask(plan[index % plan.count], last: nil)
      }
    }
    let took = try await clock.measure {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<flight { group.addTask(operation: work) }
        try await group.waitForAll()
      }
    }
    guard let before, let after = ProcessReading(pid: getpid()) else { return }
    print("souk:    " + line(took / .seconds(1), after.cpuSeconds - before.cpuSeconds, after.peak))
  }

  private func measurePython(_ port: Int) async throws {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and aiohttp from PyPI")
    let url = "http://127.0.0.1:\(port)/python/v8/finance/chart/brent?at=17{n}00000&currency=USD"
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let script = folder.appendingPathComponent("fetch_loop.py").path
    let outcome = try await ChildProcess.run(
      Launch(python, [script, url, "\(requests)", "\(flight)"]), atMost: .seconds(600))
    let numbers = outcome.output.split(separator: " ").compactMap { Double($0.trimmingCharacters(in: .newlines)) }
    guard outcome.status.isSuccess, numbers.count == 3 else {
      return print("aiohttp: did not run; it wants aiohttp from PyPI (\(outcome.status))")
    }
    print("aiohttp: " + line(numbers[0], numbers[1], Int(numbers[2]) << 10))
  }

  private func line(_ seconds: Double, _ cpu: Double, _ peak: Int) -> String {
    "\(Int(Double(requests) / seconds)) fetches/s, \(Int(Double(requests) / cpu)) per CPU second, "
      + "\(ProcessReading.mebibytes(peak)) resident at most"
  }

  private static func yaml(_ port: Int, places: Int) -> String {
    let sources = (0..<providers).map { index in
      """
        - name: P\(index)
          kind: yahoo
          url: "http://127.0.0.1:\(port)/p\(index)/v8/finance/chart/{symbol}?currency={currency}&at={due_at}"
          symbol: "{material}"
          rate: 1000000/s
          concurrency: \(places)

      """
    }
    return """
      countries: []
      materials: [{name: Brent, category: energy, unit: bbl, world: true, currency: USD}]
      schedules: []
      sources:

      """ + sources.joined()
  }
}
