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
