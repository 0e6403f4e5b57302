import ArgumentParser
import Core
import Options
import Synchronization
import Testing

@testable import ServiceKit

/// A setting that may be a reference, from each source.
@Suite struct SecretSettingTests {
  struct Keeper: ServiceCommand {
    static let configuration = CommandConfiguration(commandName: "keeper")
    @Option(help: "A password.", completion: .secret) var password: String?
    @Option(help: "A name.") var name: String?
    @OptionGroup(title: "Service") var service: ServiceOptions

    @TaskLocal static var seen = Seen()
    final class Seen: Sendable {
      let values = Mutex<[String?]>([])
    }

    func work(_ needs: Needs) -> Work { Work { Self.seen.values.withLock { $0 = [password, name] } } }
  }

  private func run(
    _ environment: [String: String], _ arguments: [String] = []
  ) async -> (values: [String?], output: String, code: Int32) {
    let seen = Keeper.Seen()
    let run = await Keeper.$seen.withValue(seen) { await Run(Keeper.self, arguments, environment: environment) }
    return (seen.values.withLock { $0 }, run.output + run.error, run.code)
  }

  @Test func aFileOfASecretIsGivenAsAReference() async throws {
    let scratch = try Scratch()
    let file = try scratch.file("password", "canary-1\n")
    let run = await run(["PASSWORD_FILE": file, "NAME_FILE": file])
    #expect(run.values == ["file:\(file)", "canary-1"], "other settings are read once")
    #expect(try Secret(run.values[0] ?? "").resolve() == "canary-1")
    let printed = await self.run(["PASSWORD_FILE": file], ["--print-config"])
    #expect(printed.code == 0 && printed.output.contains(file) && !printed.output.contains("canary-1"))
    let missing = await self.run(["PASSWORD_FILE": "/nonexistent/password"])
    #expect(missing.code == 78 && missing.output.contains("PASSWORD_FILE"))
  }

  @Test(arguments: ["env:HOME", "file:/run/secrets/x", "the text itself"])
  func aReferenceMayBeWrittenAnywhere(_ text: String) async {
    #expect(await run(["PASSWORD": text]).values == [text, nil])
    #expect(await run([:], ["--password", text]).values == [text, nil])
  }
}
