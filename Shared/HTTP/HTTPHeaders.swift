/// Header fields in the order they were given or received; names compare without case.
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  package struct Field: Sendable, Hashable {
    package let name: String
    package let value: String
  }

  package private(set) var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  package mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

  package mutating func remove(_ name: String) { fields.removeAll { Self.same($0.name, name) } }

  /// The first value of `name`; setting replaces every field of that name.
  package subscript(_ name: String) -> String? {
    get { fields.first { Self.same($0.name, name) }?.value }
    set {
      remove(name)
      if let newValue { add(name, newValue) }
    }
  }

  /// Every value of `name`, in order (`Set-Cookie` comes many times).
  package func all(_ name: String) -> [String] { fields.filter { Self.same($0.name, name) }.map(\.value) }

  /// Header names are ASCII: one pass over the bytes, no lowercased copies.
  package static func same(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count
      && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}

extension HTTPHeaders {
  /// Whether every name is an RFC 9110 token and no value can end its line: what stands between a string from
  /// outside and a second request smuggled behind ours.
  package var areSafeToSend: Bool {
    fields.allSatisfy { field in
      !field.name.isEmpty && field.name.utf8.allSatisfy(Self.isTokenByte)
        && field.value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
    }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

/// One line of an answer's head, as libcurl hands them over: with its line end.
enum HeaderLine: Equatable {
  case status(Int)
  case field(name: String, value: String)
  case end
  case other

  init(_ bytes: UnsafeRawBufferPointer) {
    var line = bytes[...]
    while let last = line.last, last == 0x0d || last == 0x0a { line.removeLast() }
    if line.isEmpty {
      self = .end
    } else if line.starts(with: "HTTP/".utf8) {
      let code = line.split(separator: 0x20, maxSplits: 2).dropFirst().first
      self = code.flatMap { Int(String(decoding: $0, as: UTF8.self)) }.map { .status($0) } ?? .other
    } else if let colon = line.firstIndex(of: 0x3a) {
      let blank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
      var value = line[line.index(after: colon)...].drop(while: blank)
      while let last = value.last, blank(last) { value.removeLast() }
      self = .field(
        name: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self))
    } else {
      self = .other
    }
  }
}
