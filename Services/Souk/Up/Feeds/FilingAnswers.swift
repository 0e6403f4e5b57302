import Core
import Redis
import ServiceKit

/// The filings of each company as the hot store holds them: one row for a company and form.
struct FilingAnswers: Sendable {
  fileprivate struct Row {
    var documents: Set<String> = []
    var items: Set<String> = []
    var passages = 0
  }
  private var rows: [String: Row] = [:]

  static func read(_ client: RedisClient) async throws -> FilingAnswers {
    var answers = FilingAnswers()
    var cursor = "0"
    repeat {
      let reply = try await client.send(RedisCommand("SCAN", cursor, "MATCH", "doc:*", "COUNT", "1000"))
      guard let parts = reply.array, parts.count == 2 else { break }
      cursor = parts[0].text ?? "0"
      let names = (parts[1].array ?? []).compactMap(\.text)
      let fields = ["symbols", "form", "document", "part", "item"]
      let commands = names.map { name in RedisCommand("HMGET", ([name] + fields).map { Array($0.utf8) }) }
      for reply in try await client.sendAll(commands) {
        let texts = (reply.array ?? []).map { $0.text ?? "" }
        guard texts.count == fields.count, let symbol = texts[0].split(separator: ",").first else { continue }
        answers.rows["\(symbol) \(texts[1])", default: Row()].add(texts[2], texts[3], texts[4])
      }
    } while cursor != "0"
    return answers
  }

  /// At most 80 columns; empty before the first passage.
  var lines: [String] {
    guard !rows.isEmpty else { return [] }
    var table = TextTable(["SYMBOL", "FORM", .right("FILINGS"), .right("PASSAGES"), "ITEMS"])
    for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
      let words = name.split(separator: " ", maxSplits: 1).map(String.init)
      let items = row.items.sorted { Self.order($0) < Self.order($1) }.joined(separator: " ")
      table.append([
        words[0], words.count > 1 ? words[1] : "-", "\(row.documents.count)", "\(row.passages)",
        items.count > 40 ? items.prefix(37) + "..." : items,
      ])
    }
    return ["", "What do the filings say? (passages by part and item)", ""] + table.lines
  }

  /// `I:9A` before `I:10`.
  private static func order(_ name: String) -> String {
    let words = name.split(separator: ":")
    let number = words.last ?? ""
    let digits = number.prefix { $0.isNumber }
    return "\(words.first ?? "") \(String(repeating: "0", count: max(0, 3 - digits.count)))\(number)"
  }
}

extension FilingAnswers.Row {
  fileprivate mutating func add(_ document: String, _ part: String, _ item: String) {
    documents.insert(document)
    passages += 1
    for number in item.split(separator: ",") { items.insert(part.isEmpty ? "\(number)" : "\(part):\(number)") }
  }
}
