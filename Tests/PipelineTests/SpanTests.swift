import Catalogue
import Core
import Foundation
import Kafka
import Logging
import Synchronization
import Testing
import TestSupport
import Values

@testable import Pipeline
@testable import ServiceKit

/// What a tracer sees of the loops.
@Suite(.timeLimit(.minutes(10))) struct SpanTests {
  private let parents = (0..<3).map { _ in TraceParent.root() }

  private func input(_ text: String, _ parent: TraceParent?) -> Scenario.Input {
    Scenario.Input(text, headers: parent.map { [Header(HeaderName.traceparent, $0.bytes)] } ?? [])
  }

  private func ended(_ tracer: Tracer, _ count: Int) async throws -> [TraceSpan] {
    let spans = Mutex<[TraceSpan]>([])
    try await eventually("\(count) spans") {
      spans.withLock { $0 += tracer.take() }
      return spans.withLock { $0.count } >= count
    }
    return spans.withLock { $0 }
  }

  @Test func aJobIsASpanThatItsOutputContinues() async throws {
    let (scenario, tracer) = (try await Scenario(), Tracer(TraceSampler()))
    let identity = ServiceIdentity(name: "test", tracer: tracer)
    let output = scenario.output
    let seen = Mutex<[String: TraceParent]>([:])
    let handler = ScriptedHandler { job, emit in
      seen.withLock { $0[job.text] = TraceContext.current }
      if job.text == "rotten" { throw Failure.rotten }
      var batch = OutgoingBatch()
      batch.append(
        topic: output, key: nil, value: job.value,
        headers: identity.headers(schema: SchemaID("made", version: 1), parent: job.header(HeaderName.traceparent)))
      try await emit.send(batch)
      return .keep
    }
    let running = try scenario.jobs(handler, tracer: tracer)
    try await scenario.feed([input("a", parents[0]), input("rotten", parents[1]), input("root", nil)])
    let spans = try await ended(tracer, 5)
    #expect(spans.count == 5)
    let jobs = spans.filter { $0.kind == .consumer }
    #expect(jobs.count == 3 && jobs.allSatisfy { $0.name == "process \(scenario.input)" })
    let job = try #require(jobs.first { $0.parent == parents[0] })
    #expect(job.context.traceID == parents[0].traceID && job.failure == nil && job.end >= job.start)
    #expect(seen.withLock { $0["a"] } == job.context, "log lines of the handler name the span")
    let made = try #require(spans.first { $0.parent == job.context })
    #expect(made.kind == .producer && made.name == "create made")
    let letters = try await scenario.tap.wait(scenario.dead, 1)
    let rotten = try #require(jobs.first { $0.parent == parents[1] })
    #expect(rotten.failure == "rotten")
    #expect(letters[0].header(HeaderName.traceparent) == rotten.context.description)
    let sent = try await scenario.tap.wait(scenario.output, 2)
    #expect(sent.first { $0.text == "a" }?.header(HeaderName.traceparent) == made.context.description)
    #expect(jobs.contains { $0.parent == nil })
    _ = try await running.drain()
  }

  /// Each attempt is a span; its links are the traces of the records, each once.
  @Test func aFlushIsASpanWithLinksToItsRecords() async throws {
    let (scenario, store, tracer) = (try await Scenario(), FakeStore(), Tracer(TraceSampler()))
    let running = try scenario.sink(FakeSink(store), tracer: tracer)
    try await eventually("ready") { running.context.health.isReady }
    store.change { $0.isDown = true }
    try await scenario.feed([input("a", parents[0]), input("b", parents[0]), input("c", parents[1]), input("d", nil)])
    let failed = try await ended(tracer, 2)
    #expect(failed.allSatisfy { $0.failure == "outage" && $0.kind == .consumer && $0.parent == nil })
    store.change { $0.isDown = false }
    try await scenario.eventuallyCommitted(4)
    _ = try await running.drain()
    let spans = tracer.take().filter { $0.failure == nil }
    #expect(Set(spans.flatMap(\.links.contexts)) == Set(parents.prefix(2)))
    #expect(spans.allSatisfy { $0.name == "process \(scenario.input)" })
    let counts = spans.flatMap(\.attributes).filter { $0.name == "messaging.batch.message_count" }.map { attribute in
      if case .number(let count) = attribute.value { Int(count) } else { 0 }
    }
    #expect(counts.reduce(0, +) == 4, "each record is in one flush that succeeded")
  }

  @Test func withoutATracerHeadersAndRecordsStayAsTheyAre() async throws {
    let scenario = try await Scenario()
    let seen = Mutex<[Header]>([])
    let running = try scenario.jobs(ScriptedHandler { job, _ in
      seen.withLock { $0 = job.headers }
      return .keep
    })
    try await scenario.feed([input("a", parents[0])])
    try await scenario.eventuallyCommitted(1)
    #expect(seen.withLock { $0 } == [Header(HeaderName.traceparent, parents[0].bytes)])
    _ = try await running.drain()
  }

  @Test func theLineOfADeadLetterNamesItsTraceAndItsPlaceInNumbers() throws {
    let line = Mutex<[UInt8]>([])
    let output = LogOutput { bytes in line.withLock { $0 += bytes } }
    let logger = Logger(label: "test") { label in
      LineLogHandler(label: label, service: "test", level: .info, format: .json, output: output)
    }
    let queue = DeadLetterQueue(
      service: ServiceIdentity(name: "test"), budget: DeadLetterBudget(limit: nil), largest: 1_000_000, logger: logger)
    let record = Job(
      topic: "input", partition: 3, offset: 41, timestamp: 7, key: nil, value: [1],
      headers: [Header(HeaderName.traceparent, parents[0].bytes)],
      lease: Lease(partition: TopicPartition("input", 3), epoch: 1))
    var batch = OutgoingBatch()
    try queue.add(DeadLetter(record, Rejection(code: "rotten", stage: "handle", "no good")), to: &batch)
    let fields = try #require(
      try JSONSerialization.jsonObject(with: Data(line.withLock { $0 })) as? [String: Any])
    #expect(fields["trace_id"] as? String == parents[0].traceID && fields["span_id"] as? String == parents[0].spanID)
    #expect(fields["partition"] is Int && fields["offset"] as? Int == 41 && fields["topic"] as? String == "input")
  }
}
