import Values

/// The filings of one company that were published lately, as one text: a line for each.
package struct FilingHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    var form: String
    /// `2025-10-31`
    var filedOn: String
    var period: String?
    /// Microseconds since 1970.
    var publishedAt: Int64
    /// Bytes of the whole filing, as EDGAR lists them: another number is another text.
    var size: Int64
    /// Of the document's bytes.
    var sha256: String
    var file: String
  }

  /// By accession number.
  var filings: [String: Known] = [:]

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard words.count == 8, let publishedAt = Int64(words[4]), let size = Int64(words[5]) else { return nil }
      filings[String(words[0])] = Known(
        form: String(words[1]), filedOn: String(words[2]), period: words[3].isEmpty ? nil : String(words[3]),
        publishedAt: publishedAt, size: size, sha256: String(words[6]), file: String(words[7]))
    }
  }

  package var text: String {
    filings.sorted { $0.key < $1.key }.map { accession, known in
      [
        accession, known.form, known.filedOn, known.period ?? "", "\(known.publishedAt)", "\(known.size)",
        known.sha256, known.file,
      ].joined(separator: "\t")
    }.joined(separator: "\n")
  }
}
