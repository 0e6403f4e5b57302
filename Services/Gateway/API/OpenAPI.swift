import Core
import Messages

/// The OpenAPI 3.1 document, made of the endpoints that the routes are made of.
enum OpenAPI {
  static func document(_ endpoints: [Endpoint]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("openapi", "3.1.0")
    writer.key("info")
    writer.beginObject()
    writer.field("title", "Souk")
    writer.field("version", Souk.version)
    writer.field("description", """
      Live prices, bars and the gaps of their feeds. Times are RFC 3339 in UTC; ranges are half open, [start, end). \
      Every answer says what was away while it was made (degraded) and which holes there are (gaps).
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
        write(endpoint, to: &writer)
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

  private static func write(_ endpoint: Endpoint, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("operationId", endpoint.id)
    writer.field("summary", endpoint.summary)
    writer.key("security")
    // An empty requirement: a gateway without tokens answers reads of anyone.
    writer.raw(endpoint.scope == .read ? "[{},{\"token\":[]}]" : "[{\"token\":[]}]")
    writer.key("parameters")
    writer.beginArray()
    for parameter in endpoint.parameters { write(parameter, to: &writer) }
    writer.endArray()
    writer.key("responses")
    writer.beginObject()
    switch endpoint.answer {
    case .nothing: answer("204", "Done.", type: nil, schema: "", to: &writer)
    case .events:
      answer(
        "200", "Events until the client goes.", type: "text/event-stream", schema: "{\"type\":\"string\"}", to: &writer)
    default:
      let schema = "{\"$ref\":\"#/components/schemas/\(endpoint.answer.rawValue)\"}"
      answer("200", "The answer.", type: "application/json", schema: schema, to: &writer)
    }
    var problems = [("400", "A parameter is wrong."), ("401", "A token is needed."), ("403", "The token may not."),
                    ("429", "Too many requests; Retry-After says when."), ("503", "What it needs is away.")]
    if endpoint.mayBeUnknown { problems.append(("404", "The symbol is not known.")) }
    for (status, about) in problems {
      answer(status, about, type: "application/problem+json", schema: "{\"$ref\":\"#/components/schemas/Problem\"}",
             to: &writer)
    }
    writer.endObject()
    writer.endObject()
  }

  private static func answer(
    _ status: String, _ about: String, type: String?, schema: String, to writer: inout JSONWriter
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
    var isList = false
    writer.key("schema")
    switch parameter.kind {
    case .symbol: writer.raw("{\"type\":\"string\",\"minLength\":1,\"maxLength\":32}")
    case .symbols(let most):
      writer.raw("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":\(most)}")
      isList = true
    case .time: writer.raw("{\"type\":\"string\",\"format\":\"date-time\"}")
    case .count(let standard, let most):
      writer.raw("{\"type\":\"integer\",\"minimum\":1,\"maximum\":\(most),\"default\":\(standard)}")
    case .choice(let words, let standard):
      writer.raw("{\"type\":\"string\",\"enum\":\(list(words)),\"default\":\"\(standard)\"}")
    case .choices(let words, _):
      writer.raw("{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":\(list(words))},\"minItems\":1}")
      isList = true
    case .cursor: writer.raw("{\"type\":\"string\",\"maxLength\":64}")
    }
    if isList {
      writer.field("style", "form")
      writer.key("explode")
      writer.bool(false)
    }
    writer.endObject()
  }

  private static func list(_ words: [String]) -> String {
    "[" + words.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }
}

extension JSONWriter {
  mutating func raw(_ json: String) { raw(json.utf8Span.span.bytes) }
}

extension [String] {
  fileprivate var unique: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
