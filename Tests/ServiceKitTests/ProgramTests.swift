import Core
import ServiceKit
import Testing

/// Programs with subcommands, and what they print about themselves.
@Suite struct ProgramTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func bareProgramRunsItsDefaultCommandWithItsSources() async throws {
    let run = await Run(SampleProgram.self, ["--batch", "4"], environment: ["LINGER": "3s"])
    #expect(run.options?.batch == 4)
    #expect(run.options?.linger.duration == .seconds(3))
  }

  @Test func namedSubcommandGetsItsOwnOptionsOnly() async throws {
    let file = try scratch.file("c.yaml", "database-url: fromfile\n")
    let run = await Run(
      SampleProgram.self, ["migrate", "--steps", "2"], environment: ["DATABASE_URL": "db", "BATCH": "nonsense"])
    #expect(run.code == 0)
    #expect(run.output == "db 2\n")
    let service = await Run(SampleProgram.self, ["sample", "--config", file])
    #expect(service.options?.databaseUrl == "fromfile")
  }

  @Test func failureOfASubcommandIsItsClass() async throws {
    let environment = ["DATABASE_URL": "db"]
    let configuration = await Run(SampleProgram.self, ["migrate", "--steps", "10"], environment: environment)
    #expect(configuration.code == 78)
    #expect(configuration.error == "Error: too many steps; take fewer [too_many]\n")
    #expect(await Run(SampleProgram.self, ["migrate", "--steps", "0"], environment: environment).code == 1)
  }

  @Test func plainCommandsRefuseAnUnknownLogLevel() async {
    let run = await Run(SampleProgram.self, ["migrate"], environment: ["DATABASE_URL": "db", "LOG_LEVEL": "loud"])
    #expect(run.code == 78)
    #expect(run.error.contains("'loud' of environment variable LOG_LEVEL is not one of: trace, debug"))
  }

  @Test func optionOfBothProgramAndSubcommandIsRefused() async {
    let run = await Run(GreedyProgram.self, ["migrate", "--database-url", "db"])
    #expect(run.code != 0)
    #expect(run.error.contains("--steps is declared by a command and by its subcommand"))
  }

  @Test func missingRequiredOptionNamesItsVariable() async throws {
    let run = await Run(SampleProgram.self, ["migrate"])
    #expect(run.code == 64)
    #expect(run.error.contains("--database-url is also environment variable DATABASE_URL (or DATABASE_URL_FILE)"))
  }

  @Test func programsPrintTheirReference() async throws {
    let settings = await Run(SampleProgram.self, ["--print-reference", "settings"], environment: ["BATCH": "nonsense"])
    #expect(settings.code == 0)
    #expect(settings.output.hasPrefix("### `program`\n"))
    #expect(settings.output.contains("| `--batch <batch>` | `BATCH` | `100` | Rows per batch. |\n"))
    let metrics = await Run(SampleProgram.self, ["--print-reference", "metrics"])
    #expect(metrics.output.hasPrefix("| metric | kind | labels | meaning |\n|---|---|---|---|\n"))
    #expect(metrics.output.contains("\n| `souk_ready_condition` | gauge | `condition` | 1 for each condition "))
    let greedy = await Run(SampleProgram.self, ["--print-reference", "secrets"])
    #expect(greedy.code == 64)
  }

  @Test func versionNeedsNoSettings() async throws {
    let run = await Run(SampleService.self, ["--version"], environment: ["BATCH": "nonsense"])
    #expect(run.code == 0)
    #expect(run.output == "9.8.7\n")
  }

  @Test func helpIsGroupedAndNamesTheOtherSources() async throws {
    let run = await Run(SampleService.self, ["--help"], environment: ["SOUK_CONFIG": "/nonexistent"])
    #expect(run.code == 0)
    for text in ["SAMPLE:", "SERVICE:", "--linger <linger>", "default: 20ms", "BATCH=100", "SOUK_CONFIG"] {
      #expect(run.output.contains(text), "\(text)")
    }
  }

  @Test func helpOfAProgramShowsWhatTheBareProgramDoes() async throws {
    let root = await Run(SampleProgram.self, ["--help"])
    #expect(root.output.contains("migrate") && root.output.contains("--linger <linger>"))
    let migrate = await Run(SampleProgram.self, ["help", "migrate"])
    #expect(migrate.code == 0)
    #expect(migrate.output.contains("--steps") && !migrate.output.contains("--linger"))
  }

  @Test func printedSettingsNameTheirSourcesAndHideSecrets() async throws {
    let file = try scratch.file("c.yaml", "linger: 1s\n")
    let run = await Run(
      SampleService.self,
      ["--print-config", "--config", file, "--kafka-property", "sasl.password=hunter2", "--kafka-property", "a=b"],
      environment: [
        "API_TOKEN": "hunter2", "DATABASE_URL": "postgres://me:hunter2@db/x?sslpassword=hunter2",
        "KAFKA_PROPERTIES": "sasl.username=me,ssl.key.password=hunter2", "COMPRESS": "no",
      ])
    #expect(run.code == 0)
    #expect(!run.output.contains("hunter2"))
    for line in [
      "batch: 100  # default",
      "linger: 1s  # file \(file) line 1",
      #"api-token: "***"  # environment variable API_TOKEN"#,
      #"database-url: "postgres://***@db/x?sslpassword=***"  # environment variable DATABASE_URL"#,
      #"  - "sasl.password=***"  # command line"#,
      "  - a=b  # command line",
      #"kafka-properties: "sasl.username=me,ssl.key.password=***"  # environment variable KAFKA_PROPERTIES"#,
      "compress: false  # environment variable COMPRESS",
    ] { #expect(run.output.contains("\n\(line)\n"), "\(line) in:\n\(run.output)") }
  }

  @Test func printedSettingsAreAFileThatGivesTheSame() async throws {
    let arguments = ["--batch", "5", "--no-compress", "--kafka-property", "a=b: c", "--linger", "3s"]
    let first = await Run(SampleService.self, ["--print-config"] + arguments)
    let file = try scratch.file("c.yaml", first.output)
    let options = try #require(await Run(SampleService.self, ["--config", file]).options)
    #expect(options.batch == 5)
    #expect(!options.compress)
    #expect(options.kafkaProperty == ["a=b: c"])
    #expect(options.linger.duration == .seconds(3))
  }

  @Test func refusedSecretIsNotShown() async throws {
    // Not a value that ArgumentParser can refuse by itself, but its neighbour is: only the neighbour is blamed.
    let run = await Run(environment: ["API_TOKEN": "hunter2", "BATCH": "x"])
    #expect(run.code == 78)
    #expect(!run.error.contains("hunter2") && !run.error.contains("API_TOKEN"))
  }

  @Test(arguments: [
    ("database-url", "postgres://u:p@ss/w0rd@h/d", "postgres://***@h/d"),
    ("redis-url", "redis://:pw@h:6379/0", "redis://***@h:6379/0"),
    ("s3-endpoint", "http://127.0.0.1:8333", "http://127.0.0.1:8333"),
    ("aws-secret-access-key", "abc", "***"),
    ("aws-access-key-id", "AKIA", "AKIA"),
    ("azure-storage-connection-string", "AccountName=a;AccountKey=b", "***"),
    ("azure-storage-sas-token", "sv=1&sig=x", "***"),
    ("object-store", "https://a.blob.core.windows.net/c?sv=1&sig=x", "https://a.blob.core.windows.net/c?sv=1&sig=***"),
    ("database-url", "host=h user=u password=p dbname=d", "host=h user=u password=*** dbname=d"),
    ("kafka-bootstrap-servers", "a:9092,b:9092", "a:9092,b:9092"),
  ])
  func secretsAreMaskedByName(_ option: String, _ value: String, _ masked: String) {
    #expect(SecretMask.masked(value, of: option) == masked)
  }

  @Test func referenceListsEveryOption() throws {
    let text = try SettingsReference.markdown(for: SampleProgram.self)
    for line in [
      "## `program`", "## `program sample`", "A sample | of a service.", "### Sample", "### Service",
      "| flag | environment | default | meaning |",
      "| `--batch <batch>` | `BATCH` | `100` | Rows per batch. |",
      "| `--kafka-property <kafka-property>` (repeatable) | `KAFKA_PROPERTY` |  | Broker property. |",
      "| `--compress`, `--no-compress` | `COMPRESS` | `true` | Compress what is sent. |",
      "| `--verbose` | `VERBOSE` | `false` | Say more. |",
      "| `--config <path>` | `SOUK_CONFIG` |  | YAML file with settings, keyed by the flags' names. |",
      "| `--database-url <database-url>` | `DATABASE_URL` | required | Where the database is. |",
      "| `--drain-timeout <drain-timeout>` | `DRAIN_TIMEOUT` | `25s` | "
        + "How long a drain may take after SIGTERM before the process gives up with exit code 75. |",
    ] { #expect(text.contains("\(line)\n"), "\(line)\n\(text)") }
    #expect(!text.contains("`--help`"))
  }
}
