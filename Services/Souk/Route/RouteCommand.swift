import ArgumentParser
import Catalogue
import Operations
import Routing
import ServiceKit
import Values

/// `souk route`
struct RouteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "route", abstract: "Which routing keys a pattern picks.",
    discussion: """
      Examples:
        souk route explain '*.*.polymer.*' mena.egypt.polymer.pvc
      """,
      subcommands: [ExplainCommand.self])

  struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain", abstract: "Say word by word how a pattern meets a key; works offline.",
      discussion: """
        A pattern is words joined by points: '*' stands for one word, '#' for none or more. A key is
        region.country.category.material. Exits with 0 when the pattern picks the key, with 2 when it does not.

        Examples:
          souk route explain '#.pvc'
          souk route explain '*.*.polymer.*' mena.egypt.polymer.pvc
        """)

    @Argument(help: "Such as '*.*.polymer.*'; quote it, the shell knows '*' and '#' too.") var pattern: String
    @Argument(help: "Such as mena.egypt.polymer.pvc; without it, only the topics are printed.") var key: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
      let compiled = try parsed()
      let explanation = key.map { RoutingExplanation(compiled, key: $0) }
      print(output.text(Self.data(compiled, key: key, explanation), Self.lines(compiled, key: key, explanation)))
      if let explanation, !explanation.isMatch { throw ExitCode(2) }
    }

    func validate() throws { _ = try parsed() }

    private func parsed() throws -> RoutingPattern {
      do {
        return try RoutingPattern(pattern)
      } catch {
        throw ValidationError("invalid pattern '\(pattern)': \(error)")
      }
    }

    static func data(_ pattern: RoutingPattern, key: String?, _ explanation: RoutingExplanation?) -> DataValue {
      let pairs: [DataValue] = explanation?.pairs.map { pair in
        .object([
          .init("pattern", .text(pair.pattern.description)), .init("key", .list(pair.key.map { .text(String($0)) })),
        ])
      } ?? []
      return .object([
        .init("pattern", .text("\(pattern)")), .init("key", DataValue(key)), .init("pairs", .list(pairs)),
        .init("matches", explanation.map { .bool($0.isMatch) } ?? .null),
        .init("mismatch", DataValue(explanation?.mismatch.map { "\($0)" })),
        .init("topics", .list(pattern.topics.map { .text($0.name) })),
      ])
    }

    static func lines(_ pattern: RoutingPattern, key: String?, _ explanation: RoutingExplanation?) -> [String] {
      var lines = ["pattern  \(pattern)"]
      if let key, let explanation {
        lines.append("key      \(key)")
        lines.append("")
        var table = TextTable(["PATTERN", "KEY"])
        for pair in explanation.pairs {
          table.append([pair.pattern.description, pair.key.isEmpty ? "(no word)" : pair.key.joined(separator: ".")])
        }
        lines += table.lines + ["", explanation.mismatch.map { "no match: \($0)" } ?? "match"]
        if explanation.isMatch, RoutingKey(key) == nil {
          lines.append("but no series has this key: it is not region.country.category.material")
        }
      }
      let topics = pattern.topics.map(\.name)
      let none = "none: no series can have such a key"
      lines.append("topics   " + (topics.isEmpty ? none : topics.joined(separator: ", ")))
      return lines
    }
  }
}
