import ArgumentParser
import Compression
import Core
import CZlib
import Foundation
import ParserService
import PriceFiles

/// `souk-bench parse`: items and megabytes per second from compressed file to messages, next to zlib alone.
struct ParseBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse",
    abstract: "Read price files to messages, beside zlib and lxml on the same bytes.",
    discussion: """
      Rates are per second of CPU time of one thread, the median of three rounds, over the decompressed bytes. Files \
      that are not gzip are packed first, so that every figure has its bound. lxml's iterparse reads the same bytes in \
      a process of its own, with no work done on the rows. With match, every row is looked up among the masters of \
      its own file.
      """)

  @Argument(help: "Published price files; without any, a generated one of 10,000 items.")
  var files: [String] = []

  @Option(help: "CPU seconds for each figure.")
  var seconds = 1.0

  @Option(help: "A Python with lxml (the Debian package python3-lxml).")
  var python = "/usr/bin/python3"

  mutating func run() throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    var inputs = try files.map { ($0, Array(try Data(contentsOf: URL(fileURLWithPath: $0)))) }
    if inputs.isEmpty { inputs = [("generated", GeneratedPriceFile.bytes(items: 10_000))] }
    for (name, bytes) in inputs { try measure(name, bytes) }
  }

  private func measure(_ path: String, _ bytes: [UInt8]) throws {
    let packed = bytes.starts(with: [0x1F, 0x8B]) ? bytes : ParseWork.gzipped(bytes)
    let work = try ParseWork(path: path, packed: packed)
    let summary = try work.decode()
    let items = Double(summary.rows)
    let megabytes = Double(summary.inflatedBytes) / 1e6
    print("\(path.split(separator: "/").last ?? ""): \(summary.rows) rows, \(packed.count) bytes packed, "
      + "\(summary.inflatedBytes) inflated, \(summary.dialect?.rawValue ?? "-"), \(summary.outcome.rawValue)")
    guard summary.rows > 0 else { return }

    let inflate = rate(seconds: seconds) { work.inflateOnly() }
    let decode = try rate(seconds: seconds) { _ = try work.decode() }
    let encode = try rate(seconds: seconds) { _ = try work.encode() }
    let match = try rate(seconds: seconds) { _ = try work.matchAndEncode() }
    line("zlib inflate alone", inflate, items, megabytes, inflate)
    line("inflate + decode", decode, items, megabytes, inflate)
    line("inflate + decode + encode", encode, items, megabytes, inflate)
    line("inflate + decode + match + encode", match, items, megabytes, inflate)
    guard let seconds = try work.lxmlSeconds(python) else {
      print("  lxml: \(python) cannot import it (install python3-lxml)")
      return
    }
    line("lxml iterparse (inflate included)", 1 / seconds, items, megabytes, inflate)
    print(String(format: "  %.1f x the items/s of lxml", match * seconds))
  }

  private func line(_ what: String, _ perSecond: Double, _ items: Double, _ megabytes: Double, _ bound: Double) {
    let name = what.padding(toLength: 36, withPad: " ", startingAt: 0)
    print(String(
      format: "  %@ %10.0f items/s %8.1f MB/s  %5.2f x zlib's time", name, perSecond * items, perSecond * megabytes,
      bound / perSecond))
  }
}

/// The things measured, over one file.
private struct ParseWork {
  let packed: [UInt8]
  let reading: ParseMeasure
  private let matching: ParseMeasure
  private let zone: ZoneTable

  init(path: String, packed: [UInt8]) throws {
    self.packed = packed
    zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    reading = ParseMeasure(zone: zone)
    var matching = reading
    try matching.learn(productsOf: packed)
    self.matching = matching
  }

  func inflateOnly() {
    var target = [UInt8](repeating: 0, count: 128 << 10)
    var stream = z_stream()
    packed.withUnsafeBytes { source in
      target.withUnsafeMutableBytes { target in
        inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.avail_in = UInt32(source.count)
        repeat {
          stream.next_out = target.baseAddress?.assumingMemoryBound(to: Bytef.self)
          stream.avail_out = UInt32(target.count)
        } while inflate(&stream, Z_NO_FLUSH) == Z_OK
        inflateEnd(&stream)
      }
    }
  }

  func decode() throws -> PriceFileSummary {
    let reader = PriceFileReader(zone: zone)
    try packed.withUnsafeBytes { bytes in
      _ = try reader.feed(bytes) { _ in }
      _ = try reader.finish { _ in }
    }
    return reader.summary
  }

  func encode() throws -> Int { try reading.messages(of: packed) }
  func matchAndEncode() throws -> Int { try matching.messages(of: packed) }

  static func gzipped(_ bytes: [UInt8]) -> [UInt8] { Deflate.gzip(bytes) ?? [] }

  /// CPU seconds lxml takes to walk the file, nil when it cannot be imported.
  func lxmlSeconds(_ python: String) throws -> Double? {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("souk-bench-\(getpid()).gz")
    try Data(packed).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = """
      import gzip, io, sys, time
      from lxml import etree
      packed = open(sys.argv[1], "rb").read()
      best = 1e9
      for _ in range(3):
          start = time.process_time()
          for _, row in etree.iterparse(io.BytesIO(gzip.decompress(packed)), tag=("Item", "Product", "Line")):
              row.clear()
          best = min(best, time.process_time() - start)
      print(best)
      """
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script, file.path]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Double(output.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

/// A full price file of the most common form, the same in every run. 19 of 20 codes are GTINs, as in published files.
enum GeneratedPriceFile {
  private static func code(_ index: Int) -> String {
    guard index % 20 != 19 else { return String(100_000 + index) }
    let digits = "72900\(String(1_000_000 + index * 7))"
    let sum = digits.utf8.enumerated().reduce(0) { $0 + Int($1.element & 0xF) * ($1.offset % 2 == 0 ? 1 : 3) }
    return "\(digits)\((10 - sum % 10) % 10)"
  }

  static func bytes(items: Int) -> [UInt8] {
    var text = "\u{FEFF}<Root>\r\n  <XmlDocVersion>1.0</XmlDocVersion>\r\n  <ChainId>7290058140886</ChainId>\r\n"
      + "  <SubChainId>1</SubChainId>\r\n  <StoreId>29</StoreId>\r\n  <BikoretNo>2</BikoretNo>\r\n"
      + "  <Items Count=\"\(items)\">\r\n"
    let names = [
      "חלב טרי 3% שומן", "לחם אחיד פרוס", "גבינה צהובה עמק 28%", "קפה נמס עלית", "שמן זית כתית מעולה 750 מ\"ל",
    ]
    let makers = ["תנובה", "אנג'ל", "שטראוס", "אסם", "לא ידוע"]
    var state: UInt64 = 42
    for index in 0..<items {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let random = Int(state >> 33)
      let updated = "2026-0\(random % 8 + 1)-1\(random % 9) 0\(random % 10):\(random % 50 + 10):00"
      let price = "\(random % 90 + 1).\(random / 90 % 10)0"
      text += """
            <Item>\r
              <PriceUpdateDate>\(updated)</PriceUpdateDate>\r
              <ItemCode>\(code(index))</ItemCode>\r
              <ItemType>1</ItemType>\r
              <ItemName>\(names[random % 5]) \(index)</ItemName>\r
              <ManufacturerName>\(makers[random / 7 % 5])</ManufacturerName>\r
              <ManufactureCountry>IL</ManufactureCountry>\r
              <ManufacturerItemDescription>\(names[random % 5]) \(random % 1000) גרם</ManufacturerItemDescription>\r
              <UnitQty>גרם</UnitQty>\r
              <Quantity>\(random % 900 + 100).00</Quantity>\r
              <bIsWeighted>0</bIsWeighted>\r
              <UnitOfMeasure>100 גרם</UnitOfMeasure>\r
              <QtyInPackage>לא ידוע</QtyInPackage>\r
              <ItemPrice>\(price)</ItemPrice>\r
              <UnitOfMeasurePrice>\(random % 20).\(random % 10_000 + 1000)</UnitOfMeasurePrice>\r
              <AllowDiscount>1</AllowDiscount>\r
              <ItemStatus>1</ItemStatus>\r
            </Item>\r\n
        """
    }
    return Array((text + "  </Items>\r\n</Root>").utf8)
  }
}
