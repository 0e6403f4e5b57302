extension XMLTokenizer {
  /// - Returns: nil when it is not a tag.
  mutating func startTag(_ window: inout TextWindow) throws(FileDefect) -> XMLToken? {
    let base = window.base
    let tagStart = window.position
    var at = tagStart + 1
    guard XMLNameByte.isStart(base[at]) else {
      guard hasRoot else {
        throw window.defect(.notXMLOrHTML, code: "not_xml", "the file does not begin with an element", at: tagStart)
      }
      try takeLiterally(&window, "\"<\" is not followed by a name", at: tagStart)
      return nil
    }
    let name = at
    while at < window.end, XMLNameByte.isInside(base[at]) { at += 1 }
    try checkName(window, name, at)
    let nameBehind = at
    while true {
      let blanks = at
      while at < window.end, XMLNameByte.isBlank(base[at]) { at += 1 }
      guard at < window.end else { return try incomplete(window, tagStart) }
      if base[at] == UInt8(ascii: ">") {
        isSelfClosing = false
        at += 1
        break
      }
      if base[at] == UInt8(ascii: "/") {
        guard at + 1 < window.end else { return try incomplete(window, tagStart) }
        guard base[at + 1] == UInt8(ascii: ">") else {
          try takeLiterally(&window, "\"/\" in a tag is not followed by \">\"", "xml_bad_tag", at: at)
          return nil
        }
        isSelfClosing = true
        at += 2
        break
      }
      guard at > blanks, XMLNameByte.isStart(base[at]) else {
        try takeLiterally(&window, "a tag holds something else than attributes", "xml_bad_attribute", at: at)
        return nil
      }
      switch try attribute(window, at) {
      case .ends(let behind): at = behind
      case .incomplete: return try incomplete(window, tagStart)
      case .wrong(let offset, let message):
        try takeLiterally(&window, message, "xml_bad_attribute", at: offset)
        return nil
      }
    }
    if isRootClosed { noteAfterRoot(window, "a second root element", at: tagStart) }
    guard depth < limits.depth else {
      throw window.defect(
        .refused, code: "xml_depth_limit", "elements are nested deeper than \(limits.depth)", at: tagStart)
    }
    try checkTag(window, tagStart, at)
    (start, end, nameStart, nameEnd) = (tagStart, at, name, nameBehind)
    if isSelfClosing { noteRoot() } else { open(base + name, nameBehind - name) }
    window.position = at
    return .startTag
  }

  private enum Attribute {
    /// The position behind it.
    case ends(Int)
    /// Its end is not in the window.
    case incomplete
    case wrong(at: Int, String)
  }

  private func attribute(_ window: borrowing TextWindow, _ from: Int) throws(FileDefect) -> Attribute {
    let base = window.base
    let end = window.end
    var at = from
    while at < end, XMLNameByte.isInside(base[at]) { at += 1 }
    try checkName(window, from, at)
    while at < end, XMLNameByte.isBlank(base[at]) { at += 1 }
    guard at < end else { return .incomplete }
    guard base[at] == UInt8(ascii: "=") else { return .wrong(at: at, "an attribute has no value") }
    at += 1
    while at < end, XMLNameByte.isBlank(base[at]) { at += 1 }
    guard at < end else { return .incomplete }
    let quote = base[at]
    guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      return .wrong(at: at, "the value of an attribute is not quoted")
    }
    at += 1
    while at < end, base[at] != quote {
      if base[at] == UInt8(ascii: "<") { return .wrong(at: at, "\"<\" in the value of an attribute") }
      at += 1
    }
    return at < end ? .ends(at + 1) : .incomplete
  }

  /// - Returns: nil when it is not a tag.
  mutating func endTag(_ window: inout TextWindow) throws(FileDefect) -> XMLToken? {
    let base = window.base
    let tagStart = window.position
    let name = tagStart + 2
    var at = name
    while at < window.end, XMLNameByte.isInside(base[at]) { at += 1 }
    let nameBehind = at
    try checkName(window, name, at)
    while at < window.end, XMLNameByte.isBlank(base[at]) { at += 1 }
    guard at < window.end else { return try incomplete(window, tagStart) }
    guard base[at] == UInt8(ascii: ">"), nameBehind > name else {
      try takeLiterally(&window, "an end tag holds something else than a name", "xml_bad_tag", at: at)
      return nil
    }
    try checkTag(window, tagStart, at)
    (start, end, nameStart, nameEnd) = (tagStart, at + 1, name, nameBehind)
    isImplied = false
    guard isInnermost(base + name, nameBehind - name) else { return mismatchedEndTag(&window) }
    closeInnermost()
    window.position = at + 1
    return .endTag
  }

  /// Ends the innermost element, and is read again until it has ended its own; or ends none.
  private mutating func mismatchedEndTag(_ window: inout TextWindow) -> XMLToken? {
    let name = name(in: window)
    guard depth > 0 else {
      noteAfterRoot(window, "an end tag after the root element", at: start)
      window.position = end
      return nil
    }
    if isInnermostWithoutCase(name) {
      note(window, "xml_tag_case", "an end tag differs from its start tag in case", at: start)
    } else if isOpen(name) {
      note(window, "xml_mismatched_tag", "an end tag does not match the open element", at: start)
      closeInnermost()
      end = start
      isImplied = true
      return .endTag
    } else {
      note(window, "xml_mismatched_tag", "an end tag matches no open element", at: start)
      window.position = end
      return .strayEndTag
    }
    closeInnermost()
    window.position = end
    return .endTag
  }

  /// `<!`: a comment, a CDATA section, or a document type declaration.
  /// - Returns: nil when a comment begins.
  mutating func declaration(_ window: inout TextWindow) throws(FileDefect) -> XMLToken? {
    let base = window.base
    let from = window.position
    let available = window.end - from
    if begins(window, "<!--") {
      guard available >= 4 else { return .needsMore }
      beginComment(&window)
      return nil
    }
    if depth > 0, begins(window, "<![CDATA[") {
      guard available >= 9 else { return .needsMore }
      var at = from + 9
      while at + 2 < window.end {
        if base[at] == UInt8(ascii: "]"), base[at + 1] == UInt8(ascii: "]"), base[at + 2] == UInt8(ascii: ">") {
          try checkCDATA(window, from, at + 3)
          (start, end, isSpecial) = (from + 9, at, true)
          window.position = at + 3
          return .cdata
        }
        at += 1
      }
      try checkCDATA(window, from, window.end)
      return .needsMore
    }
    if !hasRoot, begins(window, "<!doctype") {
      guard available >= 15 || available >= limits.tagBytes else {
        // "<!DOCTYPE html" has 14 bytes; one more tells html from a longer name.
        return .needsMore
      }
      if begins(window, "<!doctype html") {
        throw window.defect(.notXMLOrHTML, code: "html", "the file is an HTML page", at: from)
      }
      throw window.defect(
        .refused, code: "xml_doctype", "the file has a document type declaration, which is refused", at: from)
    }
    try takeLiterally(&window, "\"<!\" begins nothing that is known here", "xml_bad_declaration", at: from)
    return nil
  }

  private func checkCDATA(_ window: borrowing TextWindow, _ from: Int, _ behind: Int) throws(FileDefect) {
    guard behind - from <= limits.textBytes else {
      throw window.defect(
        .refused, code: "xml_text_limit", "a CDATA section has more than \(limits.textBytes) bytes", at: from)
    }
  }

  /// True when the window goes on with `text` (lower case, compared without case), as far as there are bytes.
  private func begins(_ window: borrowing TextWindow, _ text: StaticString) -> Bool {
    let count = min(text.utf8CodeUnitCount, window.end - window.position)
    for index in 0..<count {
      let expected = text.utf8Start[index]
      let byte = window.base[window.position + index]
      let isLetter = expected &- UInt8(ascii: "a") < 26
      guard byte == expected || (isLetter && byte | 0x20 == expected) else { return false }
    }
    return true
  }

  private func checkName(_ window: borrowing TextWindow, _ from: Int, _ behind: Int) throws(FileDefect) {
    guard behind - from <= limits.nameBytes else {
      throw window.defect(.refused, code: "xml_name_limit", "a name has more than \(limits.nameBytes) bytes", at: from)
    }
  }

  /// A tag whose end is not in the window.
  private func incomplete(_ window: borrowing TextWindow, _ from: Int) throws(FileDefect) -> XMLToken {
    try checkTag(window, from, window.end)
    return .needsMore
  }

  private func checkTag(_ window: borrowing TextWindow, _ from: Int, _ behind: Int) throws(FileDefect) {
    guard behind - from <= limits.tagBytes else {
      throw window.defect(.refused, code: "xml_tag_limit", "a tag has more than \(limits.tagBytes) bytes", at: from)
    }
  }
}
