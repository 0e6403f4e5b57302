import HTTP

/// The cookies of one visit to one host: names and values; what else a server says of them (paths, ages) does not
/// matter to a visit of half an hour.
struct Cookies {
  private var values: [(name: String, value: String)] = []

  /// Takes every `Set-Cookie` of an answer; a name that comes again has its value replaced.
  mutating func take(_ headers: HTTPHeaders) {
    for line in headers.all("set-cookie") {
      let pair = line.prefix { $0 != ";" }
      guard let equals = pair.firstIndex(of: "=") else { continue }
      let name = pair[..<equals].filter { $0 != " " }
      guard !name.isEmpty else { continue }
      values.removeAll { $0.name == name }
      values.append((String(name), String(pair[pair.index(after: equals)...])))
    }
  }

  /// The value of the `Cookie` header.
  var header: String { values.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") }
}
