import Runtime

/// The text of the file a `FileSeenStore` keeps. One line per mark, later lines win:
///
///     souk-crawler-seen<TAB>1
///     <seconds since 1970><TAB><chain><TAB><file name><TAB><fingerprint>
struct SeenLog {
  struct Mark: Hashable {
    var fingerprint: Fingerprint
    /// When it was marked or last listed, in seconds since 1970.
    var time: Int64
  }

  static let header = Array("souk-crawler-seen\t1\n".utf8)

  /// By `chain/name`.
  var marks: [String: Mark] = [:]
  /// Bytes of whole lines; what follows was torn by a crash while it was written.
  var wholeBytes = 0

  /// - Throws: a configuration `Failure` with the line number, for a file that is not ours or was damaged: a torn
  ///   last line is expected and dropped, anything else would silently announce old files again.
  init(_ bytes: [UInt8], path: String) throws(Failure) {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
      // Nothing, or a torn header.
      guard Self.header.starts(with: bytes) else { throw Self.damaged(path, line: 1) }
      return
    }
    wholeBytes = end + 1
    guard bytes.starts(with: Self.header) else { throw Self.damaged(path, line: 1) }
    var line = 1
    for text in bytes[Self.header.count..<max(Self.header.count, end)].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    where wholeBytes > Self.header.count {
      line += 1
      let fields = text.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      guard fields.count == 4, let time = Int64(Self.text(fields[0])),
        let fingerprint = Fingerprint(Self.text(fields[3]))
      else { throw Self.damaged(path, line: line) }
      marks["\(Self.text(fields[1]))/\(Self.text(fields[2]))"] = Mark(fingerprint: fingerprint, time: time)
    }
  }

  static func line(_ key: String, _ mark: Mark) -> [UInt8] {
    let slash = key.firstIndex(of: "/") ?? key.endIndex
    let name = slash == key.endIndex ? "" : key[key.index(after: slash)...]
    return Array("\(mark.time)\t\(key[..<slash])\t\(name)\t\(mark.fingerprint)\n".utf8)
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func damaged(_ path: String, line: Int) -> Failure {
    Failure(
      .configuration, code: "state_damaged",
      "\(path), line \(line), is not a line of a crawler's state; point --state to another file, or remove this one "
        + "(every file still listed is then announced again)")
  }
}
