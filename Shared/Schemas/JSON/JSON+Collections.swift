extension JSONWriter {
  /// An array of strings.
  package mutating func strings(_ texts: [String]) {
    beginArray()
    for text in texts { string(text) }
    endArray()
  }

  /// An object of whole numbers, its keys in order, so that equal counts give equal bytes.
  package mutating func counts(_ counts: [String: Int64]) {
    beginObject()
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      key(named: name)
      integer(count)
    }
    endObject()
  }
}

extension JSONReader {
  /// An array of strings.
  /// - Throws: `too_many_items` when there are more than `limit`.
  package mutating func strings(atMost limit: Int) throws(DecodingFailure) -> [String] {
    var texts: [String] = []
    var array = try beginArray()
    while try nextElement(&array) {
      guard texts.count < limit else {
        throw DecodingFailure(.tooManyItems, at: position, "more strings than the array may have")
      }
      texts.append(try string())
    }
    return texts
  }

  /// An object of any keys with whole numbers.
  package mutating func counts() throws(DecodingFailure) -> [String: Int64] {
    var counts: [String: Int64] = [:]
    var cursor = try beginObject()
    while try nextKey(&cursor) {
      let name = text(try scanString())
      try colon()
      counts[name] = try integer()
    }
    return counts
  }
}
