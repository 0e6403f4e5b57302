import Foundation

/// `compose/Dockerfile`, as far as the tests look at it.
struct Dockerfile: Sendable {
  static let path = "compose/Dockerfile"
  /// Instructions with their continuation lines joined, comments left out.
  let instructions: [String]

  static func read() throws -> Dockerfile { Dockerfile(text: try Repository.text(path)) }

  init(text: String) {
    let lines = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }
    let joined = lines.joined(separator: "\n").replacing("\\\n", with: " ").split(separator: "\n")
    instructions = joined.map { $0.split(separator: " ").joined(separator: " ") }
  }

  /// The default of a build argument.
  func argument(_ name: String) -> String? {
    instructions.first { $0.hasPrefix("ARG \(name)=") }
      .map { String($0.dropFirst("ARG \(name)=".count)).replacing("\"", with: "") }
  }

  /// The programs in the image.
  var products: Set<String> { Set((argument("PRODUCTS") ?? "").split(separator: " ").map(String.init)) }

  /// Those of the image of simulators.
  var simulators: Set<String> {
    Set(stage("simulators").joined(separator: " ").matches(of: /([a-z-]+-simulator) --version/).map { String($0.1) })
  }

  var stages: [String] { instructions.filter { $0.hasPrefix("FROM ") } }

  /// The instructions of a stage behind its FROM; none when there is no such stage.
  func stage(_ name: String) -> [String] {
    guard let first = instructions.firstIndex(where: { $0.hasPrefix("FROM ") && $0.hasSuffix(" AS \(name)") }) else {
      return []
    }
    return Array(instructions[(first + 1)...].prefix { !$0.hasPrefix("FROM ") })
  }

  /// The Debian packages that a stage installs.
  func packages(ofStage name: String) -> Set<String> {
    for instruction in stage(name) {
      guard let range = instruction.range(of: "--no-install-recommends ") else { continue }
      return Set(instruction[range.upperBound...].prefix { $0 != "&" }.split(separator: " ").map(String.init))
    }
    return []
  }

  /// The last instruction of a kind.
  func last(_ keyword: String) -> String? { instructions.last { $0.hasPrefix(keyword + " ") } }
}
