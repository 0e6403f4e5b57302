import Core

/// What a service decided about one record. Every consumed record ends in exactly one of the three.
package enum Disposition: Sendable, Hashable {
  /// Its effect is in the output.
  case keep
  /// It is fine and of no use here; counted under `reason` (a bounded set of words).
  case skip(reason: String)
  /// It can never succeed: it goes to the dead-letter topic. What was emitted before (the whole rows of a truncated
  /// file) stays.
  case reject(Rejection)
}

/// Why a record is dead-lettered. What is said never holds payload.
package struct Rejection: Sendable, Hashable, CustomStringConvertible {
  /// `snake_case`, bounded: a metric label and the header `souk-error-code`.
  package var code: String
  package var message: String
  /// The step that refused it: `decode`, `fetch`, `parse`, `write`…
  package var stage: String
  /// When only parts of the record are refused and the others have their effect: those parts, each as a record of
  /// its own. They are dead-lettered in the record's place.
  package var excerpts: [Excerpt] = []

  /// A refused part of a record.
  package struct Excerpt: Sendable, Hashable {
    /// A valid value of the record's topic that holds this part alone.
    package var value: [UInt8]
    package var code: String
    package var message: String

    package init(value: [UInt8], code: String, message: String) {
      self.value = value
      self.code = code
      self.message = message
    }
  }

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
