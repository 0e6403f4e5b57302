import Foundation
import Testing
import Values

@Suite struct ExactDecimalTests {
  @Test(arguments: [
    "0", "7", "12.90", "-0.5", "0.000000000000000001", "999999999999999999", "-999999999999999999",
    "0.999999999999999999", "123456789.123456789", "2999.90", "0.00",
  ])
  func keepsTheDigitsAsWritten(_ text: String) throws {
    #expect(try #require(ExactDecimal(text)).description == text)
  }

  @Test(arguments: [
    ("007.50", "7.50"), ("-0", "0"), ("-0.00", "0.00"), ("15e2", "1500"), ("15E-1", "1.5"), ("1.50e1", "15.0"),
    ("0e9", "0"), ("0.00e1", "0.0"), ("1e+17", "100000000000000000"), ("0000000000000000000000001", "1"),
  ])
  func writesOtherSpellingsPlainly(_ text: String, _ plain: String) throws {
    #expect(try #require(ExactDecimal(text)).description == plain)
  }

  @Test(arguments: [
    "", "-", "+1", ".5", "5.", "-.5", "1 ", " 1", "1,5", "1.2.3", "--1", "1e", "1e+", "1e1.0", "1e99", "1e18", "0x1",
    "1_0", "١", "NaN", "1234567890123456789", "0.0000000000000000001", "0.1234567890123456789", "1e-19", "1e1000",
  ])
  func refuses(_ text: String) {
    #expect(ExactDecimal(text) == nil)
  }

  @Test func limits() {
    #expect(ExactDecimal(mantissa: 1, scale: 19) == nil)
    #expect(ExactDecimal(mantissa: 1, scale: -1) == nil)
    #expect(ExactDecimal(mantissa: 1_000_000_000_000_000_000, scale: 0) == nil)
    #expect(ExactDecimal(mantissa: .min, scale: 0) == nil)
    #expect(ExactDecimal(mantissa: -999_999_999_999_999_999, scale: 18)?.description == "-0.999999999999999999")
  }

  @Test func equalValuesAreEqualWhateverTheirDigits() {
    #expect(decimal("12.9") == decimal("12.90"))
    #expect(!decimal("12.9").hasSameDigits(as: decimal("12.90")))
    #expect(Set([decimal("1"), decimal("1.0"), decimal("1.00")]).count == 1)
    #expect(decimal("0") == decimal("-0.000"))
  }

  @Test func sums() {
    #expect(decimal("0.10").adding(decimal("0.2"))?.description == "0.30")
    #expect(decimal("999999999999999999").adding(decimal("1")) == nil)
    #expect(decimal("999999999999999999").adding(decimal("0.1")) == nil)
  }

  /// Against Foundation's Decimal (38 digits), which holds every value of ours exactly.
  @Test func agreesWithFoundation() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    func digits() -> String {
      let count = 1 + random.below(18)
      var text = (0..<count).map { _ in String(random.below(10)) }.joined()
      let scale = random.below(count + 1)
      if scale > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -scale)) }
      if text.hasPrefix(".") { text = "0" + text }
      return (random.chance(3) ? "-" : "") + text
    }
    for _ in 0..<3000 {
      let (left, right) = (digits(), random.chance(4) ? digits() + "" : digits())
      let ours = (try #require(ExactDecimal(left)), try #require(ExactDecimal(right)))
      let theirs = (try #require(Decimal(string: left)), try #require(Decimal(string: right)))
      #expect(Decimal(string: ours.0.description) == theirs.0, "seed \(seed): \(left)")
      #expect((ours.0 < ours.1) == (theirs.0 < theirs.1), "seed \(seed): \(left) < \(right)")
      #expect((ours.0 == ours.1) == (theirs.0 == theirs.1), "seed \(seed): \(left) == \(right)")
      if let sum = ours.0.adding(ours.1) {
        #expect(Decimal(string: sum.description) == theirs.0 + theirs.1, "seed \(seed): \(left) + \(right)")
      }
      // Digits after the point stay, leading zeros go.
      let again = try #require(ExactDecimal(ours.0.description))
      #expect(again.hasSameDigits(as: ours.0), "seed \(seed): \(left)")
      let fraction = left.split(separator: ".").dropFirst().first?.count ?? 0
      #expect(Int(ours.0.scale) == fraction, "seed \(seed): \(left)")
    }
  }

  @Test func equalValuesWithMoreZerosHashAlike() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    for _ in 0..<1000 {
      let value = Int64(random.below(2_000_000)) - 1_000_000
      let scale = random.below(6)
      let short = try #require(ExactDecimal(mantissa: value, scale: scale))
      let long = try #require(ExactDecimal(mantissa: value * 1000, scale: scale + 3))
      #expect(short == long && short.hashValue == long.hashValue, "seed \(seed): \(value) / 10^\(scale)")
    }
  }
}
