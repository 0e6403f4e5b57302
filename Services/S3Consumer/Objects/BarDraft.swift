import Kafka
import Messages
import Pipeline
import Synchronization
import Values

/// The bars of one generation, each in the buffer of its object: copied once from the message, compressed when the
/// generation is closed.
package struct BarDraft: GenerationDraft {
  private struct ObjectID: Hashable {
    var day: LocalDateTime.Day
    var symbol: String
    /// In the record layout; -1 in the batch layout.
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
  private var indices: [ObjectID: Int] = [:]
  private var ids: [ObjectID] = []
  private var buffers: [Buffer] = []
  package private(set) var bytes = 0

  /// Bytes per open object besides its contents: names, table entries, the allocator.
  static let overhead = 400

  /// A reference, because a draft is copied and a decoder is not.
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
    let id: ObjectID
    do throws(DecodingFailure) {
      let address = try decoder.value.address(of: message)
      guard address.symbol.utf8.count <= ObjectNames.maxSymbolBytes else {
        throw DecodingFailure(.badValue, at: 0, "longer than a symbol may be", field: "symbol")
      }
      id = ObjectID(
        day: address.datetime.day, symbol: address.symbol,
        microsecondsOfDay: format.layout == .record ? address.datetime.microsecondsOfDay : -1)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
    let index: Int
    if let known = indices[id] {
      index = known
    } else {
      index = buffers.count
      indices[id] = index
      ids.append(id)
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
    for (index, id) in ids.enumerated() {
      let name = switch format.layout {
      case .batch: ObjectNames.part(partition, first: first, codec: format.codec)
      case .record: ObjectNames.record(microsecondsOfDay: id.microsecondsOfDay)
      }
      objects.append(.init(
        key: "\(names.directory(date: id.day, symbol: id.symbol))/\(name)", bytes: buffers[index].bytes,
        records: buffers[index].records))
      buffers[index].bytes = []
    }
    (buffers, ids, indices, bytes) = ([], [], [:], 0)
    return SealedBars(format: format, objects: objects)
  }
}

extension BarDraft.Buffer {
  /// - Parameter isLine: appends a line; otherwise the message replaces the contents.
  fileprivate mutating func add(_ message: RawSpan, isLine: Bool) {
    if !isLine { bytes.removeAll() }
    let start = bytes.count
    message.withUnsafeBytes { bytes.append(contentsOf: $0) }
    records += 1
    guard isLine else { return }
    // JSON has line breaks only between tokens, where a blank is equivalent.
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
    /// Before compression.
    package var bytes: [UInt8]
    package var records: Int
  }
  package var format: ObjectFormat
  package var objects: [Object]
  /// Which objects are stored, so that a retry after an outage continues with the others.
  let progress = Progress()

  final class Progress: Sendable {
    private let done = Mutex<Set<Int>>([])

    func isDone(_ index: Int) -> Bool { done.withLock { $0.contains(index) } }
    func finish(_ index: Int) { done.withLock { _ = $0.insert(index) } }
  }
}
