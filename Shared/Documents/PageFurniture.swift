/// What is printed on every page and belongs to none of the text: page numbers, running headers and footers, links back
/// to the table of contents.
package struct PageFurniture: Sendable {
  /// Blocks.
  private let dropped: Set<Int>
  /// Printed pages: their blocks, and the number that is printed on them where that is known.
  let pages: [(blocks: Range<Int>, number: Int?)]

  /// A line is furniture when it stands beside the ends of so many pages, and of a third of all.
  private static let repeats = 3
  private static let longest = 120

  package init(of text: DocumentText) {
    let breaks = text.blocks.indices.filter { text.blocks[$0].kind == .pageBreak }
    var starts = [0]
    var ends: [Int] = []
    for index in breaks {
      ends.append(index)
      starts.append(index + 1)
    }
    ends.append(text.blocks.count)
    let ranges = zip(starts, ends).map { $0..<$1 }
    var dropped: Set<Int> = []
    var beside: [String: [Int]] = [:]
    for range in ranges where ranges.count > 1 {
      let edges = Set(range.prefix(3)).union(range.suffix(2))
      for index in edges where text.blocks[index].count <= Self.longest {
        let line = text.text(at: index)
        let letters = ItemHeading.letters(line)
        // Items that say that there is nothing to say may end on one page after the other.
        if ["none", "notapplicable", "reserved"].contains(letters) { continue }
        if letters.isEmpty {
          if Self.isPageNumber(text, index) { dropped.insert(index) }
        } else if ItemHeading(line)?.title.isEmpty == true {
          // The part and item of the page, other ones on other pages.
          beside["", default: []].append(index)
        } else {
          beside[letters, default: []].append(index)
        }
      }
    }
    let enough = max(Self.repeats, ranges.count / 3)
    for (letters, indices) in beside where indices.count >= (letters.isEmpty ? Self.repeats : enough) {
      dropped.formUnion(indices)
    }
    for (index, block) in text.blocks.enumerated() where block.kind == .line {
      if block.count <= 4, Self.isPageNumber(text, index) {
        dropped.insert(index)
      } else if (16...24).contains(block.count), ItemHeading.letters(text[block]) == "tableofcontents" {
        dropped.insert(index)
      }
    }
    self.dropped = dropped
    pages = Self.numbered(ranges, text)
  }

  package func contains(_ block: Int) -> Bool { dropped.contains(block) }

  /// `12`, `- 12 -`, `F-12`
  private static func isPageNumber(_ text: DocumentText, _ index: Int) -> Bool {
    let block = text.blocks[index]
    guard block.kind == .line, block.count <= 12 else { return false }
    let core = text[block].filter { !" -–—|.".contains($0) }
    return (1...4).contains(core.utf8.count) && core.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Pages by the numbers that most of them agree on: each has one more than the page before.
  private static func numbered(
    _ ranges: [Range<Int>], _ text: DocumentText
  ) -> [(blocks: Range<Int>, number: Int?)] {
    var votes: [Int: Int] = [:]
    for (page, range) in ranges.enumerated() {
      var numbers: Set<Int> = []
      for index in Set(range.prefix(2)).union(range.suffix(2)) where text.blocks[index].count <= longest {
        let words = text.text(at: index).split { " |-–—".contains($0) }
        for word in [words.first, words.last].compactMap({ $0 }) {
          if let number = Int(word), (1...999).contains(number) { numbers.insert(number) }
        }
      }
      for number in numbers { votes[number - page, default: 0] += 1 }
    }
    // Of equal votes the lower one, so that the same document is always read the same way.
    guard let (offset, count) = votes.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) }), count >= repeats else {
      return ranges.map { ($0, nil) }
    }
    return ranges.enumerated().map { ($1, $0 + offset) }
  }
}

/// An index that says on which printed pages each item is, for filings without headings of items.
struct PageIndex: Sendable {
  private(set) var sections: [Outline.Section] = []

  /// - Returns: nil when the document has no such index, or no numbers on its pages.
  init?(_ text: DocumentText, _ form: FilingForm, _ headings: Headings, _ furniture: PageFurniture) {
    var places: [Int: [ClosedRange<Int>]] = [:]
    var last: Int?
    for candidate in headings.candidates {
      let pages = Self.pages(in: text, candidate.block..<max(candidate.body, candidate.block + 1))
      guard candidate.isEntry || !pages.isEmpty, let place = candidate.places.first else { continue }
      places[place, default: []] += pages
      last = candidate.block
      // The rows below it that name no item are parts of it.
      var index = max(candidate.body, candidate.block + 1)
      while index < text.blocks.count, text.blocks[index].kind == .row,
        !ItemHeading.mayBegin(text.bytes[text.blocks[index].start..<text.blocks[index].end].prefix(8))
      {
        places[place, default: []] += Self.pages(in: text, index..<(index + 1))
        last = index
        index += 1
      }
    }
    let listed = places.filter { !$0.value.isEmpty }
    guard listed.count >= 4, last != nil else { return nil }
    let numbered = furniture.pages.filter { $0.number != nil }
    guard !numbered.isEmpty else { return nil }
    var current: (places: [Int], blocks: Range<Int>)?
    for page in numbered {
      guard let number = page.number else { continue }
      let here = listed.filter { $0.value.contains { $0.contains(number) } }.keys.sorted()
      if let open = current, open.places == here, !here.isEmpty {
        current?.blocks = open.blocks.lowerBound..<page.blocks.upperBound
      } else {
        if let open = current { add(open, form) }
        current = here.isEmpty ? nil : (here, page.blocks)
      }
    }
    if let open = current { add(open, form) }
  }

  private mutating func add(_ open: (places: [Int], blocks: Range<Int>), _ form: FilingForm) {
    let items = open.places.map { form.items[$0] }
    let parts = Set(items.map(\.part))
    sections.append(Outline.Section(
      part: parts.count == 1 ? items[0].part : nil, numbers: items.map(\.number),
      title: items.map(\.title).joined(separator: "; "), blocks: open.blocks))
  }

  /// The pages at the end of some blocks: `4-10, 25`.
  private static func pages(in text: DocumentText, _ range: Range<Int>) -> [ClosedRange<Int>] {
    var pages: [ClosedRange<Int>] = []
    for index in range where text.blocks[index].kind != .pageBreak {
      let words = text.text(at: index).split { " |,".contains($0) }
      for word in words.reversed() {
        let ends = word.split { "-–—".contains($0) }.map { Int($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last,
          (1...999).contains(first), last <= 999
        else { break }
        pages.append(first...last)
      }
    }
    return pages
  }
}
