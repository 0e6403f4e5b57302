import Core
import Messages
import Values

/// A file of splits, in place of the records of `market-splits` or to be published there.
package enum SplitFile {
  /// Reads `symbol,execution_date,split_from,split_to`, with that heading.
  /// - Throws: a configuration `Failure` with the line that is wrong.
  package static func read(_ path: String, knownNs: Int64) throws(Failure) -> [StockSplit] {
    let text = String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    func wrong(_ line: Int, _ what: String) -> Failure {
      Failure(.configuration, code: "bad_splits", "\(path), line \(line): \(what)")
    }
    guard lines.first.map({ $0.split(separator: ",").map(trimmed) }) == heading else {
      throw wrong(1, "the heading is not \(heading.joined(separator: ","))")
    }
    var splits: [StockSplit] = []
    for (number, line) in lines.enumerated().dropFirst() where !line.allSatisfy(\.isWhitespace) {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
      guard cells.count == 4, let symbol = Tickers.canonical(cells[0]), let from = ExactDecimal(cells[2]),
        let to = ExactDecimal(cells[3])
      else { throw wrong(number + 1, "not like AAPL,2026-06-10,1,4") }
      let split = StockSplit(
        symbol: symbol, executionDate: cells[1], splitFrom: from, splitTo: to, source: "file", knownNs: knownNs)
      if let problem = split.problem { throw wrong(number + 1, "\(problem.field): \(problem.words)") }
      splits.append(split)
    }
    return splits
  }

  private static let heading = ["symbol", "execution_date", "split_from", "split_to"]

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
