import Catalogue
import Core
import LocalServers

/// One system as `souk up` shows it: what has to be there before its services start, and what its run ends with.
protocol ShownSystem: Sendable {
  var system: FleetSystem { get }

  /// Refuses arguments that cannot work; asked before anything is started or written.
  /// - Throws: `Failure` of class configuration.
  func check(_ options: UpOptions) throws

  /// Starts the servers the services stand on, or takes those the operator named, and describes both in
  /// `ground.running`.
  func prepare(_ ground: inout Ground) async throws

  /// What the last lines of a run say once everything has arrived: answers from where the data ended.
  func answers() async throws -> [String]
}

/// What the systems stand on while they are being started.
struct Ground {
  let options: UpOptions
  let parts: EmbeddedParts
  let folder: RunFolder
  let screen: Screen
  let infrastructure: Infrastructure
  var running = Infrastructure.Running()
  var teardown = Teardown()

  init(options: UpOptions, parts: EmbeddedParts, folder: RunFolder, screen: Screen, stopping: Interruption) {
    self.options = options
    self.parts = parts
    self.folder = folder
    self.screen = screen
    infrastructure = Infrastructure(folder: folder, screen: screen, stopping: stopping)
  }

  /// The object store of the run: the private S3 server unless another was named.
  mutating func startObjectStore() async throws {
    let choice = try ObjectStoreChoice(parts, objects: try folder.file("objects"))
    switch choice {
    case .embedded:
      let server = try await infrastructure.startSeaweed(&running, &teardown)
      running.surroundings.servers[.objectStore] = ObjectStoreChoice.embeddedEnvironment(server.environment)
    case .given(let store, let endpoint):
      running.surroundings.servers[.objectStore] = choice.environment
      screen.say("using     object store      \(store)\(endpoint.map { " at \($0)" } ?? "")")
    }
  }

  /// The database of the run, brought to the schema of this build.
  /// - Returns: its URL.
  mutating func startDatabase() async throws -> String {
    let url: String
    if let given = parts.databaseURL {
      url = given
      screen.say("using     PostgreSQL        the one of DATABASE_URL")
    } else {
      url = try await infrastructure.startPostgres(&running, &teardown).url
    }
    running.surroundings.servers[.postgres] = ["DATABASE_URL": url]
    try await infrastructure.migrate(running.surroundings)
    screen.say("migrated  the database")
    return url
  }
}
