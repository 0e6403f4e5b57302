import ArgumentParser
import Core
import Foundation
import Options
@testable import ServiceKit
import Synchronization
import Testing

/// A service that returns its settings instead of working.
struct SampleService: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "A sample | of a service.", version: "9.8.7")

  struct SampleOptions: ParsableArguments {
    @Option(help: "Rows per batch.") var batch = 100
    @Option(help: "Time to wait.") var linger = DurationSetting(.milliseconds(20))
    @Option(help: "Where the database is.") var databaseUrl: String?
    @Option(help: "Proof of identity.") var apiToken: String?
    @Option(help: "Broker property.") var kafkaProperty: [String] = []
    @Option(help: "Broker properties.") var kafkaProperties: String?
    @Option(help: "File of broker properties.") var kafkaPropertiesFile: String?
    @Flag(inversion: .prefixedNo, help: "Compress what is sent.") var compress = true
    @Flag(help: "Say more.") var verbose = false
    @Argument(help: "Things.") var things: [String] = []

    func validate() throws {
      if batch < 1 { throw ValidationError("--batch must be at least 1") }
    }
  }

  @OptionGroup(title: "Sample") var sample: SampleOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  /// Where a run stores its options; one box per test.
  @TaskLocal static var seen = Seen()
  final class Seen: Sendable {
    private let value = Mutex<SampleOptions?>(nil)
    func set(_ options: SampleOptions) { value.withLock { $0 = options } }
    var options: SampleOptions? { value.withLock { $0 } }
  }

  func work(_ needs: Needs) -> Work { Work { Self.seen.set(sample) } }
}

/// Two commands, one of them the default.
struct SampleProgram: ServiceProgram {
  static let configuration = CommandConfiguration(
    commandName: "program", version: "9.8.7", subcommands: [SampleService.self, Migrate.self],
    defaultSubcommand: SampleService.self)

  struct Migrate: AsyncParsableCommand {
    @Option(help: "Where the database is.") var databaseUrl: String
    @Option(help: "Steps.") var steps = 1

    func run() async throws {
      guard steps < 10 else { throw Failure(.configuration, code: "too_many", "too many steps; take fewer") }
      guard steps > 0 else { throw Failure(.transient, code: "unavailable", "the database is unavailable") }
      throw CleanExit.message("\(databaseUrl) \(steps)")
    }
  }
}

/// One run inside the test's process.
struct Run {
  var code: Int32
  var output: String
  var error: String
  var options: SampleService.SampleOptions?

  init(
    _ root: any ParsableCommand.Type = SampleService.self, _ arguments: [String] = [],
    environment: [String: String] = [:]
  ) async {
    let output = Mutex("")
    let error = Mutex<[UInt8]>([])
    let seen = SampleService.Seen()
    let host = Host(
      arguments: arguments, environment: ["HTTP_PORT": "0", "HTTP_HOST": "127.0.0.1"].merging(environment) { $1 },
      standardOutput: { text in output.withLock { $0 += text + "\n" } },
      standardError: { bytes in error.withLock { $0 += bytes } })
    code = await SampleService.$seen.withValue(seen) { await Launcher.run(root, host: host) }
    self.output = output.withLock { $0 }
    self.error = error.withLock { String(decoding: $0, as: UTF8.self) }
    options = seen.options
  }
}

/// Files that live as long as a test.
final class Scratch {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("souk-kit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func file(_ name: String, _ text: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: url)
    return url.path
  }
}

/// A programming error: the root declares an option of its subcommand.
struct GreedyProgram: ServiceProgram {
  static let configuration = CommandConfiguration(commandName: "greedy", subcommands: [SampleProgram.Migrate.self])
  @Option(help: "Steps.") var steps = 1
}
