/// Forgets everything with the process: for one-off runs and tests.
package actor MemorySeenStore: SeenStore {
  private var marked: [String: Fingerprint] = [:]
  private var rowCounts: [String: Int] = [:]

  package init() {}

  package func areSeen(_ entries: [SeenEntry]) -> [Bool] { entries.map { marked[$0.key] == $0.fingerprint } }

  package func mark(_ entries: [SeenEntry]) {
    for entry in entries { marked[entry.key] = entry.fingerprint }
  }

  package func forget(chain: String, fileName: String, fingerprint: Fingerprint?) {
    let key = "\(chain)/\(fileName)"
    if fingerprint == nil || marked[key] == fingerprint { marked[key] = nil }
  }

  package func rows(of source: String) -> Int? { rowCounts[source] }
  package func remember(rows: Int, of source: String) { rowCounts[source] = rows }

  package func ping() {}
  package func close() {}
}
