import ArgumentParser
import Core
import FeatureFlags
import Features
import Messages
import Operations
import ServiceKit

import Glibc

/// `souk features`: what is computed of bars, signals, flow and sentiment.
struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features", abstract: "The declared features: check, compute and export them.",
    discussion: """
      Examples:
        souk features list
        souk features compute --source bars < bars.jsonl
      """,
      subcommands: [ListCommand.self, ComputeCommand.self, ExportCommand.self])

  struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Check the definitions and print them; works offline.",
      discussion: """
        Examples:
          souk features list --features features.yaml
        """)

    @OptionGroup var features: FeatureOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
      var report = Report("features", [.text("feature", "FEATURE"), .text("definition", "DEFINITION", least: 20)])
      for feature in try features.set().features { report.append([.text(feature.id), .text(feature.text)]) }
      output.print(report)
    }
  }

  struct ComputeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "compute",
      abstract: "Read records from standard input, print the features after each as JSON lines.",
      discussion: """
        The lines are records of the source's topic, as archived; those of a symbol in the order of their times. The \
        engine is the one of hot-writer. A record that is not readable ends the command with exit code 1 and its line.

        Examples:
          souk features compute --source bars < bars.jsonl
        """)

    @OptionGroup var features: FeatureOptions
    @Option(help: "Of which topic the records are.") var source: FeatureDefinition.Source

    func run() throws {
      var lines = FeatureLines(try features.set(), source)
      var output: [UInt8] = []
      var number = 0
      while let line = readLine() {
        number += 1
        if line.isEmpty { continue }
        do throws(DecodingFailure) {
          guard let row = try lines.take(line.utf8Span.span.bytes) else { continue }
          var writer = JSONWriter()
          row.write(to: &writer)
          writer.bytes.withUnsafeBytes { output.append(contentsOf: $0) }
          output.append(UInt8(ascii: "\n"))
        } catch {
          throw Failure(.data, code: error.code, "line \(number): \(error.description)")
        }
        if output.count > 1 << 16 { try Self.flush(&output) }
      }
      try Self.flush(&output)
    }

    private static func flush(_ output: inout [UInt8]) throws(Failure) {
      var written = 0
      while written < output.count {
        let count = output.withUnsafeBytes { write(1, $0.baseAddress! + written, $0.count - written) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          throw Failure(.transient, code: "output", "cannot write: \(String(cString: strerror(errno)))")
        }
        written += count
      }
      output.removeAll(keepingCapacity: true)
    }
  }

  struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Write the definitions as Feast and Featureform read them.",
      discussion: """
        Writes features.py and feature_store.yaml; `feast apply` in that folder then knows them. The values are read \
        from Parquet files in --data, one of each group, as batches write them. souk_featureform.py is for \
        `featureform apply`: its features ask the hot store at REDIS_URL.

        Examples:
          souk features export --folder feast
        """)

    @OptionGroup var features: FeatureOptions
    @Option(help: "Where to write; the folder is made.") var folder: String
    @Option(help: "Where the Parquet files are, seen from Feast.") var data = "data"

    func run() throws {
      let set = try features.set()
      guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
        throw Failure(.configuration, code: "folder", "cannot make \(folder): \(String(cString: strerror(errno)))")
      }
      for (name, text) in [
        ("features.py", FeastExport.python(set, data: data)), ("feature_store.yaml", FeastExport.store),
        ("souk_featureform.py", FeatureformExport.python(set)),
      ] {
        let path = "\(folder)/\(name)"
        guard let file = fopen(path, "w") else {
          throw Failure(.configuration, code: "file", "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten else { throw Failure(.transient, code: "file", "cannot write \(path)") }
        print("wrote \(path)")
      }
    }
  }
}

extension FeatureDefinition.Source: ExpressibleByArgument {}
