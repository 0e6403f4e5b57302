import Catalogue
import Core

/// One system as `souk up` shows it: what has to be there before its services start, and what its run ends with.
protocol ShownSystem: Sendable {
  var system: FleetSystem { get }

  /// Refuses arguments that cannot work; asked before anything is started or written.
  /// - Throws: `Failure` of class configuration.
  func check(_ options: UpOptions) throws

  /// Starts the servers its services need, or takes those the operator named, and adds what services must be told.
  func prepare(_ startup: inout Startup) async throws

  /// What changes while the run goes on, shown below the stages; of a log the last of them.
  func live() async -> [String]

  /// What the last lines of a run say once everything has arrived: answers from where the data ended.
  func answers() async throws -> [String]
}

extension ShownSystem {
  func live() async -> [String] { [] }
}

/// The same numbers asked of several ends.
protocol ComparedAnswers: Sendable {
  /// What does not agree, one line a symbol; empty when all is well.
  var differences: [String] { get }
}

extension ComparedAnswers {
  /// - Throws: `Failure` that names the first symbols that differ.
  func requireAgreement() throws(Failure) {
    guard !differences.isEmpty else { return }
    throw Failure(.fatal, code: "answers_differ", differences.prefix(5).joined(separator: "; "))
  }
}
