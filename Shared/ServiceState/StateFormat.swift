import Core

/// The file of a `FileState`: one line of fields, separated by tabs, for each change; later lines count.
package struct StateFormat: Sendable {
  package struct Entry: Hashable, Sendable {
    package var key: String
    /// nil: removed.
    package var value: String?
    /// When it was set or last read, in seconds since 1970.
    package var time: Int64

    package init(key: String, value: String?, time: Int64) {
      self.key = key
      self.value = value
      self.time = time
    }
  }

  /// The first line; empty for a file without one.
  let header: String
  /// Whose state it is, for people.
  let owner: String
  /// What is lost with the file, for people.
  let loss: String
  let fields: @Sendable (Entry) -> [String]
  /// - Returns: nil for a line of another form.
  let entry: @Sendable ([Substring]) -> Entry?

  package init(
    header: String = "", owner: String, loss: String, fields: @escaping @Sendable (Entry) -> [String],
    entry: @escaping @Sendable ([Substring]) -> Entry?
  ) {
    self.header = header
    self.owner = owner
    self.loss = loss
    self.fields = fields
    self.entry = entry
  }

  func line(_ entry: Entry) -> [UInt8] { Array((fields(entry).joined(separator: "\t") + "\n").utf8) }
  var headerLine: [UInt8] { header.isEmpty ? [] : Array("\(header)\n".utf8) }

  /// - Returns: the last entry of each key that was not removed.
  /// - Throws: a configuration `Failure` with the line number, for a foreign or damaged file. A torn last line is
  ///   dropped; other damage would lose entries in silence.
  func read(_ bytes: [UInt8], path: String) throws(Failure) -> [String: Entry] {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
      // Nothing, or a torn first line.
      guard headerLine.starts(with: bytes) || (header.isEmpty && bytes.contains(UInt8(ascii: "\t"))) else {
        throw damaged(path, line: 1)
      }
      return [:]
    }
    var entries: [String: Entry] = [:]
    let text = String(decoding: bytes[..<end], as: UTF8.self)
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if index == 0, !header.isEmpty {
        guard line == header else { throw damaged(path, line: 1) }
        continue
      }
      guard let entry = entry(line.split(separator: "\t", omittingEmptySubsequences: false)) else {
        throw damaged(path, line: index + 1)
      }
      entries[entry.key] = entry.value == nil ? nil : entry
    }
    return entries
  }

  private func damaged(_ path: String, line: Int) -> Failure {
    Failure(
      .configuration, code: "state_damaged",
      "\(path), line \(line), is not a line of a \(owner)'s state; point --state to another file, or remove this one "
        + "(\(loss))")
  }
}
