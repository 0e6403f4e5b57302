/// How the simulator listens and answers.
package struct ProviderOptions: Sendable {
  /// Before every answer.
  package var latency: Duration = .zero
  package var faults: [Misbehaviour] = []
  /// Values in one answer.
  package var points = 24

  package init() {}
}
