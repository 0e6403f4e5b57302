import Foundation
@testable import Messages

/// Any JSON value, for comparing the results of two readers.
indirect enum JSONTree: Equatable {
  case null
  case bool(Bool)
  /// In the shortest form of its nearest binary double, the most that Foundation can tell.
  case number(Double)
  case string(String)
  case array([JSONTree])
  case object([String: JSONTree])

  /// What `JSONReader` reads. The last of several equal names wins, as in Foundation.
  init(reading bytes: [UInt8], limits: JSONReader.Limits = .init(maxDepth: 500)) throws(DecodingFailure) {
    var reader = try JSONReader(bytes.span.bytes, limits: limits)
    self = try Self.value(&reader, bytes)
    try reader.finish()
  }

  private static func value(_ reader: inout JSONReader, _ bytes: [UInt8]) throws(DecodingFailure) -> JSONTree {
    switch reader.peek() {
    case UInt8(ascii: "n"):
      if reader.isNull() { return .null }
      throw reader.malformed("not a value")
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try reader.bool())
    case UInt8(ascii: "\""): return .string(try reader.string())
    case UInt8(ascii: "["):
      var values: [JSONTree] = []
      var cursor = try reader.beginArray()
      while try reader.nextElement(&cursor) { values.append(try value(&reader, bytes)) }
      return .array(values)
    case UInt8(ascii: "{"):
      var members: [String: JSONTree] = [:]
      var cursor = try reader.beginObject()
      while try reader.nextKey(&cursor) {
        let name = reader.text(try reader.scanString())
        try reader.colon()
        members[name] = try value(&reader, bytes)
      }
      return .object(members)
    default:
      let start = reader.offset
      try reader.skipValue()
      return .number(Double(String(decoding: bytes[start..<reader.offset], as: UTF8.self)) ?? .nan)
    }
  }

  /// What `JSONSerialization` reads.
  init(_ any: Any) {
    switch any {
    case is NSNull: self = .null
    case let text as String: self = .string(text)
    case let array as [Any]: self = .array(array.map(JSONTree.init))
    case let object as [String: Any]: self = .object(object.mapValues(JSONTree.init))
    case let number as NSNumber:
      self = String(cString: number.objCType) == "c" ? .bool(number.boolValue) : .number(number.doubleValue)
    default: self = .null
    }
  }
}

/// What `JSONDecoder` reads.
extension JSONTree: Decodable {
  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    if let object = try? decoder.container(keyedBy: Name.self) {
      var members: [String: JSONTree] = [:]
      for name in object.allKeys { members[name.stringValue] = try object.decode(JSONTree.self, forKey: name) }
      self = .object(members)
    } else if var array = try? decoder.unkeyedContainer() {
      var values: [JSONTree] = []
      while !array.isAtEnd { values.append(try array.decode(JSONTree.self)) }
      self = .array(values)
    } else {
      let single = try decoder.singleValueContainer()
      if single.decodeNil() {
        self = .null
      } else if let bool = try? single.decode(Bool.self) {
        self = .bool(bool)
      } else if let text = try? single.decode(String.self) {
        self = .string(text)
      } else {
        self = .number(try single.decode(Double.self))
      }
    }
  }
}
