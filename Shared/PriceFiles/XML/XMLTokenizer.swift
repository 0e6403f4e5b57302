/// A streaming XML 1.0 tokenizer over bytes that are ASCII where markup is (UTF-8, windows-1255).
///
/// Checked: nesting and matching of tags, one root, names, quoted attributes, terminated comments, instructions
/// and CDATA sections, and the limits. A document type declaration is refused, so there are no entities to expand.
///
/// Deliberately laxer than XML 1.0, because the rows of such files are good: control characters, `]]>` and stray
/// `&` in text, repeated attributes, `--` in comments, names of any non-ASCII letters, and the place and content of
/// the declaration are not looked at.
struct XMLTokenizer {
  let limits: PriceFileLimits
  /// `TextScan.flagHigh` when bytes of 0x80 and above must be converted, else 0.
  var flaggingHigh: UInt64 = 0

  // The token at hand, as offsets into the window.
  var start = 0
  var end = 0
  var nameStart = 0
  var nameEnd = 0
  var isSelfClosing = false
  /// The text holds `&`, control characters, or bytes that must be converted.
  var isSpecial = false

  private(set) var hasRoot = false
  /// Names of the open elements, one behind the other, and where each begins.
  private var openNames: [UInt8] = []
  private var openStarts: [Int] = []
  private var skipping = Skipping.nothing

  private enum Skipping { case nothing, comment, instruction }

  init(limits: PriceFileLimits) {
    self.limits = limits
    openNames.reserveCapacity(limits.depth * 16)
    openStarts.reserveCapacity(limits.depth)
  }

  var depth: Int { openStarts.count }
  var isRootClosed: Bool { hasRoot && openStarts.isEmpty }

  /// - Throws: a `FileDefect` of outcome `malformed`, `notXMLOrHTML` or `refused`; nothing can be read after it.
  mutating func next(_ window: inout TextWindow) throws(FileDefect) -> XMLToken {
    while true {
      if skipping != .nothing, !skip(&window) { return .needsMore }
      let position = window.position
      guard position < window.end else { return .needsMore }
      guard window.base[position] == UInt8(ascii: "<") else {
        guard let token = try text(&window) else { continue }
        return token
      }
      guard position + 1 < window.end else { return .needsMore }
      switch window.base[position + 1] {
      case UInt8(ascii: "/"): return try endTag(&window)
      case UInt8(ascii: "?"):
        window.position += 2
        skipping = .instruction
      case UInt8(ascii: "!"):
        guard let token = try declaration(&window) else { continue }
        return token
      default: return try startTag(&window)
      }
    }
  }

  // MARK: - Text

  /// - Returns: nil when blanks outside the root were passed over.
  private mutating func text(_ window: inout TextWindow) throws(FileDefect) -> XMLToken? {
    let from = window.position
    let found = TextScan.toAngle(window.base, from: from, end: window.end, flaggingHigh: flaggingHigh)
    if depth == 0 {
      for offset in from..<found.position where !XMLNameByte.isBlank(window.base[offset]) {
        throw hasRoot
          ? window.defect(.malformed, code: "xml_after_root", "text after the root element", at: offset)
          : window.defect(.notXMLOrHTML, code: "not_xml", "the file does not begin with markup", at: offset)
      }
      window.position = found.position
      return nil
    }
    if found.position - from > limits.textBytes {
      throw window.defect(
        .refused, code: "xml_text_limit", "the text of an element has more than \(limits.textBytes) bytes", at: from)
    }
    guard found.position < window.end else { return .needsMore }
    (start, end, isSpecial) = (from, found.position, found.isSpecial)
    window.position = found.position
    return .text
  }

  /// Comments and instructions may be longer than the window: their inside is thrown away as it comes.
  /// - Returns: false when the terminator is not there yet.
  private mutating func skip(_ window: inout TextWindow) -> Bool {
    let angle = UInt8(ascii: ">")
    while window.position < window.end {
      let base = window.base
      var at = window.position
      while at < window.end, base[at] != angle { at += 1 }
      guard at < window.end else {
        // The two bytes before the `>` to come stay.
        window.position = max(window.position, window.end - 2)
        return false
      }
      let ends = skipping == .comment
        ? at - 2 >= window.position && base[at - 1] == UInt8(ascii: "-") && base[at - 2] == UInt8(ascii: "-")
        : at - 1 >= window.position && base[at - 1] == UInt8(ascii: "?")
      if ends {
        window.position = at + 1
        skipping = .nothing
        return true
      }
      // A later `>` may end it with bytes before this one, as in `<!-- ->-->`: only what is read counts.
      window.position = at + 1
    }
    return false
  }

  mutating func beginComment(_ window: inout TextWindow) {
    window.position += 4
    skipping = .comment
  }

  // MARK: - Open elements

  mutating func open(_ name: UnsafePointer<UInt8>, _ count: Int) {
    hasRoot = true
    openStarts.append(openNames.count)
    openNames.append(contentsOf: UnsafeBufferPointer(start: name, count: count))
  }

  mutating func closeInnermost() {
    guard let start = openStarts.popLast() else { return }
    openNames.removeLast(openNames.count - start)
  }

  /// Forgets elements that were opened, for markup that is to be read again.
  mutating func close(toDepth depth: Int) {
    while openStarts.count > depth { closeInnermost() }
  }

  func isInnermost(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard let start = openStarts.last, openNames.count - start == count else { return false }
    return openNames.withUnsafeBufferPointer { open in
      for index in 0..<count where open[start + index] != name[index] { return false }
      return true
    }
  }

  mutating func noteRoot() { hasRoot = true }
}
