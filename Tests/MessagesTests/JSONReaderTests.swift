import Foundation
@testable import Messages
import TestSupport
import Testing
@testable import Values

/// Reads any value and nothing after it.
func validate(_ bytes: [UInt8], limits: JSONReader.Limits = .init()) throws(DecodingFailure) {
  var reader = try JSONReader(bytes.span.bytes, limits: limits)
  try reader.skipValue()
  try reader.finish()
}

@Suite struct JSONReaderTests {
  @Test(arguments: [
    "{}", "[]", " \t\r\n[ ] ", "null", "true", "false", "0", "-0", "10", "-1.5", "1e5", "1E+05", "0.0e-0", "\"\"",
    #""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#, #"{"a":{"a":1,"a":2}}"#, "[1,2 , 3]", "\"\u{7f}\u{2028}אבגדהוז\"",
    "123456789012345678901234567890.5e999",
  ])
  func accepts(_ text: String) {
    #expect(failure { () throws(DecodingFailure) in try validate(Array(text.utf8)) } == nil)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "[1", "[1,", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
    "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "nul", "nulll", "True", "NaN", "Infinity", "-",
    "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"",
    "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
    "\"\\ud800\\ud800\"", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "1 1", "{} {}", "[] x", "\u{feff}[]", "/**/1", "[1]//",
    "\u{a0}1", "\u{c}1", "\"\\u005Cu00\\", "[1\u{0}]", "tru", "t", "fals\"", "[\"a\"", "{\"a\":1", "{\"a\"", "{\"a",
    "{\"a\":", "{\"a\" 1}", "{\"a\"::1}", "[1}", "{\"a\":1]",
  ])
  func refuses(_ text: String) throws {
    let error = try #require(failure { () throws(DecodingFailure) in try validate(Array(text.utf8)) })
    #expect(error.kind == .malformedJSON)
    #expect((0...text.utf8.count).contains(error.offset))
  }

  /// Every truncation of a message is refused, and none reads past its end.
  @Test func refusesTruncation() {
    for bytes in [Samples.ingest.encoded(), Samples.discovered.encoded(), Samples.downloaded.encoded()] {
      for count in 0..<bytes.count {
        #expect(failure { () throws(DecodingFailure) in try validate(Array(bytes[..<count])) } != nil, "\(count) bytes")
      }
    }
  }

  @Test func errorsHavePlacesAndNoContents() throws {
    let text = #"{"batch_id":"b","chain":"c","store_id":"1","file_id":"f","file_time":"2025-01-20T01:05:00Z","#
      + #""items":[{"ean":"1","price":1,"master_id":"m"},{"ean":"2","price":"SECRET","master_id":"m"}]}"#
    let error = try #require(failure { () throws(DecodingFailure) in try ProductsIngest(decoding: Array(text.utf8)) })
    #expect(error.code == "bad_price")
    #expect(error.item == 1)
    let place = try #require(text.range(of: "\"SECRET\""))
    #expect(error.offset == text.utf8.distance(from: text.startIndex, to: place.lowerBound))
    #expect(error.description == "price: not a decimal of at most 18 digits, in items[1], at byte \(error.offset)")
    #expect(!error.description.contains("SECRET"))
  }

  @Test(arguments: [
    (#"{"url":"u","timestamp":"2025-01-20T01:05:00Z"}"#, "missing_field"),
    (#"{"chain":null,"url":"u","timestamp":"2025-01-20T01:05:00Z"}"#, "wrong_type"),
    (#"{"chain":7,"url":"u","timestamp":"2025-01-20T01:05:00Z"}"#, "wrong_type"),
    (#"{"chain":"c","chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z"}"#, "duplicate_field"),
    (#"{"chain":"c","\u0063hain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z"}"#, "duplicate_field"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20 01:05:00"}"#, "bad_timestamp"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z","file_type":"prices"}"#, "bad_value"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z","size":1.0}"#, "bad_number"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z","size":9223372036854775808}"#, "bad_number"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z","size":01}"#, "malformed_json"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z","size":"1"}"#, "wrong_type"),
    (#"{"chain":"c","url":"https://host/","timestamp":"2025-01-20T01:05:00Z"}"#, "missing_field"),
    (#"{"chain":"c","url":"u","timestamp":"2025-01-20T01:05:00Z"}x"#, "malformed_json"),
    (#"["chain"]"#, "wrong_type"), ("", "malformed_json"), ("null", "wrong_type"),
  ])
  func namesWhatIsWrongWithAMessage(_ text: String, _ code: String) {
    #expect(failure { () throws(DecodingFailure) in try FileDiscovered(decoding: Array(text.utf8)) }?.code == code)
  }

  @Test func digestsAreChecked() {
    for (digest, code) in [("ab", "bad_value"), (String(repeating: "A", count: 64), "bad_value")] {
      let text = #"{"chain":"c","s3_path":"s3://b/k","sha256":"\#(digest)"}"#
      #expect(failure { () throws(DecodingFailure) in try FileDownloaded(decoding: Array(text.utf8)) }?.code == code)
    }
  }

  @Test func anEscapedKeyIsTheSameField() throws {
    let message = try FileDiscovered(
      decoding: Array(#"{"\u0063hain":"c","ur\u006c":"x/u","timestamp":"2025-01-20T01:05:00\u005a"}"#.utf8))
    #expect(message.chain == "c" && message.fileName == "u" && message.timestamp == time("2025-01-20T01:05:00Z"))
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
  ])
  func integers(_ text: String, _ value: Int64) throws {
    for padding in ["", " ", "         "] {
      var reader = try JSONReader(Array((text + padding).utf8).span.bytes)
      #expect(try reader.integer() == value)
      try reader.finish()
    }
  }

  @Test(arguments: [
    "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1.0", "1e0", "00", "-", "", "--1", "1-",
  ])
  func notIntegers(_ text: String) {
    #expect(failure { () throws(DecodingFailure) in
      var reader = try JSONReader(Array(text.utf8).span.bytes)
      _ = try reader.integer()
      try reader.finish()
    } != nil)
  }
}
