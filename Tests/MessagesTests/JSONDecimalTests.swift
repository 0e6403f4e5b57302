import Foundation
@testable import Messages
import Testing
@testable import Values

/// Decimals within JSON are read by a short way where they are plain and by the general rules elsewhere: both must
/// say the same.
@Suite struct JSONDecimalTests {
  private func read(_ json: String) -> Result<ExactDecimal, DecodingFailure> {
    do throws(DecodingFailure) {
      var reader = try JSONReader(Array(json.utf8).span.bytes)
      let value = try reader.decimal(else: .badPrice, field: "price")
      try reader.finish()
      return .success(value)
    } catch {
      return .failure(error)
    }
  }

  private func text(_ json: String) -> String? { try? read(json).get().description }

  private func code(_ json: String) -> String? {
    if case .failure(let error) = read(json) { error.code } else { nil }
  }

  @Test(arguments: ["0", "12.90", "-0.5", "999999999999999999", "0.000000000000000001", "-99999999.9999999999", "1"])
  func theSameAsANumberAndAsAString(_ digits: String) {
    for json in [digits, "\(digits) ", "\"\(digits)\"", "\"\(digits)\" ", " \(digits)\t"] {
      #expect(text(json) == digits, "\(json)")
    }
  }

  @Test func otherSpellingsAreReadOrRefused() {
    #expect(text("\"007.50\"") == "7.50", "a string may have leading zeros")
    #expect(text("15e-1") == "1.5")
    #expect(text("\"1\\u0035.0\"") == "15.0")
    #expect(text("-0.00") == "0.00")
    #expect(code("007.50") == "malformed_json", "a JSON number may not")
    #expect(code("-") == "malformed_json")
    #expect(code("1.") == "malformed_json")
    #expect(code("1.2.3") == "malformed_json")
    #expect(code("\"1.2.3\"") == "bad_price")
    #expect(code("\".5\"") == "bad_price")
    #expect(code("\"5.\"") == "bad_price")
    #expect(code("\"-\"") == "bad_price")
    #expect(code("\"\"") == "bad_price")
    #expect(code("\"1") == "malformed_json")
    #expect(code("\"1 \"") == "bad_price")
    #expect(code("1234567890123456789") == "bad_price")
    #expect(code("\"0.1234567890123456789\"") == "bad_price")
    #expect(code("null") == "wrong_type")
    #expect(code("[1]") == "wrong_type")
  }

  @Test func agreesWithTheGeneralRules() {
    let seed = freshSeed()
    var random = Seeded(seed)
    let alphabet = Array("00123456789..-e+ ")
    for _ in 0..<20_000 {
      let digits = String((0..<random.below(22)).map { _ in random.pick(random.chance(4) ? alphabet : Array("12345")) })
      let general = ExactDecimal(digits)
      let string = try? read("\"\(digits)\"").get()
      #expect(string?.description == general?.description, "seed \(seed): \"\(digits)\"")

      // A JSON number is stricter than its text in a string.
      let number = try? read(digits + " ").get()
      let trimmed = digits.trimmingCharacters(in: .whitespaces)
      let isJSON = failure { () throws(DecodingFailure) in try validate(Array(trimmed.utf8)) } == nil
      let expected = isJSON ? ExactDecimal(trimmed) : nil
      #expect(number?.description == expected?.description, "seed \(seed): \(digits)")
    }
  }
}
