import ServiceState

/// Remembers which publication of each file was announced last.
///
/// A file counts as seen when its fingerprint is the last one marked under its name; one that is published again with
/// another size or time is new. A mark is kept for a retention after the file was last listed.
package struct SeenStore: Sendable {
  let state: any StateStore

  package init(_ state: any StateStore = MemoryState()) { self.state = state }

  /// - Returns: for each entry, in order, whether it was announced.
  /// - Throws: `ClassifiedError`.
  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool] {
    zip(entries, try await state.values(of: entries.map(\.key))).map { $0.fingerprint.description == $1 }
  }

  /// Marks the entries durably. Called only after the announcements were acknowledged.
  /// - Throws: `ClassifiedError`; the entries then count as not marked and are announced again.
  func mark(_ entries: [SeenEntry]) async throws {
    try await state.set(entries.map { ($0.key, $0.fingerprint.description) })
  }

  /// Removes the file's mark, unless another publication of it was marked since.
  /// - Parameter fingerprint: of the publication to forget; nil forgets any.
  func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws {
    let key = SeenEntry.key(chain, fileName)
    // Another crawler may mark a new publication in between; forgetting that one announces it once more.
    if let fingerprint, try await state.value(of: key) != fingerprint.description { return }
    try await state.remove(key)
  }

  /// Rows of the last pass over the source that found any; nil without one.
  func rows(of source: String) async throws -> Int? { try await state.value(of: "rows:\(source)").flatMap { Int($0) } }

  func remember(rows: Int, of source: String) async throws {
    // Written when it differs: reading has renewed it.
    if try await self.rows(of: source) != rows { try await state.set([("rows:\(source)", "\(rows)")]) }
  }

  /// Of every key in Redis.
  static let prefix = "souk:crawler:"

  /// `<seconds since 1970><TAB><chain><TAB><file name><TAB><fingerprint, or - when it was forgotten>`, or
  /// `<seconds since 1970><TAB>#rows<TAB><source><TAB><rows, as 32 hex digits>`; no chain is called `#rows`.
  package static let format = StateFormat(
    header: "souk-crawler-seen\t1", owner: "crawler", loss: "every file still listed is then announced again"
  ) { entry in
    let (kind, name) = split(entry.key, at: ":")
    guard kind == "rows" else {
      let (chain, fileName) = split(name, at: "/")
      return ["\(entry.time)", chain, fileName, entry.value ?? "-"]
    }
    let digits = String(entry.value.flatMap { UInt64($0) } ?? 0, radix: 16)
    return ["\(entry.time)", "#rows", name, String(repeating: "0", count: 32 - digits.count) + digits]
  } entry: { fields in
    guard fields.count == 4, let time = Int64(fields[0]) else { return nil }
    let value = Fingerprint(fields[3])?.description
    guard value != nil || fields[3] == "-" else { return nil }
    return fields[1] == "#rows"
      ? StateFormat.Entry(
        key: "rows:\(fields[2])", value: value.flatMap { UInt64($0, radix: 16) }.map { "\($0)" }, time: time)
      : StateFormat.Entry(key: SeenEntry.key(fields[1], fields[2]), value: value, time: time)
  }

  private static func split(_ text: String, at mark: Character) -> (String, String) {
    let parts = text.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
  }
}

/// One publication of one file.
package struct SeenEntry: Hashable, Sendable {
  package var chain: String
  package var fileName: String
  package var fingerprint: Fingerprint

  var key: String { Self.key(chain, fileName) }

  /// Neither chains nor names contain a slash.
  static func key(_ chain: some StringProtocol, _ fileName: some StringProtocol) -> String {
    "seen:\(chain)/\(fileName)"
  }
}
