import Core
import HTTPTypes
import HummingbirdCore
import NIOCore

/// What a server answers, by method and path.
package struct ServerRoutes: Sendable {
  package typealias Handler = @Sendable (ServerRequest) async throws -> ServerAnswer
  private(set) var table = RouteTable<Handler>()

  package init() {}

  /// - Parameter path: words in braces are parameters: `/bars/{symbol}`.
  package mutating func get(_ path: String, _ handler: @escaping Handler) { table.add(.get, path, handler) }
  package mutating func post(_ path: String, _ handler: @escaping Handler) { table.add(.post, path, handler) }
  package mutating func put(_ path: String, _ handler: @escaping Handler) { table.add(.put, path, handler) }
  package mutating func delete(_ path: String, _ handler: @escaping Handler) { table.add(.delete, path, handler) }

  /// Answers what no route is for: another path, or another method of a path. Without it that is a plain 404.
  package var otherwise: Handler?
}

package struct ServerRequest: Sendable {
  let request: Request
  let parameters: [String: String]

  /// What stands in the path for `{name}`.
  package func parameter(_ name: String) -> String? { parameters[name] }
  package func query(_ name: String) -> String? { request.uri.queryParameters[name[...]].map { String($0) } }
  /// The names and values of the query, in their order, decoded.
  package var queries: [(name: String, value: String)] {
    request.uri.queryParameters.map { (String($0.key), String($0.value)) }
  }
  /// `GET`.
  package var method: String { request.method.rawValue }
  package var path: String { request.uri.path }
  package func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { request.headers[$0] } }

  /// - Throws: `Failure(.data)` for a body of more than `limit` bytes.
  package func body(atMost limit: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await part in request.body {
      guard bytes.count + part.readableBytes <= limit else {
        throw Failure(.data, code: "body_too_large", "the request has more than \(limit) bytes")
      }
      bytes.append(contentsOf: part.readableBytesView)
    }
    return bytes
  }
}

/// One answer. A handler that throws answers 400 for class `data`, 503 for `transient`, else 500, with the error's
/// code.
package struct ServerAnswer: Sendable {
  enum Content: Sendable {
    case bytes([UInt8])
    case stream(@Sendable (AnswerWriter) async throws -> Void)
  }
  package let status: Int
  package var headers: [(name: String, value: String)]
  let content: Content

  package init(status: Int = 200, type: String = "application/json", _ bytes: [UInt8]) {
    self.init(status: status, type: type, content: .bytes(bytes))
  }

  /// The whole body, nil where it is written as it is made.
  package var bytes: [UInt8]? { if case .bytes(let bytes) = content { bytes } else { nil } }

  private init(status: Int, type: String, content: Content) {
    self.status = status
    headers = [("content-type", type), ("cache-control", "no-store")]
    self.content = content
  }

  init(_ error: any Error) {
    let status = switch ErrorClass(of: error) {
    case .data: 400
    case .transient: 503
    case .configuration, .fatal: 500
    }
    var body = Array("{\"error\":".utf8)
    appendJSONString(publicCode(of: error), to: &body)
    self.init(status: status, body + Array("}\n".utf8))
  }

  /// A body of any length, written as it is made; `write` waits for the client to take it, and is cancelled when the
  /// service drains. When it throws, the connection is cut, so that the client does not take a part for the whole.
  package static func stream(
    type: String, _ write: @escaping @Sendable (AnswerWriter) async throws -> Void
  ) -> ServerAnswer {
    ServerAnswer(status: 200, type: type, content: .stream(write))
  }

  /// Server-sent events (WHATWG HTML, section 9.2) until `send` returns, the client goes, or the service drains.
  /// - Parameter heartbeat: how often an empty comment shows both sides that the connection is alive.
  package static func events(
    heartbeat: Duration = .seconds(15), _ send: @escaping @Sendable (EventWriter) async throws -> Void
  ) -> ServerAnswer {
    stream(type: "text/event-stream") { writer in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await send(EventWriter(writer: writer)) }
        group.addTask {
          while true {
            try await Task.sleep(for: heartbeat)
            try await writer.write(Array(":\n\n".utf8))
          }
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    }
  }
}

/// Writes the body of one answer. Writes of several tasks go out whole, one after the other.
package struct AnswerWriter: @unchecked Sendable {
  /// Over the outbound end of a connection, which any task may write to.
  let writer: any ResponseBodyWriter

  /// Returns when the connection has room for more.
  package func write(_ bytes: [UInt8]) async throws {
    var writer = writer
    try await writer.write(ByteBuffer(bytes: bytes))
  }
}

/// Sends events to one client.
package struct EventWriter: Sendable {
  let writer: AnswerWriter

  /// - Parameters:
  ///   - data: any text; each of its lines becomes a line of the event.
  ///   - id: what the client says as `Last-Event-ID` when it connects again.
  package func send(_ data: String, event: String? = nil, id: String? = nil) async throws {
    try await send([ServerEvent(Array(data.utf8), event: event, id: id)])
  }

  /// Sends several with one write.
  package func send(_ events: some Sequence<ServerEvent>) async throws {
    var bytes: [UInt8] = []
    for event in events { event.write(to: &bytes) }
    if !bytes.isEmpty { try await writer.write(bytes) }
  }
}

package struct ServerEvent: Sendable {
  /// UTF-8; each of its lines becomes a line of the event.
  package var data: [UInt8]
  package var event: String?
  /// What the client says as `Last-Event-ID` when it connects again.
  package var id: String?

  package init(_ data: [UInt8], event: String? = nil, id: String? = nil) {
    (self.data, self.event, self.id) = (data, event, id)
  }

  /// A line ends with CR, LF or both.
  func write(to bytes: inout [UInt8]) {
    if let event { bytes += "event: \(event)\n".utf8 }
    if let id { bytes += "id: \(id)\n".utf8 }
    let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
    bytes += "data: ".utf8
    for (index, byte) in data.enumerated() {
      switch byte {
      case lf where index > 0 && data[index - 1] == cr: break
      case cr, lf: bytes += "\ndata: ".utf8
      default: bytes.append(byte)
      }
    }
    bytes += "\n\n".utf8
  }
}
