import Core
import Kafka
import Messages
import Pipeline
import Values

/// The records of one generation, each in the buffer of its object: copied once from the message, compressed when the
/// generation is closed.
package struct ObjectDraft: GenerationDraft {
  private let partition: Int32
  private let first: Int64
  private let plan: ObjectPlan
  private let format: ObjectFormat
  private let addresser: any RecordAddresser
  /// Symbol and day of each object, in the record layout also the time of day: its number is that of its buffer.
  private var table = ByteTable()
  private var place: [UInt8] = []
  private var buffers: [Buffer] = []
  package private(set) var bytes = 0

  /// Bytes per open object besides its contents: names, table entries, the allocator.
  static let overhead = 400

  /// The contents of an object, and what the catalogue says of it.
  fileprivate struct Buffer {
    var bytes: [UInt8] = []
    var records = 0
    var symbolBytes: Int
    var day: Int32
    var microsecondsOfDay: Int64
    var from = Int64.max
    var to = Int64.min
    var documents: [NamedDocument] = []
  }

  package init(partition: Int32, first: Int64, plan: ObjectPlan, format: ObjectFormat) {
    self.partition = partition
    self.first = first
    self.plan = plan
    self.format = format
    addresser = plan.makeAddresser()
  }

  package var outputs: Int { buffers.count }

  package mutating func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    return append(record.value, key: record.key, stamp: record.timestamp)
  }

  /// Takes one message.
  package mutating func append(_ message: RawSpan, key: RawSpan? = nil, stamp: Int64 = -1) -> Disposition {
    let address: RecordAddress
    do throws(DecodingFailure) {
      address = try addresser.address(of: message, key: key, stamp: stamp, symbol: &place)
      guard place.count <= ObjectNames.maxSymbolBytes else {
        throw DecodingFailure(.badValue, at: 0, "longer than a symbol may be", field: "symbol")
      }
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
    let symbolBytes = place.count
    withUnsafeBytes(of: address.day) { place.append(contentsOf: $0) }
    if format.layout == .record { withUnsafeBytes(of: address.microsecondsOfDay) { place.append(contentsOf: $0) } }
    let name = place
    let index = table.number(of: name.span.bytes)
    if index == buffers.count {
      buffers.append(Buffer(
        symbolBytes: symbolBytes, day: address.day, microsecondsOfDay: address.microsecondsOfDay))
      bytes += Self.overhead
    }
    let isLine = format.layout == .batch
    if !isLine { bytes -= buffers[index].bytes.capacity }
    let before = isLine ? buffers[index].bytes.capacity : 0
    buffers[index].add(message, isLine: isLine)
    buffers[index].from = min(buffers[index].from, address.nanoseconds)
    buffers[index].to = max(buffers[index].to, address.nanoseconds)
    bytes += buffers[index].bytes.capacity - before
    if plan.namesObjects, let document = NamedDocument(message, at: address.nanoseconds) {
      buffers[index].documents.append(document)
      bytes += Self.overhead
    }
    return .keep
  }

  package mutating func finish() -> SealedObjects? {
    if buffers.isEmpty { return nil }
    var objects: [SealedObjects.Object] = []
    objects.reserveCapacity(buffers.count)
    for index in buffers.indices {
      let buffer = buffers[index]
      let name = switch format.layout {
      case .batch: ObjectNames.part(partition, first: first, codec: format.codec)
      case .record: ObjectNames.record(microsecondsOfDay: buffer.microsecondsOfDay)
      }
      let symbol = String(decoding: table.texts[index].prefix(buffer.symbolBytes), as: UTF8.self)
      objects.append(.init(
        key: "\(plan.names.directory(date: buffer.day, symbol: symbol))/\(name)", bytes: buffer.bytes,
        records: buffer.records, symbol: symbol, day: buffer.day, from: buffer.from, to: buffer.to,
        documents: buffer.documents))
      buffers[index].bytes = []
    }
    (buffers, table, bytes) = ([], ByteTable(), 0)
    return SealedObjects(
      format: format, objects: objects, note: plan.catalogue?.incoming(ObjectNames.range(partition, first: first)))
  }
}

extension ObjectDraft.Buffer {
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
