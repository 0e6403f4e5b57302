import Runtime

/// A page that cannot be used. A data error: the same page never becomes readable, a later one may.
package struct HTMLError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    case empty = "html_empty"
    case tooLarge = "html_too_large"
    case unreadable = "html_unreadable"
    case badPath = "html_bad_path"
  }

  package var kind: Kind
  package var message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var code: String { kind.rawValue }
  package var errorClass: ErrorClass { kind == .badPath ? .fatal : .data }
  package var description: String { "\(message) [\(code)]" }
}
