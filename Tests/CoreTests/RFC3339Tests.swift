import Core
import Foundation
import Testing

@Suite struct RFC3339Tests {
  /// Against the formatter of Foundation.
  @Test func secondsAreThoseOfFoundation() {
    let formatter = ISO8601DateFormatter()
    for seconds in [0, 951_782_400, 1_709_164_800, 4_102_444_799, -1] as [Int64] {
      #expect(RFC3339.text(ns: seconds * 1_000_000_000)
        == formatter.string(from: Date(timeIntervalSince1970: Double(seconds))))
    }
  }

  @Test func aFractionHasTheFewestDigitsThatAreExact() {
    #expect(RFC3339.text(ns: 1) == "1970-01-01T00:00:00.000000001Z")
    #expect(RFC3339.text(ns: 120_000) == "1970-01-01T00:00:00.000120Z")
    #expect(RFC3339.text(ns: -1_000_000) == "1969-12-31T23:59:59.999Z")
  }

  @Test func aFractionHasAsManyDigitsAsAreAskedFor() {
    #expect(RFC3339.text(ns: 0, digits: 9) == "1970-01-01T00:00:00.000000000Z")
    #expect(RFC3339.text(ns: 1_999_999_999, digits: 6) == "1970-01-01T00:00:01.999999Z")
    #expect(RFC3339.text(ns: 1_999_999_999, digits: 0) == "1970-01-01T00:00:01Z")
  }
}
