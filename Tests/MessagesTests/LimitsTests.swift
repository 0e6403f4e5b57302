@testable import Messages
import TestSupport
import Testing

@Suite struct LimitsTests {
  @Test func depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      func nested(_ depth: Int) -> [UInt8] {
        let inner = open == "[" ? "" : "1"
        return Array((String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)).utf8)
      }
      let limits = JSONReader.Limits(maxDepth: 8)
      #expect(failure { () throws(DecodingFailure) in try validate(nested(8), limits: limits) } == nil)
      #expect(failure { () throws(DecodingFailure) in try validate(nested(9), limits: limits) }?.kind == .tooDeep)
      // Far deeper than any stack would bear.
      let deep = Array(String(repeating: open, count: 500_000).utf8)
      #expect(failure { () throws(DecodingFailure) in try validate(deep) }?.kind == .tooDeep)
    }
  }

  @Test func depthIsCountedFromTheTopAndGivenBack() {
    let siblings = Array("[[[]],[[]],{\"a\":[]},[[]]]".utf8)
    func kind(_ depth: Int) -> DecodingFailure.Kind? {
      failure { () throws(DecodingFailure) in try validate(siblings, limits: .init(maxDepth: depth)) }?.kind
    }
    #expect(kind(3) == nil)
    #expect(kind(2) == .tooDeep)
  }

  @Test func size() {
    let bytes = Samples.discovered.encoded()
    let exact = JSONReader.Limits(maxBytes: bytes.count)
    let less = JSONReader.Limits(maxBytes: bytes.count - 1)
    func code(_ limits: JSONReader.Limits) -> String? {
      failure { () throws(DecodingFailure) in try FileDiscovered(decoding: bytes.span.bytes, limits: limits) }?.code
    }
    #expect(code(exact) == nil)
    #expect(code(less) == "too_large")
  }

  private func batch(_ count: Int) -> ProductsIngest {
    let items = (0..<count).map { row in
      ProductsIngest.Item(ean: "\(row)", price: decimal("1"), masterID: "m", row: Int64(row))
    }
    return ProductsIngest(header: Samples.header, items: items)
  }

  @Test func items() throws {
    #expect(try ProductsIngest(decoding: batch(500).encoded()).items.count == 500)
    // One more, made by hand, because the writer refuses to.
    var text = String(decoding: batch(500).encoded(), as: UTF8.self)
    text.removeLast(2)
    text += #",{"ean":"x","price":"1","master_id":"m"}]}"#
    let error = failure { () throws(DecodingFailure) in try ProductsIngest(decoding: Array(text.utf8)) }
    #expect(error?.code == "too_many_items")
    #expect(error?.item == 500)
  }

  @Test func theWriterIsFullAt500Items() {
    var writer = ProductsIngestWriter(header: Samples.header)
    for _ in 0..<500 { #expect(append(Samples.items[1], to: &writer) == .written) }
    #expect(append(Samples.items[1], to: &writer) == .full)
    #expect(writer.count == 500)
  }

  @Test func theWriterIsFullAtItsBytes() throws {
    var writer = ProductsIngestWriter(header: Samples.header, maxBytes: 4096)
    var written = 0
    while append(Samples.items[0], to: &writer) == .written { written += 1 }
    let message = try ProductsIngest(decoding: writer.finish())
    #expect(message.items.count == written && written > 3)
    let size = message.encoded().count
    #expect(size <= 4096 && size + 350 > 4096)

    writer.begin(sequence: 4, firstRow: 1600)
    #expect(append(Samples.items[0], to: &writer) == .written)
    let next = try ProductsIngest(decoding: writer.finish())
    #expect(next.header.batchID == "0123456789abcdef0123456789abcdef-000004")
    #expect(next.header.firstRow == 1600)
    #expect(next.items == [Samples.items[0]])
  }

  @Test func anItemLargerThanABatchIsRefused() {
    var writer = ProductsIngestWriter(header: Samples.header, maxBytes: 1024)
    var huge = Samples.items[1]
    huge.name = String(repeating: "x", count: 2000)
    #expect(append(huge, to: &writer) == .tooLarge)
    #expect(append(Samples.items[1], to: &writer) == .written)
    #expect(append(huge, to: &writer) == .full)
    #expect(writer.count == 1)
  }
}
