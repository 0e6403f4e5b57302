/// Records to produce, laid end to end in one buffer: appending copies bytes once and allocates nothing per record.
package struct OutgoingBatch: Sendable {
  /// Where a field lies in `bytes`. A count of -1 is an absent field, which is not the same as an empty one.
  struct Field: Sendable {
    var start: Int
    var count: Int
  }

  struct Item: Sendable {
    var topic: Int
    var headers: Int
    var key: Field
    var value: Field
    var routing: Field
    var timestamp: Int64
  }

  private(set) var bytes: [UInt8] = []
  private(set) var items: [Item] = []
  private(set) var topics: [String] = []
  private(set) var headerSets: [[Header]] = []
  private(set) var headerBytes = 0
  /// Some record is placed by `partitionBy`.
  private(set) var hasRouting = false

  package init() {}

  package var count: Int { items.count }
  package var isEmpty: Bool { items.isEmpty }
  /// Keys, values and headers.
  package var byteCount: Int { bytes.count + headerBytes }

  /// - Parameters:
  ///   - value: nil is a tombstone.
  ///   - timestamp: milliseconds since 1970, UTC; nil is the time of producing.
  ///   - partitionBy: bytes whose murmur2 picks the partition instead of the key's. Without both, any partition.
  package mutating func append(
    topic: String, key: [UInt8]?, value: [UInt8]?, headers: [Header] = [], timestamp: Int64? = nil,
    partitionBy: [UInt8]? = nil
  ) {
    if partitionBy != nil { hasRouting = true }
    let item = Item(
      topic: index(of: topic), headers: index(of: headers), key: store(key), value: store(value),
      routing: store(partitionBy), timestamp: timestamp ?? 0)
    items.append(item)
  }

  /// As above, with a value that lies in a buffer of the caller; it is copied.
  package mutating func append(
    topic: String, key: [UInt8]?, value: RawSpan, headers: [Header] = [], timestamp: Int64? = nil,
    partitionBy: [UInt8]? = nil
  ) {
    if partitionBy != nil { hasRouting = true }
    let start = bytes.count
    value.withUnsafeBytes { bytes.append(contentsOf: $0) }
    let stored = Field(start: start, count: bytes.count - start)
    let item = Item(
      topic: index(of: topic), headers: index(of: headers), key: store(key), value: stored,
      routing: store(partitionBy), timestamp: timestamp ?? 0)
    items.append(item)
  }

  /// Copies of the records, for those who do not produce them.
  package var records: some Sequence<(topic: String, key: [UInt8]?, value: [UInt8]?)> {
    func copy(_ field: Field) -> [UInt8]? {
      field.count < 0 ? nil : Array(bytes[field.start..<field.start + field.count])
    }
    return items.lazy.map { (topics[$0.topic], copy($0.key), copy($0.value)) }
  }

  /// How many records go to each topic.
  package var countsByTopic: [String: Int] {
    var counts = [Int](repeating: 0, count: topics.count)
    for item in items { counts[item.topic] += 1 }
    return Dictionary(zip(topics, counts), uniquingKeysWith: +)
  }

  package mutating func reserve(records: Int, bytes count: Int) {
    items.reserveCapacity(records)
    bytes.reserveCapacity(count)
  }

  private mutating func store(_ field: [UInt8]?) -> Field {
    guard let field else { return Field(start: 0, count: -1) }
    defer { bytes.append(contentsOf: field) }
    return Field(start: bytes.count, count: field.count)
  }

  // Neighbours nearly always share topic and headers, so looking at the last ones is enough.
  private mutating func index(of topic: String) -> Int {
    if let last = topics.indices.last, topics[last] == topic { return last }
    if let known = topics.firstIndex(of: topic) { return known }
    topics.append(topic)
    return topics.count - 1
  }

  private mutating func index(of headers: [Header]) -> Int {
    if headers.isEmpty { return -1 }
    for header in headers { headerBytes += header.name.utf8.count + header.value.count }
    if let last = headerSets.indices.last, headerSets[last] == headers { return last }
    headerSets.append(headers)
    return headerSets.count - 1
  }
}

/// One record header. Names may repeat inside a record; Kafka keeps their order.
package struct Header: Sendable, Hashable {
  package var name: String
  package var value: [UInt8]

  package init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ value: String) { self.init(name, Array(value.utf8)) }

  /// The value as text; bytes that are not UTF-8 become U+FFFD.
  package var text: String { String(decoding: value, as: UTF8.self) }
}
