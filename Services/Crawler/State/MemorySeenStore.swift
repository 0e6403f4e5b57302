/// Forgets everything with the process: for one-off runs and tests.
package actor MemorySeenStore: SeenStore {
  private var marked: [String: Fingerprint] = [:]

  package init() {}

  package func areSeen(_ entries: [SeenEntry]) -> [Bool] { entries.map { marked[$0.key] == $0.fingerprint } }

  package func mark(_ entries: [SeenEntry]) {
    for entry in entries { marked[entry.key] = entry.fingerprint }
  }

  package func ping() {}
  package func close() {}
}
