import ArgumentParser
import Core
import CoreMetrics
import Foundation
import Logging
import Synchronization
import Testing
import TestSupport
import Values

@testable import ServiceKit

@Suite(.timeLimit(.minutes(10))) struct TracerTests {
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let parent = TraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")!
  private let unsampled = TraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")!

  /// One run of the exporter with what the variables say, until `body` returns.
  private func export(_ arguments: [String], _ body: (Tracer) async throws -> Void) async throws {
    let options = try TraceOptions.parse(arguments)
    var exporter = try #require(try options.exporter(service: "probe", logger: Self.quiet))
    exporter.interval = .milliseconds(20)
    exporter.backoff = Backoff(base: .milliseconds(5), cap: .milliseconds(20))
    let (running, end) = (exporter, Interruption())
    let task = Task { await running.run(until: end) }
    try await body(exporter.tracer)
    end.raise()
    exporter.tracer.wake()
    await task.value
  }

  @Test func spansArriveAsOTLPReadsThem() async throws {
    let collector = try HostileServer { $1.answer("200 OK", body: "{}") }
    try await export([
      "--otel-exporter-otlp-endpoint", "\(collector.url)/base/", "--otel-exporter-otlp-headers", "x-key=a%20b,y=2",
      "--otel-resource-attributes", "service.name=ignored,deployment.environment.name=test",
      "--otel-service-name", "named",
    ]) { tracer in
      tracer.end(tracer.begin("process t", .consumer, parent: parent, TraceSpan.place("t", 3, 27)), failure: "bad_row")
      var links = SpanLinks()
      for offset in 0..<200 {
        links.add(TraceParent.root().bytes, topic: "t", partition: 1, offset: Int64(offset))
        // A neighbour of the same trace is no second link.
        links.add(Array(parent.bytes), topic: "t", partition: 1, offset: -1)
        links.add(Array(parent.bytes), topic: "t", partition: 1, offset: -1)
      }
      tracer.end(tracer.begin("process t", over: links, []))
      try await eventually("the collector has both") { collector.requests.count >= 1 }
    }
    let request = try #require(collector.requests.first)
    #expect(request.line == "POST /base/v1/traces HTTP/1.1")
    #expect(request.headers["content-type"] == "application/json")
    #expect(request.headers["x-key"] == "a b" && request.headers["y"] == "2")
    let spans = try CollectedSpan.all(in: collector)
    #expect(spans.count == 2)
    let job = try #require(spans.first { $0.parent != nil })
    #expect(job.trace == parent.traceID && job.parent == parent.spanID && job.id != parent.spanID)
    #expect(job.kind == 5 && job.error && job.end >= job.start)
    #expect(job.attributes["messaging.kafka.offset"] == "27" && job.attributes["error.type"] == "bad_row")
    #expect(job.attributes["messaging.destination.partition.id"] == "3")
    #expect(job.resource["service.name"] == "named" && job.resource["deployment.environment.name"] == "test")
    let batch = try #require(spans.first { $0.parent == nil })
    #expect(batch.links.count == 128 && batch.droppedLinks == 272 && !batch.error)
    #expect(batch.links[1] == "\(parent.traceID)-\(parent.spanID)")
  }

  @Test func eachSamplerDecidesAsItsNameSays() {
    func records(_ rule: TraceSampler.Rule, _ parent: TraceParent?, low: UInt64 = .max, ratio: Double = 0.25) -> Bool {
      TraceSampler(rule, ratio: ratio).records(low, parent: parent)
    }
    for parent in [parent, unsampled, nil] {
      #expect(records(.alwaysOn, parent) && !records(.alwaysOff, parent))
      #expect(!records(.ratio, parent) && records(.ratio, parent, low: .max / 4 - 2))
      #expect(records(.parentOrOn, parent) == (parent?.isSampled ?? true))
      #expect(records(.parentOrOff, parent) == (parent?.isSampled ?? false))
      #expect(records(.parentOrRatio, parent) == (parent?.isSampled ?? false))
      #expect(records(.parentOrRatio, parent, low: 1) == (parent?.isSampled ?? true))
      #expect(!records(.ratio, parent, low: 0, ratio: 0) && records(.ratio, parent, ratio: 1))
    }
  }

  @Test func whatIsNotSampledIsCarriedOnAndNotSent() {
    let tracer = Tracer(TraceSampler(.parentOrOn))
    let span = tracer.begin("process t", .consumer, parent: unsampled, [])
    #expect(span.context.traceID == unsampled.traceID && !span.context.isSampled)
    tracer.end(span)
    #expect(tracer.create("u", parent: span.context).isSampled == false)
    var links = SpanLinks()
    links.add(unsampled.bytes, topic: "t", partition: 0, offset: 0)
    tracer.end(tracer.begin("process t", over: links, []))
    #expect(tracer.take().isEmpty)
    // One of many is enough.
    links.add(parent.bytes, topic: "t", partition: 0, offset: 1)
    tracer.end(tracer.begin("process t", over: links, []))
    #expect(tracer.take().count == 1)
  }

  @Test func aFullQueueDropsAndNeverWaits() {
    let tracer = Tracer(TraceSampler())
    for _ in 0..<3_000 { tracer.end(tracer.begin("process t", .consumer, parent: parent, [])) }
    var kept = 0
    while case let batch = tracer.take(), !batch.isEmpty {
      #expect(batch.count <= Tracer.batch)
      kept += batch.count
    }
    #expect(kept == Tracer.limit)
  }

  /// What a service in its own registry counts.
  private func run(_ arguments: [String]) async -> Run { await Run(SampleService.self, arguments) }

  @Test func anUnusableAddressIsAConfigurationError() async {
    for arguments in [
      ["--otel-exporter-otlp-endpoint", "grpc://collector:4317"],
      ["--otel-exporter-otlp-endpoint", "http://c:4318", "--otel-exporter-otlp-headers", "authorization"],
      ["--otel-exporter-otlp-endpoint", "http://c:4318", "--otel-exporter-otlp-headers", "a=b%0d%0ac: canary-7"],
    ] {
      let run = await run(arguments)
      #expect(run.code == 78 && run.error.contains(arguments[arguments.count - 2]), "\(run.error)")
      #expect(!run.error.contains("canary-7"))
    }
    let unknown = await run(["--otel-traces-sampler", "sometimes"])
    #expect(unknown.code != 0 && unknown.error.contains("parentbased_always_on"))
    let high = await run(["--otel-traces-sampler-arg", "2"])
    #expect(high.code == 64 && high.error.contains("from 0 to 1"))
  }

  @Test func headersOfTheCollectorAreNotPrinted() async {
    let run = await Run(
      SampleService.self, ["--print-config"], environment: ["OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary-8"])
    #expect(run.code == 0 && run.output.contains("otel-exporter-otlp-headers") && !run.output.contains("canary-8"))
  }

  @Test(arguments: ["503 Service Unavailable", "429 Too Many Requests"])
  func anOutageOfTheCollectorLosesNothingThatFits(_ status: String) async throws {
    let failures = Mutex(3)
    let collector = try HostileServer { _, connection in
      let fails = failures.withLock { left in
        left -= 1
        return left >= 0
      }
      connection.answer(fails ? status : "200 OK", body: "{}")
    }
    try await export(["--otel-exporter-otlp-endpoint", collector.url]) { tracer in
      tracer.end(tracer.begin("process t", .consumer, parent: parent, []))
      try await eventually("it is taken at last") { collector.requests.count == 4 }
    }
    #expect(Set(collector.requests.map(\.body)).count == 1)
  }

  @Test func whatTheCollectorRefusesIsNotSentAgain() async throws {
    let collector = try HostileServer { $1.answer("400 Bad Request") }
    try await export(["--otel-exporter-otlp-endpoint", collector.url]) { tracer in
      for count in 1...2 {
        tracer.end(tracer.begin("process t", .consumer, parent: parent, []))
        try await eventually("request \(count)") { collector.requests.count == count }
      }
    }
    #expect(collector.requests.count == 2)
  }

  @Test func logLinesNameTheTraceOfTheirTask() throws {
    let lines = LoggingTests()
    TraceContext.$current.withValue(parent) { lines.logger(.json).info("m") }
    #expect(try lines.record()["trace_id"] as? String == "0af7651916cd43dd8448eb211c80319c")
    #expect(try lines.record()["span_id"] as? String == "b7ad6b7169203331")
  }
}
