import Core

/// Which fields of a JSON record become a point's measurement, tags, fields and time.
package struct PointMapping: Hashable, Sendable {
  /// How a field's value is written in line protocol. The mapping determines it, not the record: a server gives a field
  /// the type of its first point.
  package enum FieldType: String, CaseIterable, Hashable, Sendable {
    /// A number, or text that holds one.
    case float, integer
    case string, boolean
  }

  package struct Tag: Hashable, Sendable {
    /// The record's field.
    package var source: String
    package var key: String

    package init(_ source: String, key: String? = nil) {
      self.source = source
      self.key = key ?? source
    }
  }

  package struct Field: Hashable, Sendable {
    package var source: String
    package var key: Key
    package var type: FieldType

    package enum Key: Hashable, Sendable {
      case fixed(String)
      /// The key is the text of another field of the record: `value@field` of `{"value":45.75,"field":"close"}`
      /// is `close=45.75`.
      case named(by: String)
    }

    package init(_ source: String, key: Key? = nil, type: FieldType = .float) {
      self.source = source
      self.key = key ?? .fixed(source)
      self.type = type
    }
  }

  package var measurement: String
  /// Sorted by key, which servers index fastest.
  package private(set) var tags: [Tag]
  package var fields: [Field]
  /// The record's fields that may hold the time; the first one with a value counts.
  package var times: [String]

  package init(measurement: String, tags: [Tag], fields: [Field], times: [String]) {
    self.measurement = measurement
    self.tags = tags.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    self.fields = fields
    self.times = times
  }

  /// The mapping of `egx_market_data`.
  package static let bars = PointMapping(
    measurement: "stock_price", tags: [Tag("symbol"), Tag("exchange"), Tag("interval")],
    fields: ["open", "high", "low", "close", "volume"].map { Field($0) } + [Field("value", key: .named(by: "field"))],
    times: ["observed_at", "datetime"])
}

extension PointMapping.Tag {
  /// `source` or `source=key`.
  init(parsing text: String) throws(Failure) {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard !sides[0].isEmpty, sides.last?.isEmpty == false else {
      throw Failure(.configuration, code: "invalid_mapping", "--tag: '\(text)' is neither field nor field=key")
    }
    self.init(sides[0], key: sides.count == 2 ? sides[1] : nil)
  }
}

extension PointMapping.Field {
  /// `source`, `source=key` or `source@named-by`, each with an optional `:type`.
  init(parsing text: String) throws(Failure) {
    func invalid() -> Failure {
      Failure(
        .configuration, code: "invalid_mapping",
        "--field: '\(text)' is none of field, field=key and field@other, with :integer, :string or :boolean "
          + "after it unless it is a float")
    }
    var rest = Substring(text)
    var type = PointMapping.FieldType.float
    if let colon = rest.lastIndex(of: ":") {
      guard let given = PointMapping.FieldType(rawValue: String(rest[rest.index(after: colon)...])) else {
        throw invalid()
      }
      type = given
      rest = rest[..<colon]
    }
    let place = rest.firstIndex { $0 == "=" || $0 == "@" } ?? rest.endIndex
    let source = String(rest[..<place])
    var key = PointMapping.Field.Key.fixed(source)
    if place < rest.endIndex {
      let name = String(rest[rest.index(after: place)...])
      guard !name.isEmpty else { throw invalid() }
      key = rest[place] == "=" ? .fixed(name) : .named(by: name)
    }
    guard !source.isEmpty else { throw invalid() }
    self.init(source, key: key, type: type)
  }
}
