import ArgumentParser
import Portals

/// `crawler sources`: the chains that `--source` knows by name.
package struct SourcesCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "sources", abstract: "Prints the chains that --source knows by name, and the engines.")

  @Argument(help: ArgumentHelp("A file of chains to show with the embedded ones.", valueName: "catalogue"))
  package var file: String?

  package init() {}

  package func run() throws { print(Self.table(try ChainCatalogue.load(file: file))) }

  static func table(_ catalogue: ChainCatalogue) -> String {
    let chains = catalogue.chains.map { chain in
      [
        chain.slug, chain.name, chain.engine, chain.allIDs.isEmpty ? "-" : chain.allIDs.joined(separator: " "),
        chain.isClosed ? "closed" : chain.locator + (chain.path ?? ""),
      ]
    }
    let engines = EngineTable.all.map { [$0.name, $0.summary] }
    return text([["SOURCE", "CHAIN", "ENGINE", "CHAIN IDS", "PORTAL"]] + chains) + "\n\n"
      + text([["ENGINE", "SPEAKS TO"]] + engines)
  }

  private static func text(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { $0.padding(to: $1) }.joined(separator: "  ").trimmingEnd()
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  fileprivate func trimmingEnd() -> String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
