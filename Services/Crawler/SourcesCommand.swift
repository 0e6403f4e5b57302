import ArgumentParser

/// `crawler sources`: the chains that `--source` knows by name.
package struct SourcesCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "sources", abstract: "Prints the chains that --source knows by name.")

  package init() {}

  package func run() throws { print(Self.table) }

  static var table: String {
    let rows = [["SOURCE", "CHAIN", "CHAIN IDS", "PORTAL"]] + BinaCatalogue.chains.map { chain in
      [
        chain.slug, chain.name, chain.chainIDs.isEmpty ? "-" : chain.chainIDs.joined(separator: " "),
        chain.address + (chain.isClosed ? " (closed)" : ""),
      ]
    }
    let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
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
