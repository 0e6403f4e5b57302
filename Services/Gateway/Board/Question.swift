import Core
import Operations
import Values

/// One question to the API, asked within the process: the board shows what the API answers, and queries nothing twice.
struct Question: Sendable {
  private let endpoint: Endpoint
  private let given: [String: String]
  /// Of the same answer over HTTP.
  let address: String

  /// - Parameters:
  ///   - operation: of the OpenAPI document.
  ///   - given: the texts of its parameters; those that are nil or empty are left out.
  /// - Returns: nil for an operation that this gateway has not.
  init?(_ operation: String, _ given: [(name: String, value: String?)], of gateway: Gateway) {
    guard let endpoint = gateway.endpoints.first(where: { $0.id == operation }) else { return nil }
    let pairs = given.compactMap { name, value in value.flatMap { $0.isEmpty ? nil : (name, $0) } }
    self.endpoint = endpoint
    self.given = Dictionary(pairs) { first, _ in first }
    var (path, query) = (endpoint.path, [String]())
    for (name, value) in pairs {
      let text = PercentEncoding.encode(value)
      if path.contains("{\(name)}") {
        path = path.replacing("{\(name)}", with: text)
      } else {
        query.append("\(name)=\(text)")
      }
    }
    address = Endpoint.root + path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
  }

  /// - Throws: what the API refuses with; `Problem` 404 for what is not known.
  func answer() async throws -> DataValue {
    guard case .json(let bytes, _) = try await endpoint.handle(try Call(endpoint, given)),
      let answer = DataValue(parsing: bytes)
    else { throw Problem(500, "no_answer", "\(endpoint.id) does not answer with JSON") }
    return answer
  }
}

extension Board {
  func ask(_ operation: String, _ given: [(name: String, value: String?)]) async throws -> DataValue {
    guard let question = Question(operation, given, of: gateway) else {
      throw Problem(404, "no_such_operation", "this gateway was not given what \(operation) needs")
    }
    return try await question.answer()
  }

  /// A panel of one answer of the API, which is its source. What is not known is an empty panel.
  func panel(
    _ id: String, _ title: String, of operation: String, _ given: [(name: String, value: String?)], nothing: String,
    _ make: @escaping @Sendable (DataValue) throws -> [Panel.Content]
  ) -> Panel {
    let question = Question(operation, given, of: gateway)
    return Panel(id, title, question.map { .api($0.address) }) {
      do {
        let answer = try await ask(operation, given)
        return Panel.Filling(try make(answer) + answer.warnings, nothing: nothing)
      } catch let problem as Problem where problem.status == 404 {
        return Panel.Filling([], nothing: "\(problem.detail). \(nothing)")
      }
    }
  }

  /// A list of links to views, as `all`, `1m`, `1h`; the one that is shown is marked.
  static func choices(_ name: String, _ links: [(text: String, link: Link, isShown: Bool)]) -> Panel.Content {
    .other(
      .tag("p", [.class("choices")], "\(name): ", .all(links.enumerated().map { index, each in
        .all([index == 0 ? .nothing : " · ", each.link.html(
          .name(each.text), each.isShown ? .named("aria-current", "true") : nil)])
      })), name: "choices", .list(links.map { .text($0.text) }))
  }

  static func legend(_ entries: [(style: String, text: String)]) -> HTML {
    .tag("ul", [.class("legend")], all: entries.map { .tag("li", [.class($0.style)], .name($0.text)) })
  }
}

extension DataValue {
  /// Of a list; of anything else none.
  var items: [DataValue] { if case .list(let items) = self { items } else { [] } }

  func items(_ name: String) -> [DataValue] { self[name]?.items ?? [] }

  /// A text, or a number with the digits that it was written with.
  var text: String? {
    switch self {
    case .text(let text): text
    case .literal(let digits): digits
    case .integer(let number): "\(number)"
    default: nil
    }
  }

  func text(_ name: String) -> String? { self[name]?.text }

  /// Not finite where there is no number.
  func double(_ name: String) -> Double { self[name]?.double ?? .nan }

  var double: Double {
    switch self {
    case .integer(let number): Double(number)
    case .number(let number): number
    case .literal(let text), .text(let text): Double(text) ?? .nan
    default: .nan
    }
  }

  /// Of a time as RFC 3339, milliseconds since 1970.
  func time(_ name: String) -> Double? {
    guard case .text(let text)? = self[name] else { return nil }
    return Timestamp(parsing: text.utf8Span.span.bytes).map { Double($0.microseconds / 1_000) }
  }

  /// What an answer says was away.
  var warnings: [Panel.Content] {
    let away = items("degraded").compactMap(\.text)
    return away.isEmpty ? [] : [
      .words(["This was answered without \(away.joined(separator: ", ")), which is away."], .warning),
    ]
  }
}

extension Report.Cell {
  /// A member of an answer as it is written there.
  static func of(_ row: DataValue, _ name: String) -> Report.Cell {
    Report.Cell(row[name] ?? .null, row.text(name) ?? "-")
  }

  /// A time of an answer to the second: `2026-03-02 14:30:00`.
  static func time(_ row: DataValue, _ name: String) -> Report.Cell {
    let text = row.text(name).map { String($0.prefix(19)).replacing("T", with: " ") }
    return Report.Cell(row[name] ?? .null, text ?? "-")
  }
}
