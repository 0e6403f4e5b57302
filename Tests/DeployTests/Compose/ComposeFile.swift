import Foundation

/// `compose/docker-compose.yml` as `docker compose` reads it when no variable is set.
struct ComposeFile: Sendable {
  static let path = "compose/docker-compose.yml"
  let tree: YAMLTree
  let services: [ComposeService]

  static func read() throws -> ComposeFile { try ComposeFile(text: Repository.text(path)) }

  init(text: String) throws {
    tree = try YAMLTree.document(Self.interpolated(text))
    services = tree["services"].fields.map { ComposeService(name: $0.key, tree: $0.value) }.sorted { $0.name < $1.name }
  }

  /// `${NAME:-default}` as the default.
  static func interpolated(_ text: String) -> String {
    text.replacing(/\$\{[A-Z_]+:-([^}]*)\}/) { String($0.1) }
  }

  /// Those that run an image of this repository: the fleet's, the simulators', the one that trains models.
  var own: [ComposeService] { services.filter(\.isOwn) }
  var others: [ComposeService] { services.filter { !$0.isOwn } }
  /// Those that run a service of the catalogue.
  var fleet: [ComposeService] { own.filter { $0.deployed.isService } }

  func service(_ name: String) -> ComposeService? { services.first { $0.name == name } }
  func services(of profile: String) -> [ComposeService] { services.filter { $0.profiles.contains(profile) } }

  /// What the files of the secrets hold, by their paths inside a container.
  func secrets() throws -> [String: String] {
    var secrets: [String: String] = [:]
    for (name, secret) in tree["secrets"].fields {
      secrets["/run/secrets/\(name)"] = try Repository.text("compose/\(secret["file"].text ?? "")")
    }
    return secrets
  }
}

/// One service of the compose file.
struct ComposeService: Hashable, Sendable {
  let name: String
  let tree: YAMLTree

  var image: String { tree["image"].text ?? "" }
  var isOwn: Bool { image.hasPrefix("souk:") || image.hasPrefix("souk-") }
  /// Runs once, before others.
  var isJob: Bool { tree["healthcheck", "disable"].text == "true" }
  var profiles: Set<String> { Set(tree["profiles"].texts) }
  var secrets: Set<String> { Set(tree["secrets"].texts) }
  var dependencies: [String: YAMLTree] { tree["depends_on"].fields }

  var deployed: DeployedProgram {
    DeployedProgram(
      place: name, command: tree["command"].texts,
      environment: tree["environment"].fields.compactMapValues(\.text))
  }
}
