import Foundation

/// A span as a trace collector reads it out of OTLP's JSON.
package struct CollectedSpan: Sendable {
  package var name: String
  package var kind: Int
  package var trace: String
  package var id: String
  package var parent: String?
  package var start: Int
  package var end: Int
  package var error: Bool
  package var attributes: [String: String]
  package var resource: [String: String]
  /// `<trace id>-<span id>`.
  package var links: [String]
  package var droppedLinks: Int

  package var service: String { resource["service.name"] ?? "" }

  /// All that were sent to the collector so far.
  /// - Throws: when a request is not what opentelemetry-proto describes.
  package static func all(in collector: HostileServer) throws -> [CollectedSpan] {
    try collector.requests.flatMap { request in
      try JSONDecoder().decode(Export.self, from: Data(request.body)).resourceSpans.flatMap { resource in
        resource.scopeSpans.flatMap(\.spans).map { span in
          CollectedSpan(
            name: span.name, kind: span.kind, trace: span.traceId, id: span.spanId, parent: span.parentSpanId,
            start: Int(span.startTimeUnixNano) ?? -1, end: Int(span.endTimeUnixNano) ?? -2,
            error: span.status?.code == 2, attributes: Self.texts(span.attributes),
            resource: Self.texts(resource.resource.attributes), links: span.links.map { "\($0.traceId)-\($0.spanId)" },
            droppedLinks: span.droppedLinksCount)
        }
      }
    }
  }

  private static func texts(_ attributes: [Attribute]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: attributes.map { ($0.key, $0.value.stringValue ?? $0.value.intValue ?? "") })
  }

  private struct Export: Decodable {
    var resourceSpans: [ResourceSpans]
  }
  private struct ResourceSpans: Decodable {
    struct Resource: Decodable {
      var attributes: [Attribute]
    }
    struct Scope: Decodable {
      var spans: [Span]
    }
    var resource: Resource
    var scopeSpans: [Scope]
  }
  private struct Attribute: Decodable {
    struct Value: Decodable {
      var stringValue: String?
      var intValue: String?
    }
    var key: String
    var value: Value
  }
  private struct Span: Decodable {
    struct Link: Decodable {
      var traceId: String
      var spanId: String
    }
    struct Status: Decodable {
      var code: Int
    }
    var name: String
    var kind: Int
    var traceId: String
    var spanId: String
    var parentSpanId: String?
    var startTimeUnixNano: String
    var endTimeUnixNano: String
    var attributes: [Attribute]
    var links: [Link]
    var droppedLinksCount: Int
    var status: Status?
  }
}
