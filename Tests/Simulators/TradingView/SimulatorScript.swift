/// The simulator's bars and faults.
package struct SimulatorScript: Sendable {
  package struct Bar: Hashable, Sendable {
    /// As in the frames: five or six numbers as text, the time first.
    package var values: [String]
    package init(_ values: String...) { self.values = values }
  }

  package enum Fault: Hashable, Sendable {
    case symbolError(String), seriesError(String), criticalError(String), protocolError(String)
    /// How many times the connection is closed instead of an answer.
    case hangUp(times: Int)
    /// No answer.
    case silence
    /// This exact text instead of an answer.
    case raw(String)
    /// The answer in WebSocket messages of this many bytes.
    case split(Int)
    /// Messages that were captured, one after the other; their ids are renamed to the client's, lengths are counted
    /// again, and `CLOSE` ends the connection.
    case replay([String])
    /// These payloads in frames of their own before the answer; `$session` stands for the client's.
    case before([String])
  }

  /// An answer to a handshake that is no WebSocket.
  package struct Refusal: Hashable, Sendable {
    package var status: Int
    package var retryAfter: String?
    package init(status: Int, retryAfter: String? = nil) {
      self.status = status
      self.retryAfter = retryAfter
    }
  }

  /// Without exchange; ascending.
  package var bars: [String: [Bar]]
  package var faults: [String: Fault] = [:]
  /// Heartbeats that the client must answer before it gets bars.
  package var heartbeats = 0
  /// The required Origin header of the handshake; any other gets 403.
  package var origin: String?
  /// How the first handshakes are refused.
  package var refusals: [Refusal] = []
  /// Whether it reports that there are no older bars.
  package var saysEnd = false
  /// Answers close frames, as servers do.
  package var answersClose = true
  /// Most bars in one answer.
  package var pageSize = 5_000

  package init(bars: [String: [Bar]]) { self.bars = bars }
}
