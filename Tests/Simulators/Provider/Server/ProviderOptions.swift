/// How the simulator listens and answers.
package struct ProviderOptions: Sendable {
  package var host = "127.0.0.1"
  /// 0 is any free one.
  package var port = 0
  /// Before every answer.
  package var latency: Duration = .zero
  package var faults: [Misbehaviour] = []
  /// Values in one answer.
  package var points = 24

  package init() {}
}
