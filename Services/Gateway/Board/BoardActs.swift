import ArgumentParser
import Core
import Kafka
import Logging
import Operations
import ServiceKit

/// How the board is set.
struct BoardSettings: Sendable {
  /// Whether its forms may change anything.
  var allowsWrites = false
  /// Of a Prometheus whose firing alerts are shown; without a slash at the end.
  var prometheus: String?
}

/// What forms of the board do. Each is sent with a token that a person types: a page of another origin does not have
/// it, and a browser sends it by itself to none.
extension Board {
  func addActs(to routes: inout ServerRoutes, among pages: [Page]) {
    guard settings.allowsWrites, let sources else { return }
    let book = LetterBook(cluster: sources.cluster)
    for act in ["redrive", "dismiss"] {
      routes.post("\(Self.root)/\(act)/{topic}") { request in
        do {
          let (form, client) = try await admitted(request)
          guard let topic = request.parameter("topic").flatMap({ PercentEncoding.decode($0) }) else {
            throw Problem.badParameter("topic", "cannot be read")
          }
          let words = act == "redrive"
            ? try await redrive(topic, form, client, book) : try await dismiss(topic, form, client, book)
          logger.notice("dead letters", metadata: ["act": "\(act)", "topic": "\(topic)", "by": "\(client.name)"])
          return Layout(pages: pages, client: client).done(words, back: Link(["dead-letters", topic]))
        } catch {
          let problem = Problem(error)
          logger.warning("an act was refused", metadata: ["act": "\(act)", "error": "\(error)"])
          return Layout(pages: pages, client: nil).problem(problem)
        }
      }
    }
  }

  /// - Throws: `Problem` for a form of another origin, a body that is none, or a token without the right.
  private func admitted(_ request: ServerRequest) async throws -> (form: [String: String], client: Access.Client) {
    // Browsers say where a form was sent from (Fetch Metadata); other programs need not.
    if let site = request.header("sec-fetch-site"), site != "same-origin" {
      throw Problem(403, "other_origin", "This form was sent from another page.")
    }
    let type = (request.header("content-type") ?? "").lowercased().prefix { $0 != ";" }
    guard type == "application/x-www-form-urlencoded" else {
      throw Problem(415, "no_form", "The body has to be of type application/x-www-form-urlencoded.")
    }
    var form: [String: String] = [:]
    let body = String(decoding: try await request.body(atMost: 16 << 10), as: UTF8.self)
    for pair in body.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { PercentEncoding.decode($0.replacing("+", with: " ")) ?? "" }
      if parts.count == 2 { form[parts[0]] = parts[1] }
    }
    try rate.take("forms")
    let client = try access.client("Bearer \(form["token"] ?? "")", for: .operate)
    return (form, client)
  }

  private func filter(_ form: [String: String]) throws -> LetterFilter {
    let arguments = ["code", "service", "key", "since", "where"].compactMap { name in
      form[name].flatMap { $0.isEmpty ? nil : "--\(name)=\($0)" }
    }
    do { return try LetterFilter.parse(arguments) } catch {
      throw Problem(400, "bad_parameter", LetterFilter.message(for: error))
    }
  }

  private func redrive(
    _ topic: String, _ form: [String: String], _ client: Access.Client, _ book: LetterBook
  ) async throws -> String {
    let filter = try filter(form)
    guard let rate = Int(form["rate"] ?? "100"), (1...1_000).contains(rate) else {
      throw Problem.badParameter("rate", "is no number from 1 to 1000")
    }
    let found = try await book.letters(of: topic, where: filter)
    _ = try await book.cluster.partitions(of: topic)
    let passing = RedrivePlan(found, mostRedrives: 3).sent.prefix(Self.mostActs).map(\.letter)
    let sent = try await book.redrive(
      RedrivePlan(passing, mostRedrives: 3), to: topic, of: topic, rate: rate, by: client.name, filter: filter.text,
      reason: form["reason"] ?? "")
    let left = found.count - sent
    return "Sent \(counted(sent, "record")) to \(topic)." + (left > 0 ? " \(counted(left, "letter")) stayed." : "")
  }

  private func dismiss(
    _ topic: String, _ form: [String: String], _ client: Access.Client, _ book: LetterBook
  ) async throws -> String {
    let filter = try filter(form)
    let open = try await book.letters(of: topic, where: filter).filter { $0.handled == nil }.prefix(Self.mostActs)
    if !open.isEmpty {
      try await book.dismiss(
        Array(open), of: topic, by: client.name, filter: filter.text, reason: form["reason"] ?? "")
    }
    return "Dismissed \(counted(open.count, "dead letter")) of \(topic)."
  }
}

extension Layout {
  /// What was done.
  func done(_ words: String, back link: Link) -> ServerAnswer {
    plain("Done", [.tag("p", [.class("words good")], .text(words)), .tag("p", [], link.html("Back"))])
  }
}
