import Catalogue
import Core

/// How many processes of each service: `parser=2,db-writer=2`; one of those that are not named.
struct Replicas: Hashable, Sendable {
  private var counts: [String: Int] = [:]

  /// - Throws: `Failure` of class configuration that names the part that is wrong.
  init(text: String) throws(Failure) {
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      let name = String(sides[0])
      guard sides.count == 2, let count = Int(sides[1]), (1...32).contains(count) else {
        throw Self.failure("'\(part)' is not of the form service=number, with a number from 1 to 32")
      }
      guard ServiceCatalogue.named(name) != nil else {
        let known = ServiceCatalogue.all.map(\.name).joined(separator: ", ")
        throw Self.failure("there is no service '\(name)'; there are \(known)")
      }
      counts[name] = count
    }
  }

  /// The services that are named.
  var names: [String] { counts.keys.sorted() }

  func count(of service: String) -> Int { counts[service] ?? 1 }

  private static func failure(_ text: String) -> Failure {
    Failure(.configuration, code: "bad_replicas", "--replicas: \(text)")
  }
}
