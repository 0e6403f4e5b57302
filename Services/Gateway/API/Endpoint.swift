import ServiceKit

/// One endpoint of the API. The routes and the OpenAPI document are both made of these.
struct Endpoint: Sendable {
  enum Method: String, Sendable { case get, put, delete }
  /// What a token has to allow.
  enum Scope: String, CaseIterable, Sendable { case read, write }

  let method: Method
  /// `/ticks/{symbol}`, behind ``Endpoint/root``.
  let path: String
  /// Its name in generated clients.
  let id: String
  let summary: String
  let scope: Scope
  let parameters: [Parameter]
  let answer: AnswerSchema
  /// Whether the symbol may be unknown, which is 404.
  let mayBeUnknown: Bool
  let handle: @Sendable (Call) async throws -> Reply

  static let root = "/api/v1"

  init(
    _ method: Method, _ path: String, _ id: String, _ summary: String, scope: Scope = .read,
    _ parameters: [Parameter] = [], answer: AnswerSchema, mayBeUnknown: Bool = false,
    handle: @escaping @Sendable (Call) async throws -> Reply
  ) {
    (self.method, self.path, self.id, self.summary) = (method, path, id, summary)
    (self.scope, self.parameters, self.answer, self.mayBeUnknown) = (scope, parameters, answer, mayBeUnknown)
    self.handle = handle
  }
}

/// The parameters of one request, read.
struct Call: Sendable {
  let values: [String: Parameter.Value]
  let request: ServerRequest

  /// - Throws: a parameter that is wrong, unknown, given twice or missing.
  init(_ endpoint: Endpoint, _ request: ServerRequest) throws(Problem) {
    var texts: [String: String] = [:]
    for (name, value) in request.queries {
      guard endpoint.parameters.contains(where: { $0.name == name && $0.place == .query }) else {
        throw .badParameter(name, "is no parameter of \(endpoint.id)")
      }
      guard texts.updateValue(value, forKey: name) == nil else { throw .badParameter(name, "is given twice") }
    }
    var values: [String: Parameter.Value] = [:]
    for parameter in endpoint.parameters {
      let text = parameter.place == .path ? request.parameter(parameter.name) : texts[parameter.name]
      if let text {
        values[parameter.name] = try parameter.read(text)
      } else if parameter.isRequired {
        throw .badParameter(parameter.name, "is missing")
      } else if let standard = parameter.standard {
        values[parameter.name] = standard
      }
    }
    (self.values, self.request) = (values, request)
  }

  func text(_ name: String) -> String { if case .text(let text) = values[name] { text } else { "" } }
  func texts(_ name: String) -> [String] { if case .texts(let texts) = values[name] { texts } else { [] } }
  func time(_ name: String) -> Int64? { if case .time(let time) = values[name] { time } else { nil } }
  func count(_ name: String) -> Int { if case .count(let count) = values[name] { count } else { 0 } }
}

/// What a handler answers with.
enum Reply: Sendable {
  /// - Parameter seconds: how long it may be kept by caches; nil for an answer that says how things are now. The former
  ///   has an `ETag`.
  case json([UInt8], keptFor: Int? = nil)
  case nothing
  case events(@Sendable (EventWriter) async throws -> Void)
}
