import Core
import Messages
import ServiceKit

/// One endpoint of the API. The routes and the OpenAPI document are both made of these.
struct Endpoint: Sendable {
  enum Method: String, Sendable { case get, put, post, delete }
  /// What a token has to allow.
  enum Scope: String, CaseIterable, Sendable {
    case read
    /// Subscribing, and filling the semantic cache.
    case write
    /// Submitting and cancelling batch jobs.
    case jobs
    /// Documents of users, reading included: they are about people.
    case users
    /// Sending dead letters back and dismissing them, by the board.
    case operate
  }
  /// JSON that a request has to have.
  struct Body: Sendable {
    /// Of the document: one of ``AnswerSchema/bodies``.
    var schema: String
    /// Bytes.
    var limit: Int
  }

  let method: Method
  /// `/ticks/{symbol}`, behind ``Endpoint/root``.
  let path: String
  /// Its name in generated clients.
  let id: String
  let summary: String
  let scope: Scope
  let parameters: [Parameter]
  let body: Body?
  let answer: AnswerSchema
  /// Whether what is asked for may be unknown, which is 404.
  let mayBeUnknown: Bool
  let handle: @Sendable (Call) async throws -> Reply

  static let root = "/api/v1"

  init(
    _ method: Method, _ path: String, _ id: String, _ summary: String, scope: Scope = .read,
    _ parameters: [Parameter] = [], body: Body? = nil, answer: AnswerSchema, mayBeUnknown: Bool = false,
    handle: @escaping @Sendable (Call) async throws -> Reply
  ) {
    (self.method, self.path, self.id, self.summary) = (method, path, id, summary)
    (self.scope, self.parameters, self.body, self.answer) = (scope, parameters, body, answer)
    self.mayBeUnknown = mayBeUnknown
    self.handle = handle
  }
}

/// The parameters and the body of one request, read.
struct Call: Sendable {
  let values: [String: Parameter.Value]
  /// JSON; empty where the endpoint takes none.
  let body: [UInt8]
  /// nil for a call from within the process.
  let request: ServerRequest?

  /// A call from within the process, without a body.
  /// - Throws: a parameter that is wrong, unknown or missing.
  init(_ endpoint: Endpoint, _ texts: [String: String]) throws(Problem) {
    for name in texts.keys where !endpoint.parameters.contains(where: { $0.name == name }) {
      throw Problem.badParameter(name, "is no parameter of \(endpoint.id)")
    }
    values = try Self.read(endpoint, texts)
    (body, request) = ([], nil)
  }

  /// - Throws: a parameter that is wrong, unknown, given twice or missing; a body that is none or too long.
  init(_ endpoint: Endpoint, _ request: ServerRequest) async throws {
    var texts: [String: String] = [:]
    for (name, value) in request.queries {
      guard endpoint.parameters.contains(where: { $0.name == name && $0.place == .query }) else {
        throw Problem.badParameter(name, "is no parameter of \(endpoint.id)")
      }
      guard texts.updateValue(value, forKey: name) == nil else { throw Problem.badParameter(name, "is given twice") }
    }
    for parameter in endpoint.parameters where parameter.place == .path {
      texts[parameter.name] = try Self.decoded(parameter, request)
    }
    (values, self.request) = (try Self.read(endpoint, texts), request)
    body = if let body = endpoint.body { try await Self.json(request, body) } else { [] }
  }

  private static func read(
    _ endpoint: Endpoint, _ texts: [String: String]
  ) throws(Problem) -> [String: Parameter.Value] {
    var values: [String: Parameter.Value] = [:]
    for parameter in endpoint.parameters {
      if let text = texts[parameter.name] {
        values[parameter.name] = try parameter.read(text)
      } else if parameter.isRequired {
        throw Problem.badParameter(parameter.name, "is missing")
      } else if let standard = parameter.standard {
        values[parameter.name] = standard
      }
    }
    return values
  }

  /// A parameter of the path, its percent-escapes resolved.
  private static func decoded(_ parameter: Parameter, _ request: ServerRequest) throws(Problem) -> String? {
    guard let text = request.parameter(parameter.name) else { return nil }
    guard let decoded = PercentEncoding.decode(text) else {
      throw .badParameter(parameter.name, "has a percent sign that begins no escape, or is not UTF-8")
    }
    return decoded
  }

  /// - Throws: a body of another type, of more bytes, or that is no JSON object.
  private static func json(_ request: ServerRequest, _ body: Endpoint.Body) async throws -> [UInt8] {
    let type = (request.header("content-type") ?? "").lowercased().prefix { $0 != ";" }.filter { $0 != " " }
    guard type == "application/json" else {
      throw Problem(415, "no_json", "the body has to be of type application/json")
    }
    let bytes: [UInt8]
    do {
      bytes = try await request.body(atMost: body.limit)
    } catch where publicCode(of: error) == "body_too_large" {
      throw Problem(413, "body_too_large", "the body may have \(body.limit) bytes")
    }
    do throws(DecodingFailure) {
      var reader = try JSONReader(bytes.span.bytes)
      guard reader.startsObject else { throw reader.unexpectedObject }
      try reader.skipValue()
      try reader.finish()
    } catch {
      throw Problem(400, "bad_body", "the body is no JSON object: \(error.description)")
    }
    return bytes
  }

  func text(_ name: String) -> String { if case .text(let text) = values[name] { text } else { "" } }
  func texts(_ name: String) -> [String] { if case .texts(let texts) = values[name] { texts } else { [] } }
  func time(_ name: String) -> Int64? { if case .time(let time) = values[name] { time } else { nil } }
  func count(_ name: String) -> Int { if case .count(let count) = values[name] { count } else { 0 } }
  func share(_ name: String) -> Double { if case .share(let share) = values[name] { share } else { 0 } }
  func cursor(_ name: String) -> Cursor? { if case .cursor(let cursor) = values[name] { cursor } else { nil } }
}

extension JSONReader {
  fileprivate var unexpectedObject: DecodingFailure {
    DecodingFailure(.wrongType, at: offset, "expected an object")
  }
}

/// What a handler answers with.
enum Reply: Sendable {
  /// - Parameter seconds: how long it may be kept by caches; nil for an answer that says how things are now. The former
  ///   has an `ETag`.
  case json([UInt8], keptFor: Int? = nil)
  /// 202 with a `Location`.
  case accepted([UInt8], at: String)
  case nothing
  case events(@Sendable (EventWriter) async throws -> Void)
}
