/// A compiled time zone as `zic` writes it (TZif, RFC 8536): the changes that are written out, and the rule for
/// the years after them.
struct ZoneFile {
  /// Seconds east of UTC before the first change.
  var firstOffset: Int32
  var transitions: [ZoneTable.Transition]
  /// Nil when the zone stopped changing.
  var rule: ZoneRule?

  /// - Returns: nil when the bytes are not a whole, consistent TZif file.
  init?(_ bytes: [UInt8]) {
    var reader = Reader(bytes: bytes)
    guard var header = Header(&reader) else { return nil }
    var timeSize = 4
    if header.version >= UInt8(ascii: "2") {
      // The first block repeats the data in 32 bits for old readers.
      guard reader.skip(header.blockSize(timeSize: 4)), let second = Header(&reader) else { return nil }
      header = second
      timeSize = 8
    }
    var times: [Int64] = []
    for _ in 0..<header.times {
      guard let time = reader.integer(timeSize) else { return nil }
      times.append(time)
    }
    guard let indices = reader.take(header.times) else { return nil }
    var types: [(offset: Int32, isDST: Bool)] = []
    for _ in 0..<header.types {
      guard let offset = reader.integer(4), let isDST = reader.integer(1), reader.skip(1) else { return nil }
      types.append((Int32(offset), isDST != 0))
    }
    guard indices.allSatisfy({ Int($0) < types.count }), let first = types.first else { return nil }
    guard zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    firstOffset = first.offset
    transitions = zip(times, indices).map { .init(epochSeconds: $0, offset: types[Int($1)].offset) }
    guard timeSize == 8 else { return }
    guard reader.skip(header.characters + header.leaps * 12 + header.standards + header.universals) else { return nil }
    guard reader.integer(1) == 10, let footer = reader.line() else { return nil }
    guard !footer.isEmpty else { return }
    guard let zone = ZoneRule.parse(footer) else { return nil }
    rule = zone.rule
    if transitions.isEmpty, zone.rule == nil { firstOffset = zone.standard }
  }

  private struct Header {
    let version: UInt8
    let universals, standards, leaps, times, types, characters: Int

    init?(_ reader: inout Reader) {
      guard let magic = reader.take(4), magic.elementsEqual("TZif".utf8), let version = reader.take(1)?.first,
        reader.skip(15)
      else { return nil }
      var counts: [Int] = []
      for _ in 0..<6 {
        guard let count = reader.integer(4), count >= 0 else { return nil }
        counts.append(Int(count))
      }
      self.version = version
      (universals, standards, leaps) = (counts[0], counts[1], counts[2])
      (times, types, characters) = (counts[3], counts[4], counts[5])
    }

    func blockSize(timeSize: Int) -> Int {
      times * (timeSize + 1) + types * 6 + characters + leaps * (timeSize + 4) + standards + universals
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
      guard count >= 0, count <= bytes.count - position else { return nil }
      defer { position += count }
      return bytes[position..<(position + count)]
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    /// A signed big-endian integer of `size` bytes.
    mutating func integer(_ size: Int) -> Int64? {
      guard let slice = take(size), let first = slice.first else { return nil }
      return slice.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    }

    mutating func line() -> ArraySlice<UInt8>? {
      guard let end = bytes[position...].firstIndex(of: 10) else { return nil }
      defer { position = end + 1 }
      return bytes[position..<end]
    }
  }
}
