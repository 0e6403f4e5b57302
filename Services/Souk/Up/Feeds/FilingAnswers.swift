import Core
import Foundation
import LocalServers
import Operations
import Redis
import ServiceKit

/// The filings of each company as the hot store holds them, one row for a company and form, and the passages that
/// answer three questions about them.
struct FilingAnswers: Sendable {
  fileprivate struct Row {
    var documents: Set<String> = []
    var items: Set<String> = []
    var passages = 0
  }
  private var rows: [String: Row] = [:]

  /// A question of the simulator about one item of a report, the sentence there that answers it, and what the gateway
  /// finds: of its first three passages the one with the sentence, else the first.
  struct Question: Sendable {
    var symbol: String
    var item: String
    var text: String
    var answer: String
    var passage: Passage?
    var rank = 1

    /// The passage has the sentence, and the item is the right one.
    var isAnswered: Bool { passage.map(answers) ?? false }
    private func answers(_ passage: Passage) -> Bool { passage.text.contains(answer) && passage.item == item }

    /// By words: the demo embeds by hashing them, and that finds less than BM25 does.
    mutating func ask(port: UInt16) async {
      struct Answer: Decodable { var passages: [Passage] }
      let path = "/api/v1/filings/search?mode=text&limit=3&forms=10-K&symbols=\(symbol)&q="
        + PercentEncoding.encode(text)
      guard let reply = await LoopbackHTTP.shared.get(port: port, path: path), reply.status == 200,
        let found = try? JSONDecoder().decode(Answer.self, from: Data(reply.body.utf8)).passages
      else { return }
      let place = found.firstIndex(where: answers) ?? 0
      (passage, rank) = (found.dropFirst(place).first, place + 1)
    }
  }
  struct Passage: Sendable, Decodable {
    var text: String
    var form, part, item, document: String?
  }
  private var questions: [Question] = []

  /// Asks until each question has its answer, at most half a minute: filings come by schedule.
  /// - Parameters:
  ///   - edgar: the port of the simulator.
  ///   - door: that of the gateway.
  static func read(_ client: RedisClient, edgar: UInt16, door: UInt16) async throws -> FilingAnswers {
    let deadline = ContinuousClock.now + .seconds(30)
    var questions = await Self.questions(port: edgar)
    while true {
      for index in questions.indices where !questions[index].isAnswered {
        await questions[index].ask(port: door)
      }
      if questions.allSatisfy(\.isAnswered) || ContinuousClock.now >= deadline { break }
      try await Task.sleep(for: .milliseconds(500))
    }
    var answers = try await read(client)
    answers.questions = questions
    return answers
  }

  /// Of the first three companies one each, about three items.
  private static func questions(port: UInt16) async -> [Question] {
    let text = await LoopbackHTTP.shared.get(port: port, path: "/_edgar/questions")?.body ?? ""
    var found: [Question] = []
    for line in text.split(separator: "\n") where found.count < 3 {
      let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard words.count == 5, !found.contains(where: { $0.symbol == words[0] || $0.item == words[1] }) else { continue }
      found.append(Question(symbol: words[0], item: words[1], text: words[3], answer: words[4]))
    }
    return found
  }

  private static func read(_ client: RedisClient) async throws -> FilingAnswers {
    var answers = FilingAnswers()
    let fields = ["symbols", "form", "document", "part", "item"]
    let commands = try await client.keys(of: "doc:").map { name in
      RedisCommand("HMGET", ([name] + fields).map { Array($0.utf8) })
    }
    for reply in try await client.sendAll(commands) {
      let texts = (reply.array ?? []).map { $0.text ?? "" }
      guard texts.count == fields.count, let symbol = texts[0].split(separator: ",").first else { continue }
      answers.rows["\(symbol) \(texts[1])", default: Row()].add(texts[2], texts[3], texts[4])
    }
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
        items.count > 38 ? items.prefix(35) + "..." : items,
      ])
    }
    return ["", "What do the filings say? (passages by part and item)", ""] + table.lines + asked
  }

  private var asked: [String] {
    guard !questions.isEmpty else { return [] }
    var lines = ["", "What do they answer? (of the first three passages that the gateway finds)"]
    for question in questions {
      lines += ["", question.text]
      guard let passage = question.passage else {
        lines.append("  no passage")
        continue
      }
      let place = [passage.form, passage.item.map { "item \($0)" }, passage.document].compactMap { $0 }
      lines.append("  \(question.rank). " + place.joined(separator: ", ") + ":")
      let said = question.isAnswered ? question.answer : String(passage.text.prefix(200))
      lines += wrapped(said, 76).map { "  \($0)" }
    }
    let count = questions.count { $0.isAnswered }
    return lines + ["", "\(count) of \(questions.count) questions are answered, each in its item."]
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
