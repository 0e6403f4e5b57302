/// A filing, split by part and item.
package struct Filing: Sendable {
  package struct Item: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
      case text
      /// It refers to another document.
      case incorporated
      /// A heading alone.
      case empty
    }
    package var part: String?
    package var numbers: [String]
    package var state: State
  }

  package private(set) var items: [Item] = []
  package private(set) var passages: [Passage] = []
  package private(set) var method = Outline.Method.none
  /// Bytes of text that are of no item: the cover, tables of contents, signatures.
  package private(set) var outside = 0

  /// - Parameters:
  ///   - form: `10-K`, `10-Q/A`. Other forms, and filings in which no item is found, give passages without items.
  ///   - limit: tokens of a passage.
  ///   - count: tokens of a text; see ``PassagePacker``.
  package init(_ text: DocumentText, form: String, limit: Int, count: @escaping (String) -> Int) {
    let furniture = PageFurniture(of: text)
    if let form = FilingForm(form) {
      let outline = Outline(of: text, form: form, furniture: furniture)
      method = outline.method
      for section in outline.sections { add(section, of: text, furniture, limit, count) }
      outside = text.bytes.count - outline.sections.reduce(0) { $0 + text.count(of: $1.blocks) }
    }
    guard method == .none else { return }
    var packer = PassagePacker(
      limit: limit, frame: Passage(heading: "", text: "", tokens: 0), count: count)
    packer.add(text.blocks.indices, of: text, except: furniture)
    passages = packer.end()
    outside = 0
  }

  private mutating func add(
    _ section: Outline.Section, of text: DocumentText, _ furniture: PageFurniture, _ limit: Int,
    _ count: @escaping (String) -> Int
  ) {
    let frame = Passage(
      part: section.part, item: section.numbers.joined(separator: ","), heading: section.title, text: "", tokens: 0)
    var packer = PassagePacker(limit: limit, frame: frame, count: count)
    packer.add(section.blocks, of: text, except: furniture)
    let own = packer.end()
    passages += own
    let state: Item.State = own.isEmpty ? .empty : Self.isIncorporated(own) ? .incorporated : .text
    items.append(Item(part: section.part, numbers: section.numbers, state: state))
  }

  /// A short item that refers to an exhibit or the proxy statement.
  private static func isIncorporated(_ passages: [Passage]) -> Bool {
    guard passages.reduce(0, { $0 + $1.text.utf8.count }) <= 3_000 else { return false }
    return passages.contains { passage in
      let letters = ItemHeading.letters(passage.text)
      return letters.contains("incorporatedbyreference") || letters.contains("incorporatedhereinbyreference")
        || letters.contains("incorporatedinthisreportbyreference")
        || letters.contains("isincorporated") && letters.contains("byreference")
    }
  }
}
