import Core
import Operations
import SearchStore

/// Passages of filings and transcripts, by words, by vectors, or by both.
extension Board {
  var documentPages: [Page] {
    [
      Page(
        ["documents"], .documents, "Documents", "Passages of filings and transcripts that answer a question.", [
          Parameter("q", .text(most: 500), "What is looked for."),
          Parameter("mode", .choice(PassageQuery.Mode.allCases.map(\.rawValue), standard: "both"), """
            text: by words; vector: by meaning; both: the two lists fused by ranks.
            """),
          Parameter("symbols", .symbols(most: 50), "About one of these, separated by commas."),
          Parameter("forms", .words(most: 20), "Of these forms: 10-K."), Parameter("item", .word(most: 16), "1A."),
          Parameter("start", .time, "Published from here on."), Parameter("end", .time, "Published before."),
          Gateway.limit(10, 100),
        ]
      ) { view in
        guard !view.text("q").isEmpty else {
          return PageContent([
            Panel("passages", "Passages", nil) {
              Panel.Filling([], nothing: "Ask something, such as: risks of the supply chain.")
            },
          ])
        }
        let names = ["q", "mode", "symbols", "forms", "item", "start", "end", "limit"]
        return PageContent([
          panel(
            "passages", "Passages", of: "searchFilings", names.map { ($0, view.given[$0]) },
            nothing: "No passage answers this. document-worker cuts documents into passages; hot-writer keeps them.",
            Self.passages),
        ])
      },
    ]
  }

  private static let notes = [
    "no_index": "There is no index: no passage was written yet.",
    "other_model": "The index is of another model than the question's vector, so only words were searched.",
    "index_building": "Redis is still reading its passages into the index.",
    "no_words": "The question has no word that is searched.",
  ]

  private static func passages(_ answer: DataValue) -> [Panel.Content] {
    let notes = answer.items("notes").compactMap(\.text).map { Self.notes[$0] ?? $0 }
    let passages = answer.items("passages")
    let warnings: [Panel.Content] = notes.isEmpty ? [] : [.words(notes, .warning)]
    guard !passages.isEmpty else { return warnings }
    let list = HTML.tag("ol", [.class("passages")], all: passages.map { passage in
      let place = [
        passage.text("company"), passage.text("form"), passage.text("item").map { "item \($0)" },
        passage.text("heading"), passage.text("speaker"), passage.text("published_at").map { String($0.prefix(10)) },
      ].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " · ")
      let ranks = [
        passage.text("text_rank").map { "\($0). by words" }, passage.text("vector_rank").map { "\($0). by meaning" },
      ].compactMap { $0 }.joined(separator: ", ")
      let link = passage.text("url").flatMap { Link(external: $0) }
      return .tag(
        "li", [], .tag("h3", [], link?.html(.name(place)) ?? .name(place)),
        .tag("p", [.named("dir", "auto")], .text(passage.text("text") ?? "")),
        .tag(
          "p", [.class("note")], "Score \(passage.text("score") ?? "-"): \(ranks). ",
          .name(passage.text("document") ?? "")))
    })
    return warnings + [
      .words(["Model of the vectors: \(answer.text("model") ?? "none")."], .faint),
      .other(list, name: "passages", .list(passages)),
    ]
  }
}
