import ArgumentParser
import Portals
import ServiceKit

/// `crawler sources`: the chains that `--source` knows by name.
struct SourcesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sources", abstract: "Prints the chains that --source knows by name, and the engines.")

  @Argument(help: ArgumentHelp("A file of chains to show with the embedded ones.", valueName: "catalogue"))
  var file: String?

  func run() throws { print(Self.table(try ChainCatalogue.load(file: file))) }

  static func table(_ catalogue: ChainCatalogue) -> String {
    let chains = catalogue.chains.map { chain in
      [
        chain.slug, chain.name, chain.engine, chain.allIDs.isEmpty ? "-" : chain.allIDs.joined(separator: " "),
        chain.isClosed ? "closed" : chain.locator + (chain.path ?? ""),
      ]
    }
    let engines = EngineTable.all.map { [$0.name, $0.summary] }
    return text(["SOURCE", "CHAIN", "ENGINE", "CHAIN IDS", "PORTAL"], chains) + "\n\n"
      + text(["ENGINE", "SPEAKS TO"], engines)
  }

  private static func text(_ columns: [TextTable.Column], _ rows: [[String]]) -> String {
    var table = TextTable(columns, hasRule: false)
    for row in rows { table.append(row) }
    return table.lines.joined(separator: "\n")
  }
}
