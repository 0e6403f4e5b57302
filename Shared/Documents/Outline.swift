/// Where the items of a filing are.
///
/// Headings of items are found by their words, wherever they stand: in the table of contents, as running headers, in
/// references. Of all ways to choose headings whose items come in the order of the form, that with the most text
/// behind its headings is taken: the entries of a table of contents have none. A filing without headings in its body
/// has an index of printed pages instead; its items are found by those.
package struct Outline: Sendable {
  package enum Method: String, Hashable, Sendable, CaseIterable {
    /// By headings.
    case headings
    /// By an index of printed pages.
    case pages
    /// No item was found.
    case none
  }

  package struct Section: Hashable, Sendable {
    /// `I`; nil where items of several parts share the pages.
    package var part: String?
    /// `["1A"]`; several of one heading, or on the same pages.
    package var numbers: [String]
    /// As the filing writes it, or that of the form.
    package var title: String
    /// Its text, without its heading.
    package var blocks: Range<Int>
  }

  package private(set) var method = Method.none
  /// In the order of the document.
  package private(set) var sections: [Section] = []

  /// - Parameter furniture: blocks that repeat on pages; no heading of an item is lost by them.
  package init(of text: DocumentText, form: FilingForm, furniture: PageFurniture) {
    let found = Headings(text, form)
    let chosen = found.chain()
    let sections = Self.sections(chosen, found, text, form)
    if Self.isPlausible(sections, text) {
      (self.sections, method) = (sections, .headings)
      return
    }
    let pages = PageIndex(text, form, found, furniture)?.sections ?? []
    if !pages.isEmpty {
      (self.sections, method) = (pages, .pages)
    } else if !sections.isEmpty, sections.contains(where: { text.count(of: $0.blocks) > 0 }) {
      (self.sections, method) = (sections, .headings)
    }
  }

  /// Headings without text are an index, not an outline. Short items are usual ("None."), but never most of them.
  private static func isPlausible(_ sections: [Section], _ text: DocumentText) -> Bool {
    guard !sections.isEmpty else { return false }
    let lengths = sections.map { text.count(of: $0.blocks) }
    let long = lengths.count { $0 > 200 }
    // The last entry of an index seems to own all that follows it.
    return long * 4 >= sections.count && (long > 1 || sections.count <= 2)
  }

  private static func sections(
    _ chosen: [(candidate: Int, place: Int)], _ found: Headings, _ text: DocumentText, _ form: FilingForm
  ) -> [Section] {
    var sections: [Section] = []
    for (index, choice) in chosen.enumerated() {
      let candidate = found.candidates[choice.candidate]
      var end = index + 1 < chosen.count ? found.candidates[chosen[index + 1].candidate].block : text.blocks.count
      if index + 1 == chosen.count { end = signatures(in: candidate.body..<end, text) ?? end }
      let item = form.items[choice.place]
      let title = candidate.isTitled && candidate.title.utf8.count <= 160 ? candidate.title : item.title
      sections.append(Section(
        part: item.part, numbers: candidate.numbers, title: title.isEmpty ? item.title : title,
        blocks: min(candidate.body, end)..<end))
    }
    return sections
  }

  private static func signatures(in blocks: Range<Int>, _ text: DocumentText) -> Int? {
    blocks.first { index in
      let block = text.blocks[index]
      guard block.kind == .line, (9...12).contains(block.count) else { return false }
      return ["signature", "signatures"].contains(ItemHeading.letters(text[block]))
    }
  }
}

extension DocumentText {
  /// Bytes of the text of some blocks.
  func count(of range: Range<Int>) -> Int { blocks[range].reduce(0) { $0 + $1.count } }
}

/// All blocks that read like headings of items.
struct Headings: Sendable {
  struct Candidate: Sendable {
    var block: Int
    /// The first block behind it and its title.
    var body: Int
    var numbers: [String]
    var title: String
    /// The title is one that the item has in the form.
    var isTitled: Bool
    /// It ends with a page number.
    var isEntry: Bool
    /// In the items of the form; several when it is not known of which part it is.
    var places: [Int]
    /// Bytes of text up to the next candidate of another item.
    var length = 0
  }
  private(set) var candidates: [Candidate] = []
  private let form: FilingForm

  /// More candidates than this are of no filing.
  private static let most = 5_000
  /// Of one item; a long item does not outweigh several short ones.
  private static let longest = 20_000
  private static let titleWorth = 400

  init(_ text: DocumentText, _ form: FilingForm) {
    self.form = form
    var part: String?
    for (index, block) in text.blocks.enumerated() where block.kind != .pageBreak {
      guard ItemHeading.mayBegin(text.bytes[block.start..<min(block.end, block.start + 8)]) else { continue }
      let start = String(decoding: text.bytes[block.start..<min(block.end, block.start + 400)], as: UTF8.self)
      guard let heading = ItemHeading(start) else { continue }
      switch heading.subject {
      case .part(let name): if block.count <= 120 { part = name }
      case .items(let numbers):
        if let named = heading.part { part = named }
        guard candidates.count < Self.most else { break }
        if let candidate = candidate(heading, numbers, part, index, block, text) { candidates.append(candidate) }
      }
    }
    measure(text)
  }

  private func candidate(
    _ heading: ItemHeading, _ numbers: [String], _ part: String?, _ index: Int, _ block: DocumentText.Block,
    _ text: DocumentText
  ) -> Candidate? {
    var places = form.places(of: numbers[0])
    guard !places.isEmpty else { return nil }
    var (title, body) = (heading.title, index + 1)
    var isEntry = heading.isEntry
    var named = titled(title, places)
    if title.isEmpty, index + 1 < text.blocks.count, text.blocks[index + 1].kind != .pageBreak,
      text.blocks[index + 1].count <= 200
    {
      // The title is the next line, or the next row.
      let (next, isPage) = ItemHeading.cutPage(text.text(at: index + 1))
      let matching = titled(next, places)
      if !matching.isEmpty {
        (title, body, named) = (next, index + 2, matching)
        isEntry = isEntry || isPage
      }
    }
    guard heading.hasMark || !named.isEmpty else { return nil }
    if named.isEmpty {
      // A sentence, unless it is as short as a title.
      guard title.utf8.count <= 120, block.count <= 160 else { return nil }
    } else {
      places = named
      // The heading and the first sentence are one paragraph, whose number at its end is of no page.
      if block.count > 250 { (body, isEntry) = (index, false) }
    }
    if places.count > 1, let part {
      let within = places.filter { form.items[$0].part == part }
      if !within.isEmpty { places = within }
    }
    return Candidate(
      block: index, body: body, numbers: numbers, title: title, isTitled: !named.isEmpty, isEntry: isEntry,
      places: places)
  }

  private func titled(_ title: String, _ places: [Int]) -> [Int] {
    let letters = ItemHeading.letters(title)
    guard letters.utf8.count >= 5 else { return [] }
    return places.filter { place in form.items[place].openings.contains { letters.hasPrefix($0) } }
  }

  private mutating func measure(_ text: DocumentText) {
    var next = text.blocks.count
    var length = 0
    for index in candidates.indices.reversed() {
      let own = text.count(of: min(candidates[index].body, next)..<next)
      let isSame = index + 1 < candidates.count && candidates[index].places == candidates[index + 1].places
        && candidates[index].isEntry == candidates[index + 1].isEntry
      length = own + (isSame ? length : 0)
      candidates[index].length = length
      next = candidates[index].block
    }
  }

  private func worth(_ candidate: Candidate) -> Int {
    min(candidate.length, Self.longest) + (candidate.isTitled ? Self.titleWorth : 0) + 1
  }

  /// The chosen candidates, in their order, each with the item that it is.
  func chain() -> [(candidate: Int, place: Int)] {
    struct Node {
      var candidate: Int
      var place: Int
      var total: Int
      var before: Int
    }
    var nodes: [Node] = []
    // The best chain that ends with each item: an item's place is all that the next one asks about.
    var best = [Int](repeating: -1, count: form.items.count)
    for (index, candidate) in candidates.enumerated() where !candidate.isEntry {
      // A running header repeats its item; the first of a run stands for all.
      if index > 0, candidates[index - 1].places == candidate.places, !candidates[index - 1].isEntry { continue }
      for place in candidate.places {
        let before = best[..<place].filter { $0 >= 0 }.max { nodes[$0].total < nodes[$1].total } ?? -1
        let total = worth(candidate) + (before < 0 ? 0 : nodes[before].total)
        nodes.append(Node(candidate: index, place: place, total: total, before: before))
      }
      // Only now: a candidate cannot follow itself.
      for node in nodes.indices.suffix(candidate.places.count)
      where best[nodes[node].place] < 0 || nodes[best[nodes[node].place]].total < nodes[node].total {
        best[nodes[node].place] = node
      }
    }
    guard var node = best.filter({ $0 >= 0 }).max(by: { nodes[$0].total < nodes[$1].total }) else { return [] }
    var chosen: [(candidate: Int, place: Int)] = []
    while node >= 0 {
      chosen.append((nodes[node].candidate, nodes[node].place))
      node = nodes[node].before
    }
    chosen.reverse()
    return addingMisplaced(chosen)
  }

  /// Items with titles and much text that are where the form does not expect them.
  private func addingMisplaced(_ chosen: [(candidate: Int, place: Int)]) -> [(candidate: Int, place: Int)] {
    var all = chosen
    var known = Set(chosen.flatMap { candidates[$0.candidate].numbers.map { $0 } + [form.items[$0.place].part] })
    for (index, candidate) in candidates.enumerated() {
      guard candidate.isTitled, !candidate.isEntry, candidate.length > 1_000, candidate.places.count == 1,
        known.isDisjoint(with: candidate.numbers)
      else { continue }
      all.append((index, candidate.places[0]))
      known.formUnion(candidate.numbers)
    }
    return all.count == chosen.count ? chosen : all.sorted { $0.candidate < $1.candidate }
  }
}
