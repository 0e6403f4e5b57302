/// What the tags of a document do to its text.
extension MarkupReader {
  /// - Returns: where the tag ends; nil when it is not complete.
  mutating func tag(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    let count = bytes.count
    var at = start + 1
    guard at < count else { return nil }
    let isClosing = bytes[at] == 0x2f
    // What looks like a tag in a script is none.
    if !isClosing, hidden == Name.script || hidden == Name.style { return start + 1 }
    if bytes[at] == 0x21 { return comment(bytes, start) }
    if isClosing { at += 1 }
    guard at < count else { return nil }
    guard (bytes[at] | 0x20) &- 0x61 < 26 else {
      if bytes[at] == 0x3f {
        while at < count, bytes[at] != 0x3e { at += 1 }
        return at < count ? at + 1 : nil
      }
      // A sign of comparison.
      if hidden == 0 { put(bytes, start, start + 1) }
      return start + 1
    }
    // The last eight characters of the name tell all names apart that matter.
    var name: UInt64 = 0
    while at < count, Self.isName(bytes[at]) || bytes[at] == 0x3a || bytes[at] == 0x2d {
      name = name << 8 | UInt64(bytes[at] | 0x20)
      at += 1
    }
    var end = at
    var quote: UInt8 = 0
    while end < count {
      let byte = bytes[end]
      if quote != 0 {
        if byte == quote { quote = 0 }
      } else if byte == 0x3e {
        break
      } else if byte == 0x22 || byte == 0x27 {
        quote = byte
      }
      end += 1
    }
    guard end < count else { return nil }
    let attributes = UnsafeBufferPointer(rebasing: bytes[at..<end])
    if hidden != 0 {
      guard name == hidden, attributes.last != 0x2f else { return end + 1 }
      hiddenDepth += isClosing ? -1 : 1
      if hiddenDepth == 0 { hidden = 0 }
    } else if isClosing {
      close(name)
    } else {
      open(name, attributes)
    }
    return end + 1
  }

  private func comment(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    let isComment = start + 3 < bytes.count && bytes[start + 2] == 0x2d && bytes[start + 3] == 0x2d
    guard isComment || start + 3 < bytes.count else { return nil }
    var at = start + (isComment ? 4 : 2)
    while at < bytes.count {
      if bytes[at] == 0x3e, !isComment || (bytes[at - 1] == 0x2d && bytes[at - 2] == 0x2d) { return at + 1 }
      at += 1
    }
    return nil
  }

  private mutating func open(_ name: UInt64, _ attributes: UnsafeBufferPointer<UInt8>) {
    let isEmpty = attributes.last == 0x2f
    let style = attributes.count > 12 ? Style(attributes) : Style()
    if style.isHidden, !isEmpty, name != Name.br, name != Name.hr {
      (hidden, hiddenDepth) = (name, 1)
      return
    }
    switch name {
    case Name.span, Name.font:
      guard !isEmpty else { return }
      spans.append(style.isBold)
      if style.isBold { boldSpans += 1 }
    case Name.b, Name.strong: if !isEmpty { boldTags += 1 }
    case Name.a: isLink = Self.leadsWithin(attributes)
    case Name.br: endBlock()
    case Name.hr:
      endBlock()
      if tables.isEmpty { text.breakPage() }
    case Name.table:
      endBlock()
      endRow()
      lastTable += 1
      tables.append((lastTable, false))
    case Name.tr: endRow()
    case Name.td, Name.th:
      guard !tables.isEmpty else { return endBlock() }
      tables[tables.count - 1].inCell = true
      needsSpace = false
      line.append(Self.cellMark)
    case Name.ixHeader, Name.script, Name.style, Name.title:
      if !isEmpty { (hidden, hiddenDepth) = (name, 1) }
    default:
      guard Name.isBlock(name) else { return }
      endBlock()
      if style.breaksBefore, tables.isEmpty { text.breakPage() }
      if style.breaksAfter { breaksPageAfter = true }
      isBlockBold = style.isBold || Name.isHeading(name)
    }
  }

  private mutating func close(_ name: UInt64) {
    switch name {
    case Name.span, Name.font:
      if spans.popLast() == true { boldSpans -= 1 }
    case Name.b, Name.strong: boldTags = max(0, boldTags - 1)
    case Name.a: isLink = false
    case Name.table: endTable()
    case Name.tr: endRow()
    case Name.td, Name.th: needsSpace = false
    default:
      guard Name.isBlock(name) else { return }
      endBlock()
      isBlockBold = false
      if breaksPageAfter {
        breaksPageAfter = false
        if tables.isEmpty { text.breakPage() }
      }
    }
  }

  private var isInCell: Bool { tables.last?.inCell == true }

  private mutating func endBlock() {
    needsSpace = false
    guard isInCell else { return endLine() }
    if let last = line.last, last != Self.cellMark, last != Self.lineMark { line.append(Self.lineMark) }
  }

  mutating func endLine() {
    needsSpace = false
    defer {
      line.removeAll(keepingCapacity: true)
      (bold, linked) = (0, 0)
    }
    addLine(line[...])
  }

  private mutating func addLine(_ bytes: ArraySlice<UInt8>) {
    guard !bytes.isEmpty else { return }
    let start = text.bytes.count
    text.bytes += bytes
    text.blocks.append(.init(
      kind: .line, start: start, end: text.bytes.count, isBold: bold * 10 >= bytes.count * 8,
      isLink: linked * 10 >= bytes.count * 8))
  }

  /// A row with one cell is no row: its paragraphs are.
  private mutating func endRow() {
    guard isInCell || !line.isEmpty else { return }
    guard let table = tables.last?.number else { return endLine() }
    tables[tables.count - 1].inCell = false
    needsSpace = false
    let cells = line.split(separator: Self.cellMark).compactMap { cell -> ArraySlice<UInt8>? in
      let cell = cell.last == Self.lineMark ? cell.dropLast() : cell
      return cell.isEmpty ? nil : cell
    }
    if cells.count == 1 {
      for part in cells[0].split(separator: Self.lineMark) { addLine(part) }
    } else if cells.count > 1 {
      var row = RowText()
      for cell in cells { row.add(cell.map { $0 == Self.lineMark ? 0x20 : $0 }) }
      let before = text.blocks.count
      row.end(into: &text, table: table)
      if text.blocks.count > before {
        text.blocks[before].isBold = bold * 10 >= line.count * 7
        text.blocks[before].isLink = linked * 2 >= line.count
      }
    }
    line.removeAll(keepingCapacity: true)
    (bold, linked) = (0, 0)
  }

  mutating func endTable() {
    endRow()
    if tables.popLast() == nil { endLine() }
  }

  /// `href="#..."`
  private static func leadsWithin(_ attributes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard attributes.count > 7 else { return false }
    for at in 0..<(attributes.count - 6)
    where attributes[at] | 0x20 == 0x68 && attributes[at + 1] | 0x20 == 0x72 && attributes[at + 2] | 0x20 == 0x65
      && attributes[at + 3] | 0x20 == 0x66 && attributes[at + 4] == 0x3d {
      return attributes[at + 5] == 0x23 || attributes[at + 6] == 0x23
    }
    return false
  }

  /// What the style of an element says of how its text is to be read.
  private struct Style {
    var isHidden = false
    var isBold = false
    var breaksBefore = false
    var breaksAfter = false

    init() {}

    init(_ attributes: UnsafeBufferPointer<UInt8>) {
      let count = attributes.count
      var at = 6
      while at + 3 < count {
        defer { at += 1 }
        guard attributes[at] == 0x3a else { continue }
        let before = attributes[at - 1] | 0x20
        // The last letters of display, font-weight, page-break-before, page-break-after.
        guard before == 0x79 || before == 0x74 || before == 0x65 || before == 0x72 else { continue }
        var value = at + 1
        while value < count, attributes[value] == 0x20 { value += 1 }
        guard value + 2 < count else { return }
        let (first, second) = (attributes[value] | 0x20, attributes[value + 1] | 0x20)
        switch before {
        case 0x79: if Self.ends(attributes, at, "display"), first == 0x6e, second == 0x6f { isHidden = true }
        case 0x74:
          guard Self.ends(attributes, at, "font-weight") else { continue }
          if first == 0x62 || (0x36...0x39).contains(attributes[value]) { isBold = true }
        case 0x65:
          if Self.ends(attributes, at, "break-before"), first == 0x70 || second == 0x6c { breaksBefore = true }
        default: if Self.ends(attributes, at, "break-after"), first == 0x70 || second == 0x6c { breaksAfter = true }
        }
      }
    }

    private static func ends(_ bytes: UnsafeBufferPointer<UInt8>, _ end: Int, _ word: StaticString) -> Bool {
      let length = word.utf8CodeUnitCount
      guard end >= length else { return false }
      for index in 0..<length where bytes[end - length + index] | 0x20 != word.utf8Start[index] | 0x20 {
        return false
      }
      return true
    }
  }

  /// Names of elements as numbers: their last eight characters, the last one lowest.
  private enum Name {
    static let span: UInt64 = 0x7370616e
    static let font: UInt64 = 0x666f6e74
    static let b: UInt64 = 0x62
    static let strong: UInt64 = 0x7374726f6e67
    static let a: UInt64 = 0x61
    static let br: UInt64 = 0x6272
    static let hr: UInt64 = 0x6872
    static let table: UInt64 = 0x7461626c65
    static let tr: UInt64 = 0x7472
    static let td: UInt64 = 0x7464
    static let th: UInt64 = 0x7468
    static let ixHeader: UInt64 = 0x783a686561646572
    static let script: UInt64 = 0x736372697074
    static let style: UInt64 = 0x7374796c65
    static let title: UInt64 = 0x7469746c65

    /// p, div, li, ul, ol, dl, dt, dd, body, html, head, center, blockquote, pre, section, article, header, footer,
    /// thead, tbody, tfoot, caption, form.
    static func isBlock(_ name: UInt64) -> Bool {
      switch name {
      case 0x70, 0x646976, 0x6c69, 0x756c, 0x6f6c, 0x646c, 0x6474, 0x6464, 0x626f6479, 0x68746d6c, 0x68656164,
        0x63656e746572, 0x6f636b71756f7465, 0x707265, 0x73656374696f6e, 0x61727469636c65, 0x686561646572,
        0x666f6f746572, 0x7468656164, 0x74626f6479, 0x74666f6f74, 0x63617074696f6e, 0x666f726d: true
      default: isHeading(name)
      }
    }

    /// h1 to h6.
    static func isHeading(_ name: UInt64) -> Bool { (0x6831...0x6836).contains(name) }
  }
}
