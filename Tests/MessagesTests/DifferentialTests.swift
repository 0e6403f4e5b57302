import Foundation
@testable import Messages
import TestSupport
import Testing

/// Against Foundation's two readers, `JSONSerialization` and `JSONDecoder`, on valid, mutated and random input.
///
/// They agree with ours on what to accept and what it means, but for these differences:
/// - Both guess UTF-16 and UTF-32 from NUL bytes and a byte order mark from the first three; RFC 8259, section 8.1,
///   allows only UTF-8 between systems, so ours refuses.
/// - Both refuse a number that no binary double can hold (`1e999`); ours judges the grammar, and the range where
///   the value is wanted.
/// - Both allow a comma before a closing brace or bracket (`{"a":1,}`), which the RFC does not.
/// - `JSONDecoder` refuses a number with an exponent that is zero as a double (`0e1`, `1e-999`).
/// - `JSONDecoder` neither validates nor reports an object's member that a later one of the same name hides.
/// - `JSONSerialization` may be off in the last few bits of a number.
@Suite struct DifferentialTests {
  private enum Outcome {
    case accepted(JSONTree)
    case refused

    init(_ body: () throws -> JSONTree) {
      do { self = .accepted(try body()) } catch { self = .refused }
    }

    var tree: JSONTree? {
      if case .accepted(let tree) = self { tree } else { nil }
    }
  }

  @Test(.timeLimit(.minutes(15))) func readersAgree() {
    let seed = freshSeed()
    var random = Seeded(seed)
    var accepted = 0
    let rounds = 15_000
    for _ in 0..<rounds {
      let bytes = JSONFuzz.input(&random)
      let about: Comment = "seed \(seed): \(String(reflecting: String(decoding: bytes, as: UTF8.self)))"
      let ours = Outcome { try JSONTree(reading: bytes) }
      if case .accepted = ours { accepted += 1 }

      // A NUL is never JSON; Foundation accepts it.
      if bytes.contains(0) {
        #expect(ours.tree == nil, about)
        continue
      }
      let isLenient = bytes.starts(with: [0xef, 0xbb, 0xbf]) || JSONFuzz.hasTrailingComma(bytes)
      let serialization = Outcome {
        JSONTree(try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed))
      }
      switch (ours, serialization) {
      case (.accepted(let mine), .accepted(let theirs)): #expect(mine.isClose(to: theirs), about)
      case (.accepted(let mine), .refused): #expect(mine.hasHugeNumber, about)
      case (.refused, .accepted): #expect(isLenient, about)
      case (.refused, .refused): break
      }

      switch (ours, Outcome { try JSONDecoder().decode(JSONTree.self, from: Data(bytes)) }) {
      case (.accepted(let mine), .accepted(let theirs)):
        #expect(mine == theirs || JSONFuzz.hasRepeatedName(bytes), about)
      case (.accepted(let mine), .refused):
        let hasExponent = bytes.contains { $0 | 0x20 == UInt8(ascii: "e") }
        // The zero may be in a member that another hides.
        let hasTiny = mine.hasTinyNumber || JSONFuzz.hasRepeatedName(bytes)
        #expect(mine.hasHugeNumber || hasTiny && hasExponent, about)
      case (.refused, .accepted): #expect(isLenient || serialization.tree == nil, about)
      case (.refused, .refused): break
      }
    }
    // A generator that makes only rubbish, or only valid text, tests nothing.
    #expect((rounds / 4...rounds * 3 / 4).contains(accepted), "seed \(seed)")
  }

  /// Each known difference, so that the list above stays true.
  @Test func knownDifferences() {
    func mine(_ bytes: [UInt8]) -> Bool { Outcome { try JSONTree(reading: bytes) }.tree != nil }
    func serialization(_ bytes: [UInt8]) -> Bool {
      (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }
    func decoder(_ bytes: [UInt8]) -> Bool { (try? JSONDecoder().decode(JSONTree.self, from: Data(bytes))) != nil }

    let sixteen: [UInt8] = Array("[1]".utf8).flatMap { [$0, 0] }
    #expect(!mine(sixteen) && serialization(sixteen) && decoder(sixteen))
    #expect(!mine([0xef, 0xbb, 0xbf] + Array("[1]".utf8)))
    let huge = Array("[1e999]".utf8)
    #expect(mine(huge) && !serialization(huge) && !decoder(huge))
    let comma = Array(#"{"a":1,}"#.utf8)
    #expect(!mine(comma) && serialization(comma) && decoder(comma))
    let zero = Array("[0e1]".utf8)
    #expect(mine(zero) && serialization(zero) && !decoder(zero))
    let hidden = Array(#"{"a":"\x","a":1}"#.utf8)
    #expect(!mine(hidden) && !serialization(hidden))
  }

  /// Damaged messages: what our reader accepts is JSON for Foundation too, and no input crashes.
  @Test(.timeLimit(.minutes(15))) func damagedMessages() {
    let seed = freshSeed()
    var random = Seeded(seed)
    let originals = [Samples.discovered.encoded(), Samples.downloaded.encoded(), Samples.ingest.encoded()]
    var accepted = 0
    for round in 0..<6000 {
      let bytes = JSONFuzz.mutated(originals[round % 3], &random)
      let outcome: DecodingFailure? = switch round % 3 {
      case 0: failure { () throws(DecodingFailure) in try FileDiscovered(decoding: bytes) }
      case 1: failure { () throws(DecodingFailure) in try FileDownloaded(decoding: bytes) }
      default: failure { () throws(DecodingFailure) in try ProductsIngest(decoding: bytes) }
      }
      let about: Comment = "seed \(seed): \(String(reflecting: String(decoding: bytes, as: UTF8.self)))"
      guard let outcome else {
        accepted += 1
        // A field whose damaged name is unknown may hold any number of the grammar.
        let isHuge = Outcome { try JSONTree(reading: bytes) }.tree?.hasHugeNumber ?? false
        #expect((try? JSONSerialization.jsonObject(with: Data(bytes))) != nil || isHuge, about)
        continue
      }
      #expect((0...bytes.count).contains(outcome.offset), about)
      // What is refused as JSON is no JSON to Foundation either.
      if outcome.kind == .malformedJSON || outcome.kind == .invalidUTF8 {
        #expect(
          (try? JSONSerialization.jsonObject(with: Data(bytes))) == nil || JSONFuzz.hasTrailingComma(bytes), about)
      }
    }
    #expect((300...5700).contains(accepted), "seed \(seed)")
  }

  /// Damaged UTF-8 within a string is accepted exactly when Swift's own validation accepts it.
  @Test func tamperedUTF8() {
    let seed = freshSeed()
    var random = Seeded(seed)
    let originals = [
      "שלום עולם, במבה", "abcdefgh€uro😀12345678", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}", "אבגדהוזחטיכלמנס",
    ]
    for _ in 0..<6000 {
      var contents = Array(random.pick(originals).utf8)
      for _ in 0...random.below(2) {
        switch random.below(3) {
        case 0: contents[random.below(contents.count)] = UInt8(0x80 + random.below(0x80))
        case 1: contents.remove(at: random.below(contents.count))
        default: contents[random.below(contents.count)] ^= 1 << UInt8(random.below(8))
        }
      }
      contents.removeAll { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c }
      let isValid = String(validating: contents, as: UTF8.self) != nil
      let error = failure { () throws(DecodingFailure) in try validate([0x22] + contents + [0x22]) }
      #expect((error == nil) == isValid, "seed \(seed): \(contents)")
      if let error { #expect(error.kind == .invalidUTF8, "seed \(seed): \(contents)") }
    }
  }

  /// Every sequence of up to two bytes, and every third and fourth byte at the borders, as in Unicode's table 3-7.
  @Test func bordersOfUTF8() {
    let borders: [UInt8] = [
      0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1,
      0xf3, 0xf4, 0xf5, 0xff,
    ]
    func expectAgreement(_ contents: [UInt8]) {
      let isValid = String(validating: contents, as: UTF8.self) != nil
      let isRead = failure { () throws(DecodingFailure) in try validate([0x22] + contents + [0x22]) } == nil
      if isValid != isRead { Issue.record("\(contents) is \(isValid ? "valid" : "malformed") UTF-8") }
    }
    for first in UInt8(0x80)...0xff {
      expectAgreement([first])
      for second in borders {
        expectAgreement([first, second])
        for third in [0x41, 0x7f, 0x80, 0xbf, 0xc0] as [UInt8] {
          expectAgreement([first, second, third])
          expectAgreement([first, second, third, 0x80])
        }
      }
    }
  }
}

extension JSONTree {
  /// Equal, but for the last few bits of a number.
  fileprivate func isClose(to other: JSONTree) -> Bool {
    switch (self, other) {
    case (.number(let left), .number(let right)): abs(left - right) <= left.magnitude * 1e-14
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.isClose(to: $1) }
    case (.object(let left), .object(let right)):
      left.count == right.count && left.allSatisfy { name, value in right[name].map(value.isClose) ?? false }
    default: self == other
    }
  }

  fileprivate var hasHugeNumber: Bool { hasNumber { !$0.isFinite } }
  fileprivate var hasTinyNumber: Bool { hasNumber { !$0.isNormal } }

  private func hasNumber(_ isWanted: (Double) -> Bool) -> Bool {
    switch self {
    case .number(let number): isWanted(number)
    case .array(let values): values.contains { $0.hasNumber(isWanted) }
    case .object(let members): members.values.contains { $0.hasNumber(isWanted) }
    default: false
    }
  }
}
