/// Messages made of one message by leaving elements of one of its arrays out; every other byte stays as it is, so
/// that unknown fields survive.
package enum JSONExcerpt {
  /// - Parameters:
  ///   - indices: of the elements that are wanted.
  ///   - array: the name of the outermost object's field that holds them.
  /// - Returns: for each index a message with that element alone; nil when the message is not what it was said to be.
  package static func ofEach(
    _ indices: [Int], in array: String, of message: RawSpan, limits: JSONReader.Limits = .init()
  ) -> [[UInt8]]? {
    guard let places = try? places(of: array, in: message, limits) else { return nil }
    var excerpts: [[UInt8]] = []
    for index in indices {
      guard places.elements.indices.contains(index) else { return nil }
      var excerpt: [UInt8] = []
      for range in [0..<places.array.lowerBound, places.elements[index], places.array.upperBound..<message.byteCount] {
        message.extracting(range).withUnsafeBytes { excerpt += $0 }
      }
      excerpts.append(excerpt)
    }
    return excerpts
  }

  /// As `ofEach`, for every element.
  package static func ofAll(in array: String, of message: RawSpan, limits: JSONReader.Limits = .init()) -> [[UInt8]]? {
    guard let places = try? places(of: array, in: message, limits) else { return nil }
    return ofEach(Array(places.elements.indices), in: array, of: message, limits: limits)
  }

  /// What lies between the array's brackets, and each of its elements.
  private static func places(
    of name: String, in message: RawSpan, _ limits: JSONReader.Limits
  ) throws(DecodingFailure) -> (array: Range<Int>, elements: [Range<Int>])? {
    var reader = try JSONReader(message, limits: limits)
    var cursor = try reader.beginObject()
    while true {
      guard let field = try reader.nextName(&cursor) else { return nil }
      if field == name { break }
      try reader.skipValue()
    }
    var array = try reader.beginArray()
    let start = reader.position
    var elements: [Range<Int>] = []
    while try reader.nextElement(&array) {
      let first = reader.position
      try reader.skipValue()
      elements.append(first..<reader.position)
    }
    return (start..<(reader.position - 1), elements)
  }
}
