import LocalServers

/// What was started, to be stopped in reverse order.
struct Teardown: Sendable {
  private struct Part: Sendable {
    var name: String
    /// Returns what is wrong with how it ended; nil when nothing is.
    var stop: @Sendable () async -> String?
  }
  private var parts: [Part] = []

  mutating func add(_ name: String, _ stop: @escaping @Sendable () async -> String?) {
    parts.append(Part(name: name, stop: stop))
  }

  /// - Returns: what did not end cleanly, one line each.
  mutating func run(_ screen: Screen) async -> [String] {
    var complaints: [String] = []
    var clean: [String] = []
    while let part = parts.popLast() {
      if let complaint = await part.stop() {
        complaints.append("\(part.name): \(complaint)")
        screen.say("stopped   \(part.name): \(complaint)")
      } else {
        clean.append(part.name)
      }
    }
    if !clean.isEmpty { screen.say("stopped   \(clean.joined(separator: ", ")): clean") }
    return complaints
  }
}
