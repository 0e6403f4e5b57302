import Kafka
import Pipeline
import Schemas

/// The bars of one generation, each in the buffer of its object: copied once from the message, packed when the
/// generation is closed.
package struct BarDraft: GenerationDraft {
  private struct Place: Hashable {
    var day: LocalDateTime.Day
    var symbol: String
    /// Of the record layout; -1 in the other.
    var microsecondsOfDay: Int64
  }
  fileprivate struct Buffer {
    var bytes: [UInt8] = []
    var records = 0
  }

  private let partition: Int32
  private let first: Int64
  private let names: ObjectNames
  private let format: ObjectFormat
  private var decoder: Decoder
  private var indices: [Place: Int] = [:]
  private var places: [Place] = []
  private var buffers: [Buffer] = []
  package private(set) var bytes = 0

  /// What an open object costs besides its bytes: names, table entries, the allocator.
  static let overhead = 400

  /// Decoders are not copied, and a draft is.
  private final class Decoder {
    var value: MarketBarDecoder
    init(_ limits: JSONReader.Limits) { value = MarketBarDecoder(limits: limits) }
  }

  init(partition: Int32, first: Int64, names: ObjectNames, format: ObjectFormat, limits: JSONReader.Limits) {
    self.partition = partition
    self.first = first
    self.names = names
    self.format = format
    decoder = Decoder(limits)
  }

  package var outputs: Int { buffers.count }

  package mutating func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    return append(record.value)
  }

  /// Takes one message.
  mutating func append(_ message: RawSpan) -> Disposition {
    let place: Place
    do throws(DecodingFailure) {
      let address = try decoder.value.address(of: message)
      guard address.symbol.utf8.count <= ObjectNames.maxSymbolBytes else {
        throw DecodingFailure(.badValue, at: 0, "longer than a symbol may be", field: "symbol")
      }
      place = Place(
        day: address.datetime.day, symbol: address.symbol,
        microsecondsOfDay: format.layout == .record ? address.datetime.microsecondsOfDay : -1)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
    let index: Int
    if let known = indices[place] {
      index = known
    } else {
      index = buffers.count
      indices[place] = index
      places.append(place)
      buffers.append(Buffer())
      bytes += Self.overhead
    }
    if format.layout == .record { bytes -= buffers[index].bytes.capacity }
    let before = format.layout == .record ? 0 : buffers[index].bytes.capacity
    buffers[index].add(message, isLine: format.layout == .batch)
    bytes += buffers[index].bytes.capacity - before
    return .keep
  }

  package mutating func finish() -> SealedBars? {
    if buffers.isEmpty { return nil }
    var objects: [SealedBars.Object] = []
    objects.reserveCapacity(buffers.count)
    for (index, place) in places.enumerated() {
      let name = switch format.layout {
      case .batch: ObjectNames.part(partition, first: first, codec: format.codec)
      case .record: ObjectNames.record(microsecondsOfDay: place.microsecondsOfDay)
      }
      objects.append(.init(
        key: "\(names.directory(date: place.day, symbol: place.symbol))/\(name)", bytes: buffers[index].bytes,
        records: buffers[index].records))
      buffers[index].bytes = []
    }
    (buffers, places, indices, bytes) = ([], [], [:], 0)
    return SealedBars(format: format, objects: objects)
  }
}

extension BarDraft.Buffer {
  /// - Parameter isLine: added to the lines before it; else it takes the place of what was there.
  fileprivate mutating func add(_ message: RawSpan, isLine: Bool) {
    if !isLine { bytes.removeAll() }
    let start = bytes.count
    message.withUnsafeBytes { bytes.append(contentsOf: $0) }
    records += 1
    guard isLine else { return }
    // JSON has line breaks only between its tokens, where a blank does as well.
    bytes.withUnsafeMutableBytes { all in
      let line = UnsafeMutableRawBufferPointer(rebasing: all[start...])
      guard line.contains(where: { $0 == 0x0a || $0 == 0x0d }) else { return }
      for index in line.indices where line[index] == 0x0a || line[index] == 0x0d { line[index] = 0x20 }
    }
    bytes.append(0x0a)
  }
}

/// The objects of a closed generation.
package struct SealedBars: Sendable {
  package struct Object: Sendable {
    package var key: String
    /// Not packed yet.
    package var bytes: [UInt8]
    package var records: Int
  }
  package var format: ObjectFormat
  package var objects: [Object]
  /// Which of them are stored already, so that a repetition after an outage goes on where it stopped.
  let progress = StoreProgress()
}
