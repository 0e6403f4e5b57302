import Testing

/// The compose file tells the programs what they know, in values that they admit.
@Suite struct ComposeSettingsTests {
  let compose: ComposeFile

  init() throws { compose = try ComposeFile.read() }

  @Test func everySettingIsOneOfTheProgram() async throws {
    for service in compose.own where try Repository.hasProgram(service.deployed.program) {
      let unknown = try await service.deployed.unknownSettings()
      #expect(unknown.isEmpty, "\(service.name) is told \(unknown)")
    }
  }

  @Test func everyValueIsAdmitted() async throws {
    let secrets = try compose.secrets()
    for service in compose.fleet where try Repository.hasProgram(service.deployed.program) {
      let mounted = secrets.filter { service.secrets.contains(String($0.key.dropFirst(13))) }
      let printed = try await service.deployed.printedConfiguration(secrets: mounted)
      #expect(printed.contains("kafka-bootstrap-servers: kafka:9092"), "\(service.name)")
      #expect(!printed.contains("local-only"), "\(service.name) prints a secret")
    }
  }
}
