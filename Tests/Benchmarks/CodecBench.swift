import ArgumentParser
import Foundation
import Messages
import TestSupport
import Values

/// `souk-bench codec`: messages read and written per second on one core.
struct CodecBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "Read and write JSON messages, beside Foundation and orjson.",
    discussion: """
      Rates are per second of CPU time of one thread, the median of three rounds. Foundation and orjson are given the
      same bytes; their times stay strings and their prices binary doubles, which is less work than ours.
      """)

  @Option(help: "CPU seconds for each figure.")
  var seconds = 0.6

  mutating func run() throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    try flat()
    try ingest()
  }

  private func flat() throws {
    let bar = Bar.sample
    var writer = JSONWriter()
    bar.encode(into: &writer)
    let barBytes = writer.array()
    let file = CodecSamples.file
    let fileBytes = file.encoded()

    var report = CodecReport(title: "flat message: a price bar of \(barBytes.count) bytes", unit: "messages")
    report.read = try rate(seconds: seconds) { _ = try Bar(decoding: barBytes.span.bytes) }
    report.write = rate(seconds: seconds) {
      writer.clear()
      bar.encode(into: &writer)
    }
    try report.compare(PlainBar.self, with: barBytes, seconds: seconds)
    report.print()

    report = CodecReport(title: "flat message: FileDiscovered of \(fileBytes.count) bytes", unit: "messages")
    report.read = try rate(seconds: seconds) { _ = try FileDiscovered(decoding: fileBytes.span.bytes) }
    report.write = rate(seconds: seconds) {
      writer.clear()
      file.encode(into: &writer)
    }
    try report.compare(PlainFile.self, with: fileBytes, seconds: seconds)
    report.print()
  }

  private func ingest() throws {
    let message = CodecSamples.ingest
    let bytes = message.encoded()
    var report = CodecReport(
      title: "ProductsIngest of \(message.items.count) items, \(bytes.count) bytes", unit: "items",
      perCall: Double(message.items.count), bytesPerCall: bytes.count)
    var decoder = ProductsIngestDecoder()
    var counter = ByteCounter()
    report.read = try rate(seconds: seconds) { try decoder.decode(bytes.span.bytes, into: &counter) }
    guard counter.items > 0, counter.items % message.items.count == 0 else {
      throw ValidationError("the decoder saw \(counter.items) items")
    }
    var writer = ProductsIngestWriter(header: message.header)
    let items = message.items.map(BorrowedItem.init)
    report.write = rate(seconds: seconds) {
      writer.begin(sequence: 0, firstRow: 0)
      for item in items { item.append(to: &writer) }
      _ = writer.finish()
    }
    try report.compare(PlainIngest.self, with: bytes, seconds: seconds)
    report.print()
  }
}

/// Touches every field, as a sink would, and keeps only sums.
private struct ByteCounter: ProductsIngestVisitor {
  var items = 0
  private var bytes = 0
  private var price: Int64 = 0

  mutating func header(_ header: IngestHeader) {
    bytes &+= header.batchID.utf8.count &+ header.chain.utf8.count &+ header.storeID.utf8.count
  }

  mutating func item(_ item: borrowing ProductsIngestItemView) {
    items += 1
    bytes &+= item.ean.byteCount &+ item.masterID.byteCount
    if let name = item.name { bytes &+= name.byteCount }
    if let manufacturer = item.manufacturer { bytes &+= manufacturer.byteCount }
    price &+= item.fields.price.mantissa
  }
}

/// An item as the parser holds it: bytes.
private struct BorrowedItem {
  let ean, masterID, name, manufacturer, unitQty, unitOfMeasure: [UInt8]
  let price: ExactDecimal
  let quantity, unitPrice: ExactDecimal?
  let isWeighted: Bool?
  let priceUpdatedAt: Timestamp?
  let row: Int64

  init(_ item: ProductsIngest.Item) {
    func bytes(_ text: String?) -> [UInt8] { Array((text ?? "").utf8) }
    (ean, masterID, name) = (bytes(item.ean), bytes(item.masterID), bytes(item.name))
    (manufacturer, unitQty, unitOfMeasure) = (bytes(item.manufacturer), bytes(item.unitQty), bytes(item.unitOfMeasure))
    (price, quantity, unitPrice) = (item.price, item.quantity, item.unitPrice)
    (isWeighted, priceUpdatedAt, row) = (item.isWeighted, item.priceUpdatedAt, item.row)
  }

  func append(to writer: inout ProductsIngestWriter) {
    _ = writer.append(
      ean: ean.span.bytes, price: price, masterID: (masterID.span.bytes, RawSpan()), name: name.span.bytes,
      manufacturer: manufacturer.span.bytes, unitQty: unitQty.span.bytes, quantity: quantity,
      unitOfMeasure: unitOfMeasure.span.bytes, unitPrice: unitPrice, unit: nil, pricePerUnit: nil,
      isWeighted: isWeighted,
      priceUpdatedAt: priceUpdatedAt, row: row)
  }
}
