import Foundation

/// What a gateway answers, and what it says of every answer.
@dynamicMemberLookup
package struct GatewayAnswer<Content: Decodable & Sendable>: Decodable, Sendable {
  package let content: Content
  package let truth: GatewayTruth

  package init(from decoder: any Decoder) throws {
    content = try Content(from: decoder)
    truth = try GatewayTruth(from: decoder)
  }

  package subscript<Value>(dynamicMember path: KeyPath<Content, Value>) -> Value { content[keyPath: path] }
}

package struct GatewayTruth: Decodable, Hashable, Sendable {
  /// Up to here the answer is of the batch layer; nil when all of it is live.
  package var batchUntil: String?
  /// How far the data reaches.
  package var watermark: String?
  package var gaps: [Gap]
  /// What was away.
  package var degraded: [String]

  /// A hole in a feed, which has an `id`, or a part of the range that neither side has.
  package struct Gap: Decodable, Hashable, Sendable {
    package var from: String
    package var to, reason, id, feed, symbol, why, state: String?
    package var channels: [String]?
  }
}

/// JSON of any form.
package enum GatewayJSON: Codable, Hashable, Sendable {
  case null, bool(Bool), number(Decimal), text(String), list([GatewayJSON]), object([String: GatewayJSON])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Decimal.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([GatewayJSON].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: GatewayJSON].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

/// A server-sent event (WHATWG HTML, section 9.2).
package struct GatewayEvent: Hashable, Sendable {
  /// What the client says as the last one that it has taken.
  package var id: String?
  package var kind = "message"
  package var data = ""

  /// Cuts a stream into events, however its pieces are cut. What the gateway sends ends its lines with LF.
  struct Reader {
    private var rest: [UInt8] = []
    private var event = GatewayEvent()
    private var lines: [String] = []

    mutating func take(_ piece: [UInt8]) -> [GatewayEvent] {
      var events: [GatewayEvent] = []
      rest += piece
      var start = 0
      while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        line(String(decoding: rest[start..<end], as: UTF8.self)).map { events.append($0) }
        start = end + 1
      }
      rest.removeSubrange(..<start)
      return events
    }

    /// - Returns: the event that ends with the line.
    private mutating func line(_ line: String) -> GatewayEvent? {
      guard !line.isEmpty else {
        defer { (event, lines) = (GatewayEvent(), []) }
        event.data = lines.joined(separator: "\n")
        return lines.isEmpty ? nil : event
      }
      let name = line.prefix { $0 != ":" }
      var value = line.dropFirst(name.count + 1)
      if value.first == " " { value.removeFirst() }
      switch name {
      case "id": event.id = String(value)
      case "event": event.kind = String(value)
      case "data": lines.append(String(value))
      default: break
      }
      return nil
    }
  }
}

package struct GatewayStatus: Decodable, Sendable {
  package struct Layer: Decodable, Sendable {
    package struct Kafka: Decodable, Sendable {
      package struct Producer: Decodable, Sendable { package var isRunning: Bool, totalMessages: Int }
      package struct Consumer: Decodable, Sendable { package var isRunning: Bool, messageCounts: [String: Int] }
      package var enabled: Bool
      package var producer: Producer?
      package var consumer: Consumer?
    }
    package struct Dask: Decodable, Sendable {
      package struct Cluster: Decodable, Sendable {
        package var connected: Bool, workers, cores, jobsSubmitted: Int
        package var expectedWorkers: Int?
      }
      package var enabled: Bool
      package var cluster: Cluster?
    }
    package struct Part: Decodable, Sendable { package var connected: Bool }
    package struct Streams: Decodable, Sendable {
      package struct Flowing: Decodable, Sendable {
        package var isStreaming: Bool
        package var subscribedSymbols: [String]?
        package var totalFlowsDetected, totalEvents: Int?
      }
      package var market, options, sentiment: Flowing?
    }
    package var isRunning: Bool, uptimeSeconds: Int
    package var kafka: Kafka
    package var dask: Dask
    package var hotStore, views, database: Part?
    package var streams: Streams
  }
  package var ingestionLayer: Layer
}

package struct GatewayHealth: Decodable, Sendable {
  package var healthy: Bool
  package var components: [String: Bool]
  package var timestamp: String
}
