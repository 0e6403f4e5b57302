import Core
import CoreMetrics
import Foundation
import HTTP
import Logging
import Values

/// Sends spans to a collector, as OTLP/HTTP with JSON, beside the work of a service.
///
/// A collector that is away costs a request now and then: spans wait in the tracer's queue, which drops and counts what
/// is too much.
struct TraceExporter: Sendable {
  let tracer: Tracer
  let url: HTTPURL
  let headers: HTTPHeaders
  /// Of the resource: `service.name` and what else it is known by.
  let resource: [(name: String, value: String)]
  let client: HTTPClient
  let logger: Logger
  var interval = Duration.seconds(5)
  var backoff = Backoff(base: .seconds(1), cap: .seconds(30))

  /// Sends what waits whenever a batch is full or some time has passed, until `end` is raised; then the rest, once.
  func run(until end: Interruption) async {
    while !end.isRaised {
      _ = await tracer.isFull.sleep(for: interval)
      while !end.isRaised, case let spans = tracer.take(), !spans.isEmpty { await send(spans, until: end) }
    }
    while case let spans = tracer.take(), !spans.isEmpty {
      do { try await post(spans) } catch { Tracer.drop(spans.count, "unsent") }
    }
  }

  private func send(_ spans: [TraceSpan], until end: Interruption) async {
    var attempts = 0
    do {
      let sent: Void? = try await backoff.retry(until: end) { try await post(spans) } isWanted: { failed in
        attempts = failed.number
        if failed.number == 1 {
          logger.warning(
            "the trace collector takes nothing: spans wait, and are dropped and counted when too many do",
            metadata: ["collector": "\(url)", "reason": "\(failed.error)"])
        }
        return true
      }
      if sent == nil { return Tracer.drop(spans.count, "unsent") }
      if attempts > 0 { logger.info("the trace collector takes spans again", metadata: ["collector": "\(url)"]) }
    } catch {
      Tracer.drop(spans.count, "refused")
      logger.warning(
        "the trace collector refused spans",
        metadata: ["collector": "\(url)", "count": .stringConvertible(spans.count), "reason": "\(error)"])
    }
  }

  private func post(_ spans: [TraceSpan]) async throws {
    var headers = headers
    headers["Content-Type"] = "application/json"
    let answer = try await client.execute(HTTPRequest(
      "POST", url, headers: headers, body: .bytes(encoded(spans)),
      limits: HTTPLimits(connectTime: .seconds(3), totalTime: .seconds(10), maxBodyBytes: 1 << 20, maxRedirects: 0)))
    try answer.head.requireSuccess()
    let rejected = Self.rejected(answer.body)
    if rejected > 0 { Tracer.drop(rejected, "refused") }
    Counter(label: Tracer.exported.name).increment(by: spans.count - rejected)
  }

  /// How many spans of a request the collector says it did not keep (`partialSuccess.rejectedSpans`).
  private static func rejected(_ answer: [UInt8]) -> Int {
    let object = try? JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any]
    let count = (object?["partialSuccess"] as? [String: Any])?["rejectedSpans"]
    // 64-bit numbers are text in the JSON of protocol buffers.
    return (count as? Int) ?? (count as? String).flatMap { Int($0) } ?? 0
  }

  // MARK: The form of opentelemetry-proto's ExportTraceServiceRequest

  func encoded(_ spans: [TraceSpan]) -> [UInt8] {
    var json: [UInt8] = []
    json.reserveCapacity(spans.count * 512)
    json += "{\"resourceSpans\":[{\"resource\":{\"attributes\":".utf8
    Self.append(resource.map { ($0.name, .text($0.value)) }, to: &json)
    json += "},\"scopeSpans\":[{\"scope\":{\"name\":\"souk\",\"version\":".utf8
    appendJSONString(Souk.version, to: &json)
    json += "},\"spans\":[".utf8
    for (index, span) in spans.enumerated() {
      if index > 0 { json.append(UInt8(ascii: ",")) }
      Self.append(span, to: &json)
    }
    json += "]}]}]}".utf8
    return json
  }

  private static func append(_ span: TraceSpan, to json: inout [UInt8]) {
    json.append(UInt8(ascii: "{"))
    append(span.context, to: &json)
    if let parent = span.parent { json += ",\"parentSpanId\":\"\(parent.spanID)\"".utf8 }
    json += ",\"flags\":\(span.context.flags),\"kind\":\(span.kind.rawValue),\"name\":".utf8
    appendJSONString(span.name, to: &json)
    json += ",\"startTimeUnixNano\":\"\(span.start)000\",\"endTimeUnixNano\":\"\(span.end)000\"".utf8
    json += ",\"attributes\":".utf8
    append(span.attributes + (span.failure.map { [("error.type", .text($0))] } ?? []), to: &json)
    json += ",\"links\":[".utf8
    for (index, link) in span.links.links.enumerated() {
      json += (index > 0 ? ",{" : "{").utf8
      append(link.context, to: &json)
      json += ",\"attributes\":".utf8
      append(link.attributes, to: &json)
      json.append(UInt8(ascii: "}"))
    }
    json += "],\"droppedLinksCount\":\(span.links.dropped)".utf8
    // 2 is an error; without one the status stays unset, as the conventions ask.
    if span.failure != nil { json += ",\"status\":{\"code\":2}".utf8 }
    json.append(UInt8(ascii: "}"))
  }

  private static func append(_ context: TraceParent, to json: inout [UInt8]) {
    json += "\"traceId\":\"\(context.traceID)\",\"spanId\":\"\(context.spanID)\"".utf8
  }

  private static func append(_ attributes: [TraceSpan.Attribute], to json: inout [UInt8]) {
    json.append(UInt8(ascii: "["))
    for (index, (name, value)) in attributes.enumerated() {
      json += (index > 0 ? ",{\"key\":" : "{\"key\":").utf8
      appendJSONString(name, to: &json)
      switch value {
      case .text(let text):
        json += ",\"value\":{\"stringValue\":".utf8
        appendJSONString(text, to: &json)
      case .number(let number): json += ",\"value\":{\"intValue\":\"\(number)\"".utf8
      }
      json += "}}".utf8
    }
    json.append(UInt8(ascii: "]"))
  }
}
