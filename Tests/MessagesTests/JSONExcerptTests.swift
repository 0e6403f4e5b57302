import Messages
import Testing

/// One element of a message's array, cut out with everything around it.
@Suite struct JSONExcerptTests {
  private func cut(_ indices: [Int], _ array: String, _ text: String) -> [String]? {
    let bytes = Array(text.utf8)
    return JSONExcerpt.ofEach(indices, in: array, of: bytes.span.bytes)?.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func theRestOfTheMessageStaysAsItIs() {
    let before = #"{ "x" : [1, {"items":[9]}], "items": ["#
    let elements = [#"{"a":"],"}"#, "[2]", #""3""#]
    let after = #"],"later":null}"#
    let text = before + " " + elements[0] + ", " + elements[1] + " ," + elements[2] + " " + after
    #expect(cut([1, 0, 2], "items", text) == [1, 0, 2].map { before + elements[$0] + after })
  }

  @Test func missingElementsGiveNil() {
    #expect(cut([2], "items", #"{"items":[1,2]}"#) == nil)
    #expect(cut([0], "items", #"{"other":[1,2]}"#) == nil)
    #expect(cut([0], "items", #"{"items":{"a":1}}"#) == nil)
    #expect(cut([0], "items", #"{"items":[1,2"#) == nil)
    let empty = Array(#"{"items":[]}"#.utf8)
    #expect(JSONExcerpt.ofAll(in: "items", of: empty.span.bytes) == [])
  }
}
