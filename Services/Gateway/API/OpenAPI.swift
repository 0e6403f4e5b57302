import Core
import Messages

/// The OpenAPI 3.1 document, made of the endpoints that the routes are made of.
enum OpenAPI {
  /// - Parameter isOpen: whether anyone may read.
  static func document(_ endpoints: [Endpoint], isOpen: Bool) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("openapi", "3.1.0")
    writer.key("info")
    writer.beginObject()
    writer.field("title", "Souk")
    writer.field("version", Souk.version)
    writer.field("description", """
      Prices, bars, signals, options flow, texts and features, live and of the batch layer, and what the older systems \
      know. Times are RFC 3339 in UTC; ranges are half open, [start, end). Every answer says up to where it is of the \
      batch layer (batch_until), how far its data reaches (watermark), which holes there are (gaps), and what was away \
      while it was made (degraded). What a gateway was not given (Kafka, a database) has no paths here.
      """)
    writer.endObject()
    writer.key("servers")
    writer.raw("[{\"url\":\"\(Endpoint.root)\"}]")
    writer.key("paths")
    writer.beginObject()
    for path in endpoints.map(\.path).unique {
      writer.key(named: path)
      writer.beginObject()
      for endpoint in endpoints where endpoint.path == path {
        writer.key(named: endpoint.method.rawValue)
        write(endpoint, isOpen: isOpen && endpoint.scope == .read, to: &writer)
      }
      writer.endObject()
    }
    writer.endObject()
    writer.key("components")
    writer.raw("""
      {"schemas":{\(AnswerSchema.components)},"securitySchemes":{"token":{"type":"http","scheme":"bearer"}}}
      """)
    writer.endObject()
    return writer.array()
  }

  private static func write(_ endpoint: Endpoint, isOpen: Bool, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("operationId", endpoint.id)
    writer.field("summary", endpoint.summary)
    writer.key("security")
    // The names are the scopes.
    writer.raw(isOpen ? "[]" : "[{\"token\":[\"\(endpoint.scope.rawValue)\"]}]")
    writer.key("parameters")
    writer.beginArray()
    for parameter in endpoint.parameters { write(parameter, to: &writer) }
    writer.endArray()
    if let body = endpoint.body {
      writer.key("requestBody")
      writer.raw("{\"required\":true,\"content\":{\"application/json\":{\"schema\":\(reference(body.schema))}}}")
    }
    writer.key("responses")
    writer.beginObject()
    switch endpoint.answer {
    case .nothing: answer("204", "Done.", to: &writer)
    case .events:
      answer(
        "200", "Events until the client goes.", type: "text/event-stream", schema: "{\"type\":\"string\"}", to: &writer)
    case .accepted:
      answer(
        "202", "It was written down; Location says where its state is.", type: "application/json",
        schema: reference(endpoint.answer.rawValue), to: &writer)
    default:
      let schema = reference(endpoint.answer.rawValue)
      answer("200", "The answer.", type: "application/json", schema: schema, to: &writer)
      if endpoint.method == .get { answer("304", "The client has it: If-None-Match.", to: &writer) }
    }
    for (status, about) in problems(of: endpoint) {
      answer(status, about, type: "application/problem+json", schema: reference("Problem"), to: &writer)
    }
    writer.endObject()
    writer.endObject()
  }

  private static func problems(of endpoint: Endpoint) -> [(status: String, about: String)] {
    var problems = [
      ("400", "A parameter is wrong."), ("401", "A token is needed."), ("403", "The token may not."),
      ("429", "Too many requests; Retry-After says when."), ("503", "What it needs is away."),
    ]
    if endpoint.mayBeUnknown { problems.append(("404", "What it asks for is not known.")) }
    let mayConflict = endpoint.scope != .read || endpoint.parameters.contains { $0.name == "adjusted" }
    if mayConflict { problems.append(("409", "It cannot be done as things are.")) }
    if endpoint.body != nil {
      problems += [("413", "The body is too long."), ("415", "The body is no JSON.")]
    }
    return problems
  }

  private static func reference(_ schema: String) -> String { "{\"$ref\":\"#/components/schemas/\(schema)\"}" }

  private static func answer(
    _ status: String, _ about: String, type: String? = nil, schema: String = "", to writer: inout JSONWriter
  ) {
    writer.key(named: status)
    writer.beginObject()
    writer.field("description", about)
    if let type {
      writer.key("content")
      writer.raw("{\"\(type)\":{\"schema\":\(schema)}}")
    }
    writer.endObject()
  }

  private static func write(_ parameter: Parameter, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("name", parameter.name)
    writer.field("in", parameter.place.rawValue)
    writer.key("required")
    writer.bool(parameter.isRequired)
    writer.field("description", parameter.about)
    writer.key("schema")
    let (schema, isList) = schema(of: parameter.kind)
    writer.raw(schema)
    if isList {
      writer.field("style", "form")
      writer.key("explode")
      writer.bool(false)
    }
    writer.endObject()
  }

  private static func schema(of kind: Parameter.Kind) -> (json: String, isList: Bool) {
    let symbol = "{\"type\":\"string\",\"pattern\":\(Parameter.pattern(32, ".:-"))}"
    return switch kind {
    case .symbol: (symbol, false)
    case .symbols(let most): (array(of: symbol, most), true)
    case .time: ("{\"type\":\"string\",\"format\":\"date-time\"}", false)
    case .count(let standard, let most):
      ("{\"type\":\"integer\",\"minimum\":1,\"maximum\":\(most),\"default\":\(standard)}", false)
    case .share(let standard):
      ("{\"type\":\"number\",\"minimum\":0,\"maximum\":1,\"default\":\(standard)}", false)
    case .choice(let words, let standard):
      ("{\"type\":\"string\",\"enum\":\(list(words)),\"default\":\"\(standard)\"}", false)
    case .flag: ("{\"type\":\"boolean\",\"default\":false}", false)
    case .choices(let words, _): (array(of: "{\"type\":\"string\",\"enum\":\(list(words))}", nil), true)
    case .word(let most, let others):
      ("{\"type\":\"string\",\"pattern\":\(Parameter.pattern(most, others))}", false)
    case .words(let most):
      (array(of: "{\"type\":\"string\",\"pattern\":\(Parameter.pattern(64, Parameter.wordBytes))}", most), true)
    case .text(let most):
      ("{\"type\":\"string\",\"minLength\":1,\"maxLength\":\(most),\"pattern\":\"^[^\\\\u0000]+$\"}", false)
    case .cursor: ("{\"type\":\"string\",\"pattern\":\(Cursor.pattern)}", false)
    }
  }

  private static func array(of item: String, _ most: Int?) -> String {
    "{\"type\":\"array\",\"items\":\(item),\"minItems\":1" + (most.map { ",\"maxItems\":\($0)" } ?? "") + "}"
  }

  private static func list(_ words: [String]) -> String {
    "[" + words.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }
}

extension JSONWriter {
  mutating func raw(_ json: String) { raw(json.utf8Span.span.bytes) }
}

extension [String] {
  var unique: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
