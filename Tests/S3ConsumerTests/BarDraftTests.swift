import CZstd
import Messages
import Pipeline
import S3ConsumerService
import Testing

@testable import Archiving

@Suite struct BarDraftTests {
  private func draft(_ format: ObjectFormat, first: Int64 = 42) -> ObjectDraft {
    let plan = ObjectPlan(names: ObjectNames(folder: "s")) { BarAddresser(limits: .init()) }
    return ObjectDraft(partition: 7, first: first, plan: plan, format: format)
  }
  private func append(_ text: String, to draft: inout ObjectDraft) -> Disposition {
    let bytes = Array(text.utf8)
    return draft.append(bytes.span.bytes)
  }

  @Test func linesOfOneDayAndSymbolShareAnObject() throws {
    var draft = draft(ObjectFormat(layout: .batch, codec: .none))
    for (symbol, time) in [("A", "2025-01-20T10:00:00"), ("B", "2025-01-20T10:00:00"), ("A", "2025-01-20T23:59:59"),
      ("A", "2025-01-21T00:00:00")]
    {
      let verdict = append(#"{"symbol":"\#(symbol)","datetime":"\#(time)"}"#, to: &draft)
      #expect(verdict == .keep)
    }
    #expect(draft.outputs == 3)
    let before = draft.bytes
    #expect(before > 3 * 50)
    let finished = draft.finish()
    let sealed = try #require(finished)
    let name = "part-00007-00000000000000000042.jsonl"
    #expect(sealed.objects.map(\.key) == [
      "s/date=2025-01-20/symbol=A/\(name)", "s/date=2025-01-20/symbol=B/\(name)", "s/date=2025-01-21/symbol=A/\(name)",
    ])
    #expect(String(decoding: sealed.objects[0].bytes, as: UTF8.self) == """
      {"symbol":"A","datetime":"2025-01-20T10:00:00"}
      {"symbol":"A","datetime":"2025-01-20T23:59:59"}

      """)
    #expect(sealed.objects.map(\.records) == [2, 1, 1])
    let rest = draft.finish()?.objects.count
    #expect(rest == nil)
    #expect(draft.bytes == 0)
  }

  /// A message may be written over several lines; its object has one line for it all the same.
  @Test func aLineIsALine() throws {
    var draft = draft(ObjectFormat(layout: .batch, codec: .none))
    let verdict = append("{\r\n \"symbol\": \"A\\n\",\n \"datetime\": \"2025-01-20\"\n}\n", to: &draft)
    #expect(verdict == .keep)
    let finished = draft.finish()
    let object = try #require(finished?.objects.first)
    #expect(String(decoding: object.bytes, as: UTF8.self)
      == "{   \"symbol\": \"A\\n\",  \"datetime\": \"2025-01-20\" } \n")
  }

  @Test func recordsReplaceThoseOfTheSameTime() throws {
    var draft = draft(ObjectFormat(layout: .record))
    let texts = [
      #"{"symbol":"A","datetime":"2025-01-20T10:00:00","close":1}"#,
      #"{"symbol":"A","datetime":"2025-01-20T10:01:00","close":2}"#,
      #"{"symbol":"A","datetime":"2025-01-20T10:00:00","close":3}"#,
    ]
    for text in texts {
      let verdict = append(text, to: &draft)
      #expect(verdict == .keep)
    }
    let objects = draft.finish()?.objects ?? []
    #expect(objects.map(\.key) == [
      "s/date=2025-01-20/symbol=A/100000000000.json", "s/date=2025-01-20/symbol=A/100100000000.json",
    ])
    #expect(objects.map { String(decoding: $0.bytes, as: UTF8.self) } == [texts[2], texts[1]])
  }

  @Test(arguments: [
    ("hello", "malformed_json"), ("[]", "wrong_type"), ("{}", "missing_field"),
    (#"{"symbol":"A"}"#, "missing_field"), (#"{"datetime":"2025-01-20"}"#, "missing_field"),
    (#"{"symbol":"","datetime":"2025-01-20"}"#, "missing_field"),
    (#"{"symbol":7,"datetime":"2025-01-20"}"#, "wrong_type"),
    (#"{"symbol":"A","datetime":"yesterday"}"#, "bad_timestamp"),
    (#"{"symbol":"A","datetime":"2025-01-20","close":NaN}"#, "malformed_json"),
    (#"{"symbol":"\#(String(repeating: "x", count: 65))","datetime":"2025-01-20"}"#, "bad_value"),
  ])
  func whatIsNoBarIsRejected(text: String, code: String) {
    var draft = draft(ObjectFormat(layout: .batch))
    let verdict = append(text, to: &draft)
    guard case .reject(let rejection) = verdict else { return #expect(Bool(false), "\(verdict)") }
    #expect(rejection.code == code)
    let count = draft.finish()?.objects.count
    #expect(count == nil)
  }

  /// A bar without a `datetime` lies under the date its zone-aware time was written with.
  @Test func theDateIsTheExchanges() throws {
    var draft = draft(ObjectFormat(layout: .batch))
    let verdict = append(#"{"symbol":"A","observed_at":"2025-07-21T00:30:00+03:00"}"#, to: &draft)
    #expect(verdict == .keep)
    let key = draft.finish()?.objects.first?.key
    #expect(key?.hasPrefix("s/date=2025-07-21/") == true)
  }

  @Test(arguments: ObjectCodec.allCases)
  func thePackedBytesAreAlwaysTheSame(codec: ObjectCodec) throws {
    let lines = Array((0..<2_000).map { String(decoding: Bars.bar($0).encoded(), as: UTF8.self) + "\n" }.joined().utf8)
    let format = ObjectFormat(layout: .batch, codec: codec)
    let packed = try Packer.pack(lines, as: format)
    #expect(try Packer.pack(lines, as: format) == packed)
    if codec != .none { #expect(packed.count < lines.count / 5) }
    if codec == .zstd {
      var plain = [UInt8](repeating: 0, count: lines.count + 1)
      let count = ZSTD_decompress(&plain, plain.count, packed, packed.count)
      #expect(count == lines.count && plain.dropLast().elementsEqual(lines))
    }
    if codec == .gzip {
      // No time in the header.
      #expect(packed[4..<8].allSatisfy { $0 == 0 })
    }
  }
}
