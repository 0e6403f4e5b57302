import Core
import ServiceKit
import Testing

@Suite struct SettingsTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func laterSourceWins() async throws {
    let file = try scratch.file("c.yaml", "batch: 1\nlinger: 1s\ncompress: false\nverbose: true\n")
    let environment = ["SOUK_CONFIG": file, "LINGER": "2s", "VERBOSE": "no"]
    let run = await Run(SampleService.self, ["--compress"], environment: environment)
    let options = try #require(run.options, "\(run)")
    #expect(run.code == 0)
    #expect(options.batch == 1)
    #expect(options.linger.duration == .seconds(2))
    #expect(options.compress)
    #expect(!options.verbose)
  }

  @Test(arguments: [["--batch", "3"], ["--batch=3"], ["--batch", "9", "--batch", "3"]])
  func commandLineWinsOverEverything(_ arguments: [String]) async throws {
    let file = try scratch.file("c.yaml", "batch: 1\n")
    let run = await Run(SampleService.self, arguments + ["--config", file], environment: ["BATCH": "2"])
    #expect(run.options?.batch == 3)
  }

  @Test func defaultsHoldWithoutSources() async throws {
    let options = try #require(await Run().options)
    #expect(options.batch == 100)
    #expect(options.compress)
    #expect(options.databaseUrl == nil)
  }

  @Test func repeatedOptionsAppendLowestSourceFirst() async throws {
    let file = try scratch.file("c.yaml", "kafka-property:\n  a: 1\n  b: two words\n")
    let run = await Run(
      SampleService.self, ["--kafka-property", "e=5"],
      environment: ["SOUK_CONFIG": file, "KAFKA_PROPERTY": "c=3,x\nd=4"])
    #expect(run.options?.kafkaProperty == ["a=1", "b=two words", "c=3,x", "d=4", "e=5"])
  }

  @Test func listsInTheFileRepeat() async throws {
    let file = try scratch.file("c.yaml", "kafka-property: [a=1, -b=2]\n")
    #expect(await Run(environment: ["SOUK_CONFIG": file]).options?.kafkaProperty == ["a=1", "-b=2"])
  }

  @Test func emptyVariableIsUnset() async throws {
    #expect(await Run(environment: ["BATCH": "", "DATABASE_URL": ""]).options?.batch == 100)
  }

  @Test(arguments: [("true", true), ("1", true), ("YES", true), ("false", false), ("0", false), ("no", false)])
  func flagsReadBooleans(_ text: String, _ value: Bool) async throws {
    let options = try #require(await Run(environment: ["COMPRESS": text, "VERBOSE": text]).options)
    #expect(options.compress == value)
    #expect(options.verbose == value)
  }

  @Test func flagThatIsNoBooleanIsRefused() async throws {
    let run = await Run(environment: ["VERBOSE": "maybe"])
    #expect(run.code == 78)
    #expect(run.error.contains("environment variable VERBOSE"))
  }

  @Test func secretComesFromAFile() async throws {
    let file = try scratch.file("token", "s3cret\n")
    #expect(await Run(environment: ["API_TOKEN_FILE": file]).options?.apiToken == "s3cret")
  }

  @Test func secretFileMustBeReadableAndNotEmpty() async throws {
    let missing = await Run(environment: ["API_TOKEN_FILE": "/nonexistent/token"])
    #expect(missing.code == 78)
    #expect(missing.error.contains("/nonexistent/token") && missing.error.contains("API_TOKEN_FILE"))
    let empty = await Run(environment: ["API_TOKEN_FILE": try scratch.file("empty", "\n")])
    #expect(empty.code == 78)
  }

  @Test func valueAndFileTogetherAreRefused() async throws {
    let run = await Run(environment: ["API_TOKEN": "a", "API_TOKEN_FILE": try scratch.file("t", "b")])
    #expect(run.code == 78)
    #expect(run.error.contains("both API_TOKEN and API_TOKEN_FILE"))
  }

  @Test func optionWhoseNameEndsInFileKeepsItsVariable() async throws {
    let run = await Run(environment: ["KAFKA_PROPERTIES_FILE": "/nonexistent"])
    #expect(run.options?.kafkaPropertiesFile == "/nonexistent")
    #expect(run.options?.kafkaProperties == nil)
  }

  @Test func valueMayStartWithADash() async throws {
    #expect(await Run(environment: ["DATABASE_URL": "--drop"]).options?.databaseUrl == "--drop")
  }

  @Test func positionalsAndTerminatorAreLeftAlone() async throws {
    let run = await Run(SampleService.self, ["a", "--", "--batch", "x"], environment: ["BATCH": "7"])
    #expect(run.options?.things == ["a", "--batch", "x"])
    #expect(run.options?.batch == 7)
  }

  @Test func invalidValueNamesItsVariable() async throws {
    let run = await Run(environment: ["LINGER": "20"])
    #expect(run.code == 78)
    #expect(run.error.contains("'20'") && run.error.contains("--linger is set by environment variable LINGER"))
    #expect(run.error.contains("for example: --linger 20ms"))
  }

  @Test func invalidValueNamesItsFileAndLine() async throws {
    let file = try scratch.file("c.yaml", "# settings\nlinger: 5s\nbatch: ten\n")
    let run = await Run(environment: ["SOUK_CONFIG": file, "LINGER": "1s"])
    #expect(run.code == 78)
    #expect(run.error.contains("--batch is set by file \(file) line 3"))
    #expect(!run.error.contains("LINGER"))
  }

  @Test func invalidFlagIsAUsageError() async throws {
    let run = await Run(SampleService.self, ["--linger", "20"], environment: ["BATCH": "2"])
    #expect(run.code == 64)
    #expect(!run.error.contains("set by"))
    #expect(run.options == nil)
  }

  @Test func failedValidationNamesWhoSetIt() async throws {
    let run = await Run(environment: ["BATCH": "0"])
    #expect(run.code == 78)
    #expect(run.error.contains("--batch must be at least 1") && run.error.contains("environment variable BATCH"))
    #expect(await Run(SampleService.self, ["--batch", "0"]).code == 64)
  }

  @Test func unknownKeyIsRefusedWithTheNearestName() async throws {
    let file = try scratch.file("c.yaml", "batch: 1\nkafka-propety: a=1\n")
    let run = await Run(SampleService.self, ["--config", file])
    #expect(run.code == 78)
    #expect(run.error.contains("\(file) line 2: no option is called 'kafka-propety'; did you mean 'kafka-property'?"))
  }

  @Test(arguments: [
    "batch: [1, 2]\n", "batch:\n  a: 1\n", "batch: 1\n batch2: 2\n", "- batch\n", "just text", "verbose: maybe\n",
    "kafka-property: [[a]]\n", "batch: 1\nbatch: 2\n", "check: true\n",
  ])
  func unusableFileIsRefused(_ text: String) async throws {
    let file = try scratch.file("c.yaml", text)
    let run = await Run(SampleService.self, ["--config", file])
    #expect(run.code == 78, "\(run)")
    #expect(run.error.contains(file))
  }

  @Test(arguments: ["", "# only a comment\n", "batch:\n", "batch: null\n", "---\n"])
  func emptyFileChangesNothing(_ text: String) async throws {
    let file = try scratch.file("c.yaml", text)
    let run = await Run(SampleService.self, ["--config", file])
    #expect(run.options?.batch == 100, "\(run)")
  }

  @Test func missingFileIsAConfigurationError() async throws {
    let run = await Run(environment: ["SOUK_CONFIG": "/nonexistent.yaml"])
    #expect(run.code == 78)
    #expect(run.error.contains("/nonexistent.yaml") && run.error.contains("SOUK_CONFIG"))
  }
}
