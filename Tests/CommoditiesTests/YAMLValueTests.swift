import Core
import StrictYAML
import Testing

/// What is read of a YAML text, and with which lines.
@Suite struct YAMLValueTests {
  private func read(_ text: String) throws -> YAMLValue? { try YAMLValue.read(yaml: text, origin: "a.yaml") }

  @Test func valuesHaveTheirLines() throws {
    let root = try #require(try read("""
      # a comment
      name: souk
      list:
        - one
        - {inner: "two"}
      """))
    let entries = try #require(root.mapping)
    #expect(entries.map(\.key) == ["name", "list"] && entries.map(\.line) == [2, 3])
    #expect(entries[0].value == YAMLValue(.text("souk"), line: 2))
    let list = try #require(entries[1].value.list)
    #expect(list[0] == YAMLValue(.text("one"), line: 4))
    #expect(list[1].mapping?.first?.value == YAMLValue(.text("two"), line: 5))
  }

  @Test(arguments: ["", "~", "null", "Null", "NULL"]) func aPlainNullIsNull(_ text: String) throws {
    #expect(try read("a: \(text)")?.mapping?.first?.value.isNull == true)
  }

  @Test(arguments: ["'null'", "\"~\"", "''"]) func aQuotedNullIsText(_ text: String) throws {
    #expect(try read("a: \(text)")?.mapping?.first?.value.text != nil)
  }

  @Test func numbersAndFlagsAreTextsAsWritten() throws {
    let values = try #require(try read("[1.50, yes, 0x10, 2026-08-23]")?.list)
    #expect(values.compactMap(\.text) == ["1.50", "yes", "0x10", "2026-08-23"])
  }

  @Test(arguments: ["", "# nothing\n", "---\n"]) func anEmptyTextHasNoValue(_ text: String) throws {
    let value = try read(text)
    #expect(value == nil || value?.isNull == true)
  }

  @Test func anAliasIsItsAnchorsValue() throws {
    let entries = try #require(try read("a: &x {b: 1}\nc: *x")?.mapping)
    #expect(entries[0].value.mapping?.map(\.value.text) == ["1"])
    #expect(entries[1].value.content == entries[0].value.content)
  }

  @Test(arguments: [
    ("a: 1\nb: ]", "line 2: it is not YAML"), ("a: 1\nb: 'x", "it is not YAML"), ("a: 1\na: 2", "line 2: a second 'a'"),
    ("a: 1\n---\nb: 2", "another one follows"), ("[a]: 1", "a key that is no name"),
    (String(repeating: "[", count: 40) + String(repeating: "]", count: 40), "nested more than 32 deep"),
  ])
  func aDefectIsNamedWithItsPlace(_ text: String, _ reason: String) throws {
    let error = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    #expect(error?.errorClass == .configuration && error?.message.hasPrefix("a.yaml") == true)
  }
}
