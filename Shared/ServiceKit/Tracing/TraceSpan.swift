import Values

/// One piece of work of a trace, as OpenTelemetry has it.
///
/// Names and attributes are those of the semantic conventions for messaging and for Kafka.
package struct TraceSpan: Sendable {
  /// With the numbers of OTLP.
  package enum Kind: Int, Sendable { case producer = 4, consumer = 5 }

  package enum Value: Hashable, Sendable {
    case text(String)
    case number(Int64)
  }

  package typealias Attribute = (name: String, value: Value)

  /// A span of another trace that this one worked on.
  struct Link: Sendable {
    var context: TraceParent
    var attributes: [Attribute]
  }

  package let name: String
  package let kind: Kind
  /// What messages that this work produces carry on.
  package let context: TraceParent
  /// Nil for the first of its trace.
  package let parent: TraceParent?
  package var attributes: [Attribute]
  var links: SpanLinks
  /// Microseconds since 1970, UTC.
  let start: Int64
  var end: Int64 = 0
  /// The code of the error it failed with.
  var failure: String?
}

/// The messages of a batch that carry a context, for the links of the span that works on all of them.
package struct SpanLinks: Sendable {
  /// As many as OpenTelemetry's libraries keep by default.
  private static let limit = 128

  private(set) var links: [TraceSpan.Link] = []
  /// Different contexts that came after the limit.
  private(set) var dropped = 0
  private var last: [UInt8] = []

  package init() {}

  package var isEmpty: Bool { links.isEmpty }
  var contexts: [TraceParent] { links.map(\.context) }

  /// - Parameter context: the header `traceparent`. Neighbours with the same one, as the messages of one file have it,
  ///   are one link.
  package mutating func add(_ context: [UInt8], topic: String, partition: Int32, offset: Int64) {
    guard context != last else { return }
    last = context
    guard links.count < Self.limit else {
      dropped += 1
      return
    }
    guard let parsed = TraceParent(parsing: context.span.bytes) else { return }
    links.append(TraceSpan.Link(context: parsed, attributes: TraceSpan.place(topic, partition, offset)))
  }
}

extension TraceSpan {
  /// Where a message lies.
  package static func place(_ topic: String, _ partition: Int32, _ offset: Int64) -> [Attribute] {
    [
      ("messaging.destination.name", .text(topic)), ("messaging.destination.partition.id", .text("\(partition)")),
      ("messaging.kafka.offset", .number(offset)),
    ]
  }
}
