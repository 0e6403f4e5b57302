/// A path to a JSON value: names joined by points, indices in brackets.
///
///     chart.result[0].meta.price      names and places from 0
///     data[-1].value                  places from the end
///     ["Time Series (Daily)"].close   a name that is no word, in quotes
///
/// An empty path is the root value. What a path does not reach is absent, never an error.
package struct ValuePath: Hashable, Sendable {
  package enum Step: Hashable, Sendable {
    case name(String)
    /// From 0; negative ones count from the end, -1 being the last.
    case place(Int)
  }

  package let steps: [Step]

  /// Most steps; the JSON reader goes no deeper either.
  package static let maxSteps = 16

  /// - Returns: nil for a syntax error.
  package init?(_ text: String) {
    var steps: [Step] = []
    var rest = Array(text.utf8)[...]
    var expectsName = true
    while let byte = rest.first {
      if byte == UInt8(ascii: "[") {
        guard let step = Self.bracketed(&rest) else { return nil }
        steps.append(step)
        expectsName = false
      } else {
        if !expectsName {
          guard byte == UInt8(ascii: ".") else { return nil }
          rest = rest.dropFirst()
        }
        let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
        guard !name.isEmpty, !name.contains(UInt8(ascii: "]")), !name.contains(UInt8(ascii: "\"")) else { return nil }
        steps.append(.name(String(decoding: name, as: UTF8.self)))
        rest = rest.dropFirst(name.count)
        expectsName = false
      }
    }
    guard steps.count <= Self.maxSteps else { return nil }
    self.steps = steps
  }

  /// `[0]`, `[-1]` or `["name"]`.
  private static func bracketed(_ rest: inout ArraySlice<UInt8>) -> Step? {
    var inner = rest.dropFirst()
    if inner.first == UInt8(ascii: "\"") {
      inner = inner.dropFirst()
      let name = inner.prefix { $0 != UInt8(ascii: "\"") }
      inner = inner.dropFirst(name.count)
      guard !name.isEmpty, inner.starts(with: Array("\"]".utf8)) else { return nil }
      rest = inner.dropFirst(2)
      return .name(String(decoding: name, as: UTF8.self))
    }
    let digits = inner.prefix { $0 != UInt8(ascii: "]") }
    guard digits.count < inner.count, digits.first != UInt8(ascii: "+"),
      let place = Int(String(decoding: digits, as: UTF8.self)), abs(place) < 1_000_000
    else { return nil }
    rest = inner.dropFirst(digits.count + 1)
    return .place(place)
  }
}
