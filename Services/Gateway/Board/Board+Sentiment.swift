import Core
import Operations

/// What stories say of a symbol, beside its price.
extension Board {
  var sentimentPages: [Page] {
    [
      Page(
        ["sentiment"], .sentiment, "Sentiment", "Symbols that stories name, with the score of the last one.",
        refresh: .seconds(5)
      ) { view in
        PageContent([
          panel(
            "symbols", "Score of the last story", of: "symbols", [("of", "sentiment")],
            nothing: "No story names a symbol. sentiment-worker scores them, and hot-writer keeps them."
          ) { [now = gateway.now] in Self.symbols($0, view, path: "sentiment", since: now()) },
        ])
      },
      Page(
        ["sentiment", "{symbol}"], .sentiment, "Sentiment of a symbol",
        "Scores of stories beside the price, and each story with its source and why it counts.", [
          Gateway.symbol, Parameter("source", .word(most: 64), "Stories of this source only."),
          Parameter("start", .time, "Stories from here on; default 7 days before the last one."),
          Parameter("end", .time, "Stories up to here, not included."),
        ], refresh: .seconds(5)
      ) { view in
        PageContent(title: view.text("symbol"), trail: [("Sentiment", Link(["sentiment"]))], [storyPanel(view)])
      },
    ]
  }

  private func storyPanel(_ view: PageRequest) -> Panel {
    let symbol = view.text("symbol")
    let asked: [(String, String?)] = [("symbol", symbol), ("end", view.given["end"]), ("limit", "10000")]
    let question = Question("sentiment", asked + [("start", view.given["start"])], of: gateway)
    return Panel("stories", "Stories", question.map { .api($0.address) }) {
      var start = view.given["start"]
      if start == nil { start = try await before(.seconds(7 * 86_400), of: "sentiment", symbol) }
      let answer = try await ask("sentiment", asked + [("start", start)])
      let wanted = view.optional("source")
      let stories = answer.items("stories").filter { wanted == nil || $0.text("source") == wanted }
      let prices = try? await closes(of: symbol, over: stories)
      return Panel.Filling(
        Self.sentiment(stories, prices ?? [], view) + answer.warnings, nothing: "No story about \(symbol) is kept.")
    }
  }

  /// The mean of scores weighted by confidence, and half of its 95 % interval (the normal approximation, with Kish's
  /// effective number of stories); nil without stories.
  static func mean(_ scores: [(score: Double, weight: Double)]) -> (mean: Double, half: Double?)? {
    let weight = scores.reduce(0) { $0 + $1.weight }
    guard weight > 0 else { return nil }
    let mean = scores.reduce(0) { $0 + $1.score * $1.weight } / weight
    let squares = scores.reduce(0) { $0 + $1.weight * $1.weight }
    let effective = weight * weight / squares
    guard effective > 1 else { return (mean, nil) }
    let spread = scores.reduce(0) { $0 + $1.weight * ($1.score - mean) * ($1.score - mean) } / weight
    return (mean, 1.96 * (spread / (effective - 1)).squareRoot())
  }

  private static func sentiment(
    _ stories: [DataValue], _ prices: [Plot.Point], _ view: PageRequest
  ) -> [Panel.Content] {
    let points = stories.compactMap { story in story.time("time").map { Plot.Point($0, story.double("score")) } }
    guard let first = points.first?.x, let last = points.last?.x else { return [] }
    // Below 20 stories a mean says little.
    let isFew = stories.count < 20
    let tone: Tone = isFew ? .faint : .plain
    let scores = stories.map { (score: $0.double("score"), weight: $0.double("confidence")) }
    let mean = mean(scores.filter { $0.score.isFinite && $0.weight.isFinite })
    let room = max(60_000, (last - first) * 0.03)
    let x = first - room...last + room
    var plot = Plot(x: x, y: -1.05...1.05, height: 180, unit: "Score")
    plot.level(0, "s6 thin")
    plot.dots(
      points, isFew ? "s6" : "s3", titles: stories.map { "\($0.text("score") ?? ""): \($0.text("title") ?? "")" })
    plot.line(running(stories), isFew ? "s6 dashed" : "s3", title: "mean of the last 20 stories")
    let counts = legend([("s1", "price"), (isFew ? "s6" : "s3", "score of each story, and the mean of the last 20")])
    let interval = mean?.half.map { "± \(Plot.decimal($0, 2))" } ?? "-"
    var contents: [Panel.Content] = [
      .facts([
        .init("count", "Stories", .count(stories.count), tone),
        .init("mean", "Mean score", Report.Cell(mean.map { .number($0.mean) } ?? .null,
                                               mean.map { Plot.decimal($0.mean, 2) } ?? "-"), tone),
        .init("interval", "95 % interval", Report.Cell(mean?.half.map { .number($0) } ?? .null, interval), tone),
      ]),
    ]
    if isFew {
      contents.append(.words(["n = \(stories.count): below 20 stories a mean says little, so it is grey."], .faint))
    }
    contents.append(.figure(
      .all([price(prices, over: x), plot.svg("Score of each story from -1 to 1"), counts]), name: "scores",
      .list(stories)))
    contents.append(.table(storyTable(stories, view)))
    return contents
  }

  /// The mean of up to 20 stories at the time of each, weighted by confidence.
  private static func running(_ stories: [DataValue]) -> [Plot.Point] {
    stories.indices.compactMap { place in
      let window = stories[max(0, place - 19)...place].map { ($0.double("score"), $0.double("confidence")) }
      let known = window.filter { $0.0.isFinite && $0.1.isFinite }
      return stories[place].time("time").map { .init($0, mean(known)?.mean ?? .nan) }
    }
  }

  /// The newest first.
  private static func storyTable(_ stories: [DataValue], _ view: PageRequest) -> Table {
    var table = Table([
      .text("time", "Published, UTC"), .number("score", "Score"), .number("confidence", "Confidence"),
      .text("title", "Title"), .text("source", "Source"), .text("outlet", "Outlet"), .number("sources", "Outlets"),
      .text("why", "Why it is about the symbol"), .text("scorer", "Scored by"), .hidden("url"), .hidden("rule"),
    ], name: "stories")
    for story in stories.reversed().prefix(200) {
      var links: [String: Link] = [:]
      links["title"] = story.text("url").flatMap { Link(external: $0) }
      links["source"] = story.text("source").map { view.link(["source": $0]) }
      let why = [story.text("rule"), story.text("evidence")].compactMap { $0 }.joined(separator: ": ")
      table.append([
        .time(story, "time"), .of(story, "score"), .of(story, "confidence"), .of(story, "title"), .of(story, "source"),
        .of(story, "outlet"), .of(story, "sources"), .text(why), .of(story, "scorer"), .of(story, "url"),
        .of(story, "rule"),
      ], links: links)
    }
    return table
  }
}
