/// A streaming XML 1.0 tokenizer over bytes that are ASCII where markup is (UTF-8, windows-1255).
///
/// Checked: nesting and matching of tags, one root, names, quoted attributes, terminated comments, instructions
/// and CDATA sections, and the limits. A document type declaration is refused, so there are no entities to expand.
///
/// Laxer than XML 1.0 on purpose, because the rows of such files are good: control characters, `]]>` and stray `&` in
/// text, repeated attributes, `--` in comments, names of any non-ASCII letters, and the position and content of the
/// declaration are not checked.
///
/// Inside the root, broken markup is counted and skipped: a `<` that starts no tag is text; an end tag closes the
/// innermost element of its name and all inside it; an end tag without an open element is a token of its own. The row
/// decoder decides what that means for a row.
struct XMLTokenizer {
  let limits: PriceFileLimits
  /// `TextScan.flagHigh` when bytes of 0x80 and above must be converted, else 0.
  var flaggingHigh: UInt64 = 0

  // The current token, as offsets into the window.
  var start = 0
  var end = 0
  var nameStart = 0
  var nameEnd = 0
  var isSelfClosing = false
  /// The text holds `&`, control characters, or bytes that must be converted.
  var isSpecial = false

  /// The end tag belongs to an element around the one that ended.
  var isImplied = false

  /// The first markup defect, and the number of defects by code.
  private(set) var damage: FileDefect?
  private(set) var defects: [String: Int] = [:]
  /// Position of the last defect in the document, so that reading it again does not count it again.
  private var lastNoted = -1
  /// Position in the document of the `<` that is text.
  private var literalAngle = -1

  private(set) var hasRoot = false
  /// Names of the open elements, concatenated, and where each begins.
  private var openNames: [UInt8] = []
  private var openStarts: [Int] = []
  private var skipping = Skipping.nothing

  private enum Skipping { case nothing, comment, instruction }

  /// True inside a comment or an instruction.
  var isInsideSkipped: Bool { skipping != .nothing }

  init(limits: PriceFileLimits) {
    self.limits = limits
    openNames.reserveCapacity(limits.depth * 16)
    openStarts.reserveCapacity(limits.depth)
  }

  /// The name of the current tag, in the window's memory.
  func name(in window: borrowing TextWindow) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: window.base + nameStart, count: nameEnd - nameStart)
  }

  /// The characters of the current text.
  func text(in window: borrowing TextWindow) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: window.base + start, count: end - start)
  }

  var depth: Int { openStarts.count }
  var isRootClosed: Bool { hasRoot && openStarts.isEmpty }

  /// - Throws: a `FileDefect` of outcome `malformed`, `notXMLOrHTML` or `refused`, after which nothing can be read.
  mutating func next(_ window: inout TextWindow) throws(FileDefect) -> XMLToken {
    while true {
      if skipping != .nothing, !skip(&window) { return .needsMore }
      let position = window.position
      guard position < window.end else { return .needsMore }
      guard window.base[position] == UInt8(ascii: "<"), window.discarded + position != literalAngle else {
        guard let token = try text(&window) else { continue }
        return token
      }
      guard position + 1 < window.end else { return .needsMore }
      let token: XMLToken?
      switch window.base[position + 1] {
      case UInt8(ascii: "/"): token = try endTag(&window)
      case UInt8(ascii: "?"):
        token = nil
        window.position += 2
        skipping = .instruction
      case UInt8(ascii: "!"): token = try declaration(&window)
      default: token = try startTag(&window)
      }
      if let token { return token }
    }
  }

  // MARK: - Wrong markup

  mutating func note(_ window: borrowing TextWindow, _ code: String, _ message: String, at offset: Int) {
    guard window.discarded + offset > lastNoted else { return }
    lastNoted = window.discarded + offset
    if damage == nil { damage = window.defect(.malformed, code: code, message, at: offset) }
    defects[code, default: 0] += 1
  }

  /// Counted once: its number of pieces means nothing.
  mutating func noteAfterRoot(_ window: borrowing TextWindow, _ message: String, at offset: Int) {
    if defects["xml_after_root"] == nil { note(window, "xml_after_root", message, at: offset) }
  }

  /// The `<` at the window's position starts nothing: inside an element it is text, after the root it is skipped.
  /// - Throws: before the root and in its start tag, where nothing can be skipped.
  mutating func takeLiterally(
    _ window: inout TextWindow, _ message: String, _ code: String = "xml_bad_name", at offset: Int
  ) throws(FileDefect) {
    guard hasRoot else { throw window.defect(.malformed, code: code, message, at: offset) }
    if depth > 0 {
      note(window, code, message, at: offset)
      literalAngle = window.discarded + window.position
    } else {
      noteAfterRoot(window, "text after the root element", at: window.position)
      window.position += 1
    }
  }

  // MARK: - Text

  /// - Returns: nil when text outside the root was skipped.
  private mutating func text(_ window: inout TextWindow) throws(FileDefect) -> XMLToken? {
    let from = window.position
    var found = TextScan.toAngle(window.base, from: from, end: window.end, flaggingHigh: flaggingHigh)
    if depth == 0 {
      for offset in from..<found.position where !XMLNameByte.isBlank(window.base[offset]) {
        guard hasRoot else {
          throw window.defect(.notXMLOrHTML, code: "not_xml", "the file does not begin with markup", at: offset)
        }
        noteAfterRoot(window, "text after the root element", at: offset)
        break
      }
      window.position = found.position
      return nil
    }
    var stray: [Int] = []
    // Only a possible tag ends the text.
    while found.position < window.end, found.position + 1 < window.end || found.position == from,
      found.position == from || !XMLNameByte.mayFollowAngle(window.base[found.position + 1])
    {
      if found.position != from { stray.append(found.position) }
      let isSpecial = found.isSpecial
      found = TextScan.toAngle(window.base, from: found.position + 1, end: window.end, flaggingHigh: flaggingHigh)
      found.isSpecial = found.isSpecial || isSpecial
    }
    if found.position - from > limits.textBytes {
      throw window.defect(
        .refused, code: "xml_text_limit", "the text of an element has more than \(limits.textBytes) bytes", at: from)
    }
    guard found.position + 1 < window.end else { return .needsMore }
    for offset in stray { note(window, "xml_bad_name", "\"<\" is not followed by a name", at: offset) }
    (start, end, isSpecial) = (from, found.position, found.isSpecial)
    window.position = found.position
    return .text
  }

  /// Comments and instructions may be longer than the window: their content is discarded as it arrives.
  /// - Returns: false when the terminator is still to come.
  private mutating func skip(_ window: inout TextWindow) -> Bool {
    let angle = UInt8(ascii: ">")
    while window.position < window.end {
      let base = window.base
      var at = window.position
      while at < window.end, base[at] != angle { at += 1 }
      guard at < window.end else {
        // Keep the two bytes before a `>` to come.
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
      // A later `>` may complete the terminator with bytes before this one, as in `<!-- ->-->`: only bytes read so far
      // count.
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

  /// Discards open elements, for markup that is read again.
  mutating func close(toDepth depth: Int) {
    while openStarts.count > depth { closeInnermost() }
  }

  /// True when an element of this name is open; names compare without case.
  func isOpen(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    var end = openNames.count
    for start in openStarts.reversed() {
      if openNames[start..<end].elementsEqual(name, by: XMLNameByte.equalWithoutCase) { return true }
      end = start
    }
    return false
  }

  func isInnermostWithoutCase(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let start = openStarts.last else { return false }
    return openNames[start...].elementsEqual(name, by: XMLNameByte.equalWithoutCase)
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
