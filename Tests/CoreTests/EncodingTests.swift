import Core
import Testing

@Suite struct EncodingTests {
  @Test(arguments: ["", "a b/c", "בנק 🏦", "100%", "-._~"]) func percentEncodedTextComesBack(_ text: String) {
    #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    #expect(PercentEncoding.decode(PercentEncoding.encode(text, keepingSlash: true)) == text)
  }

  @Test func onlyUnreservedCharactersStay() {
    #expect(PercentEncoding.encode("a-Z_0.~ /+é") == "a-Z_0.~%20%2F%2B%C3%A9")
    #expect(PercentEncoding.encode("a b/c", keepingSlash: true) == "a%20b/c")
  }

  @Test(arguments: ["%", "%4", "%zz", "50%", "%ff"]) func brokenEscapesAreRefused(_ text: String) {
    #expect(PercentEncoding.decode(text) == nil)
  }

  @Test func aPercentSignMayStandForItself() {
    #expect(PercentEncoding.decode("50%%20%4", strict: false) == "50% %4")
    #expect(PercentEncoding.decode("%ff", strict: false) == nil, "not UTF-8")
  }

  @Test func datesAreReadStrictly() {
    #expect(CivilDate("2024-02-29") == CivilDate(year: 2024, month: 2, day: 29))
    #expect(CivilDate("1970-01-02")?.daysSinceEpoch == 1)
    for text in ["", "2025-02-29", "2025-13-01", "2025-1-01", "2025-01-1x", "2025/01/01", " 2025-01-01", "0000-01-01"] {
      #expect(CivilDate(text) == nil, "\(text)")
    }
  }
}

@Suite struct CodedErrorTests {
  private enum Kind: String, ErrorKind {
    case away = "disk_away"
    case wrong = "disk_wrong"
    var errorClass: ErrorClass { self == .away ? .transient : .configuration }
  }

  @Test func aKindGivesItsCodeAndClass() {
    let error = CodedError(Kind.away, "gone", retryAfter: .seconds(3))
    #expect(error.code == "disk_away" && error.isTransient && error.retryAfter == .seconds(3))
    #expect("\(error)" == "gone [disk_away]" && publicCode(of: error) == "disk_away")
    #expect(CodedError(Kind.wrong, "x").errorClass == .configuration)
    let failure = Failure(.data, code: "odd", "what it is")
    #expect("\(failure)" == "what it is [odd]" && ErrorClass(of: failure) == .data)
  }
}
