import Catalogue
import Testing

@testable import SoukService

@Suite struct DeadLetterTests {
  private func letter(_ code: String, offset: Int) -> DeadLetter {
    let values = [
      (HeaderName.topic, "gogobe.files.downloaded"), (HeaderName.partition, "3"), (HeaderName.offset, "\(offset)"),
      (HeaderName.service, "parser"), (HeaderName.stage, "parse"), (HeaderName.errorCode, code),
      (HeaderName.errorMessage, "it ends\nin the middle"),
    ]
    return DeadLetter(headers: values.map { (name: $0.0, value: Array($0.1.utf8)) }, key: Array("chain/1".utf8))
  }

  @Test func headersGiveOriginAndReason() {
    let letter = letter("truncated", offset: 7)
    #expect(letter.origin == "gogobe.files.downloaded[3]@7")
    #expect(letter.service == "parser" && letter.code == "truncated" && letter.key == "chain/1")
    #expect(DeadLetter(headers: [], key: nil).origin == "?[?]@?")
  }

  @Test func theRestIsCountedByReason() {
    var listing = DeadLetterListing(limit: 2)
    #expect(listing.lines == ["no dead letters"])
    for offset in 0..<3 { listing.append(letter("truncated", offset: offset)) }
    listing.append(letter("malformed_json", offset: 9))
    let lines = listing.lines
    #expect(lines.count == 6)
    #expect(lines[2].contains("it ends in the middle"))
    #expect(lines.last == "4 dead letters, 2 not shown: truncated 3, malformed_json 1")
  }
}
