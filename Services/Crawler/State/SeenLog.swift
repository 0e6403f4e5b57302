import Core

/// The file of a `FileSeenStore`: one line per mark, later lines win.
///
///     souk-crawler-seen<TAB>1
///     <seconds since 1970><TAB><chain><TAB><file name><TAB><fingerprint, or - when it was forgotten>
///     <seconds since 1970><TAB>#rows<TAB><source><TAB><rows, as 32 hex digits>
struct SeenLog {
  struct Mark: Hashable {
    var fingerprint: Fingerprint
    /// When it was marked or last listed, in seconds since 1970.
    var time: Int64
  }

  static let header = Array("souk-crawler-seen\t1\n".utf8)

  /// By `chain/name`.
  var marks: [String: Mark] = [:]
  /// Bytes of whole lines; a crash tore what follows.
  var wholeBytes = 0

  /// - Throws: a configuration `Failure` with the line number, for a foreign or damaged file. A torn last line is
  ///   dropped; any other damage would announce old files again in silence.
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
      guard fields.count == 4, let time = Int64(Self.text(fields[0])) else { throw Self.damaged(path, line: line) }
      let key = "\(Self.text(fields[1]))/\(Self.text(fields[2]))"
      if fields[3].elementsEqual([UInt8(ascii: "-")]) {
        marks[key] = nil
      } else if let fingerprint = Fingerprint(Self.text(fields[3])) {
        marks[key] = Mark(fingerprint: fingerprint, time: time)
      } else {
        throw Self.damaged(path, line: line)
      }
    }
  }

  /// The key of a source's row count; no chain is called `#rows`.
  static func rowsKey(_ source: String) -> String { "#rows/\(source)" }

  static func line(_ key: String, _ mark: Mark) -> [UInt8] { line(key, mark.time, "\(mark.fingerprint)") }
  static func line(forgetting key: String, at time: Int64) -> [UInt8] { line(key, time, "-") }

  private static func line(_ key: String, _ time: Int64, _ what: String) -> [UInt8] {
    let slash = key.firstIndex(of: "/") ?? key.endIndex
    let name = slash == key.endIndex ? "" : key[key.index(after: slash)...]
    return Array("\(time)\t\(key[..<slash])\t\(name)\t\(what)\n".utf8)
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func damaged(_ path: String, line: Int) -> Failure {
    Failure(
      .configuration, code: "state_damaged",
      "\(path), line \(line), is not a line of a crawler's state; point --state to another file, or remove this one "
        + "(every file still listed is then announced again)")
  }
}
