import Glibc

/// What to do about a failure. Every error that crosses a module boundary says which of the four it is, so that
/// one loop can tell a database outage from a bad record and from a wrong password.
package enum ErrorClass: Hashable, Sendable {
  /// An outage: sockets, time-outs, 429, a server that shuts down. Retry for ever, never dead-letter.
  case transient
  /// This record can never succeed: dead-letter it with the reason and go on.
  case data
  /// The operator must change something: stop with exit code 78 before (or instead of) working on.
  case configuration
  /// A guarantee of this program is broken, or the cause is unknown: stop with exit code 1, nothing committed.
  case fatal
}

/// The shape of every error of this project. `description` may be logged and sent to a dead-letter topic:
/// it never holds a secret or a payload.
package protocol ClassifiedError: Error, CustomStringConvertible {
  /// Stable, greppable, `snake_case`; a metric label and a dead-letter header.
  var code: String { get }
  var errorClass: ErrorClass { get }
  /// What the other side asked for (`Retry-After`), if it did.
  var retryAfter: Duration? { get }
}

extension ClassifiedError {
  package var retryAfter: Duration? { nil }
  package var isTransient: Bool { errorClass == .transient }
}

/// The code of any error. It may be shown to anyone; a description may name hosts, roles and tables.
package func publicCode(of error: any Error) -> String { (error as? any ClassifiedError)?.code ?? "unknown" }

/// What can go wrong in one module, as a closed list. A kind with raw values has them as its codes.
package protocol ErrorKind: Hashable, Sendable {
  var code: String { get }
  var errorClass: ErrorClass { get }
}

extension ErrorKind where Self: RawRepresentable<String> {
  package var code: String { rawValue }
}

/// An error of a kind that its module lists, and what happened in words.
package struct CodedError<Listed: ErrorKind>: ClassifiedError, Hashable {
  package typealias Kind = Listed

  package var kind: Kind
  package var message: String
  package var retryAfter: Duration?

  package init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
    self.kind = kind
    self.message = message
    self.retryAfter = retryAfter
  }

  package var code: String { kind.code }
  package var errorClass: ErrorClass { kind.errorClass }
  package var description: String { "\(message) [\(code)]" }
}

/// A class and a code that are written where the error is thrown.
package struct UnlistedKind: ErrorKind {
  package var code: String
  package var errorClass: ErrorClass
}

/// A failure of a kind that no module lists.
package typealias Failure = CodedError<UnlistedKind>

extension Failure {
  package init(_ errorClass: ErrorClass, code: String, _ message: String, retryAfter: Duration? = nil) {
    self.init(UnlistedKind(code: code, errorClass: errorClass), message, retryAfter: retryAfter)
  }
}

extension ErrorClass {
  /// The class of any error. An error that does not say is `fatal`, because to retry or to drop an unknown failure
  /// loses data. Cancellation is `transient`, because the work was given up, not refused.
  package init(of error: any Error) {
    switch error {
    case let error as any ClassifiedError: self = error.errorClass
    case is CancellationError: self = .transient
    default: self = .fatal
    }
  }

  /// The class of a system call's failure on something that a setting names: a machine or a process that has run out
  /// of descriptors or memory is an outage, and says nothing of the setting.
  package init(ofSetting code: Int32) {
    self = [EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR].contains(code) ? .transient : .configuration
  }
}
