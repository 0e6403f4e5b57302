import Runtime

/// What a service's core decided about one record. Every consumed record ends in exactly one of the three.
package enum Verdict: Sendable, Hashable {
  /// Its effect is in the output.
  case keep
  /// It is fine and of no use here; counted under `reason` (a bounded set of words).
  case skip(reason: String)
  /// It can never succeed: it goes to the dead-letter topic. Whatever was emitted before (the whole rows of a
  /// truncated file) stays.
  case reject(Rejection)
}

/// Why a record is dead-lettered. Never holds payload.
package struct Rejection: Sendable, Hashable, CustomStringConvertible {
  /// `snake_case`, bounded: a metric label and the header `souk-error-code`.
  package var code: String
  package var message: String
  /// The step that refused it: `decode`, `fetch`, `parse`, `write`…
  package var stage: String

  package init(code: String, stage: String, _ message: String) {
    self.code = code
    self.stage = stage
    self.message = message
  }

  package init(_ error: any ClassifiedError, stage: String) {
    self.init(code: error.code, stage: stage, error.description)
  }

  package var description: String { "\(stage): \(message) [\(code)]" }
}
