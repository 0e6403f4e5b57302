import Core
import Operations

/// Prices of supermarkets: products by their names, one product over chains and stores, and a basket.
extension Board {
  var pricePages: [Page] {
    guard gateway.database != nil else { return [] }
    return [
      Page(
        ["prices"], .prices, "Prices", "Find a product by words of its name, in Hebrew or English, or by its code.",
        [
          Parameter("q", .text(most: 200), "Words that all stand in the name, or an EAN."),
          Gateway.limit(50, 200), Gateway.cursor,
        ]
      ) { view in
        let given = [("q", view.optional("q")), ("cursor", view.given["cursor"]), ("limit", view.given["limit"])]
        return PageContent((view.text("q").isEmpty ? [] : [foundPanel(view, given)]) + [chainPanel])
      },
      Page(
        ["products", "{product}"], .prices, "Product",
        "What one product costs in each chain and store, and what it cost.",
        [
          Parameter("product", .word(most: 64), in: .path, "A master's id or an EAN."),
          Parameter("chain", .word(most: 64), "Stores of this chain only."),
          Parameter("sort", .choice(["price", "city", "chain", "since"], standard: "price"), "The order of stores."),
          Parameter("start", .time, "The history from here on; default 90 days ago."),
        ]
      ) { view in try await product(view) },
      Page(
        ["basket"], .prices, "Basket", "What several products cost together: in one store of each chain, and split.",
        [Parameter("products", .words(most: 40), "Codes of products, separated by commas.")]
      ) { view in
        let products = view.texts("products")
        return PageContent(trail: [("Prices", Link(["prices"]))], [
          panel(
            "basket", "Basket", of: "basket", [("products", products.isEmpty ? nil : products.joined(separator: ","))],
            nothing: "No store has any of these products."
          ) { Self.basket($0, view) },
        ].filter { _ in !products.isEmpty } + (products.isEmpty ? [emptyBasket] : []))
      },
    ]
  }

  private var emptyBasket: Panel {
    Panel("basket", "Basket", nil) {
      Panel.Filling([], nothing: "The basket is empty. The pages of products have a link that puts one into it.")
    }
  }

  // MARK: - finding

  private func foundPanel(_ view: PageRequest, _ given: [(name: String, value: String?)]) -> Panel {
    panel(
      "products", "Products", of: "products", given,
      nothing: "No name has all of these words. A chain writes names its own way: try fewer words."
    ) { answer in
      var table = Table([
        .text("name", "Name"), .text("brand", "Brand"), .number("lowest", "From ₪"), .number("highest", "To ₪"),
        .number("chains", "Chains"), .number("stores", "Stores"), .text("seen_at", "Seen, UTC"),
        .text("product", "Code"), .hidden("names"),
      ])
      for row in answer.items("products") {
        let name = row.text("name") ?? row.items("names").first?.text
        let link = Link(["products", row.text("product") ?? ""])
        table.append([
          .text(name), .of(row, "brand"), .of(row, "lowest"), .of(row, "highest"), .of(row, "chains"),
          .of(row, "stores"), .time(row, "seen_at"), .of(row, "product"), .of(row, "names"),
        ], links: ["name": link, "product": link])
      }
      table.next = answer.text("next_cursor").map { view.link(["cursor": $0]) }
      return [.table(table)]
    }
  }

  private var chainPanel: Panel {
    panel(
      "chains", "How fresh each chain is", of: "chains", [],
      nothing: "No file of prices came in the last 30 days. db-writer writes them once crawler and parser run."
    ) { [now = gateway.now] answer in
      var table = Table([
        .text("chain", "Chain"), .text("name", "Name"), .text("newest_file", "Newest file, UTC"), .number("age", "Age"),
        .number("files", "Files in 30 days"), .number("silences", "Silences of more than 26 h"),
      ])
      for row in answer.items("chains") {
        let age = row.time("newest_file").map { Duration.milliseconds(Double(now()) - $0) }
        table.append([
          .of(row, "chain"), .of(row, "name"), .time(row, "newest_file"), .time(age), .of(row, "files"),
          .count(row.items("silences").count),
        ], age.map { $0 > .seconds(26 * 3_600) ? .warning : .plain } ?? .plain)
      }
      return [.table(table)]
    }
  }

  // MARK: - one product

  private func product(_ view: PageRequest) async throws -> PageContent {
    let product = view.text("product")
    // The title is of the card; while the database is away the page has the code.
    let card: DataValue?
    do { card = try await ask("product", [("product", product)]) } catch let problem as Problem {
      guard problem.status == 503 else { throw problem }
      card = nil
    }
    let names = card?.items("names").compactMap { $0.text("name") } ?? []
    let stores = [("product", product), ("chain", view.optional("chain")), ("limit", "1000")]
    return PageContent(
      title: card?.text("name") ?? names.first ?? product, trail: [("Prices", Link(["prices"]))], [
        panel("card", "The product", of: "product", [("product", product)], nothing: "") { Self.card($0, product) },
        panel(
          "cheapest", "Cheapest in each chain", of: "prices", [("product", product), ("limit", "1000")],
          nothing: "No open store has it now.") { Self.cheapest($0, view) },
        historyPanel(view),
        panel(
          "stores", "Every store", of: "prices", stores, nothing: "No open store has it now."
        ) { Self.stores($0, view.text("sort")) },
        panel(
          "promotions", "Promotions that run", of: "promotions",
          [("product", product), ("chain", view.optional("chain"))], nothing: "No promotion of it runs.",
          Self.promotions),
      ])
  }

  private static func card(_ card: DataValue, _ product: String) -> [Panel.Content] {
    var table = Table([
      .text("chain", "Chain"), .text("name", "Its name there"), .text("manufacturer", "Manufacturer"),
      .text("quantity", "Quantity"), .text("ean", "Code there"), .text("seen_at", "Seen, UTC"),
    ], name: "names")
    for row in card.items("names") {
      let quantity = [row.text("quantity"), row.text("unit_qty") ?? row.text("unit")].compactMap { $0 }
      table.append([
        .of(row, "chain"), .of(row, "name"), .of(row, "manufacturer"), .text(quantity.joined(separator: " ")),
        .of(row, "ean"), .time(row, "seen_at"),
      ])
    }
    let code = card.text("product") ?? product
    return [
      .facts([
        .init("gtin", "GTIN", .of(card, "gtin")), .init("brand", "Brand", .of(card, "brand")),
        .init("product", "Code", .of(card, "product")),
        .init(
          "basket", "Basket", Report.Cell(.text(code), "Put it into a basket"),
          link: Link(["basket"], [("products", code)])),
      ]), .table(table),
    ]
  }

  private static func cheapest(_ answer: DataValue, _ view: PageRequest) -> [Panel.Content] {
    var table = Table([
      .text("chain", "Chain"), .number("price", "Price ₪"), .text("store", "Store"), .text("city", "City"),
      .text("since", "Since, UTC"), .text("seen_at", "Seen, UTC"), .number("stores", "Stores"),
    ])
    let rows = answer.items("prices")
    let counts = Dictionary(rows.map { ($0.text("chain") ?? "", 1) }, uniquingKeysWith: +)
    var seen: Set<String> = []
    // The answer has the cheapest first.
    for row in rows {
      guard let chain = row.text("chain"), seen.insert(chain).inserted else { continue }
      table.append([
        .of(row, "chain"), .of(row, "price"), .text(row.text("store") ?? row.text("store_id")), .of(row, "city"),
        .time(row, "since"), .time(row, "seen_at"), .count(counts[chain] ?? 0),
      ], seen.count == 1 ? .good : .plain, links: ["chain": view.link(["chain": chain])])
    }
    return [.table(table)]
  }

  private static func stores(_ answer: DataValue, _ sort: String) -> [Panel.Content] {
    var table = Table([
      .text("chain", "Chain"), .text("store_id", "Store"), .text("store", "Name"), .text("city", "City"),
      .number("price", "Price ₪"), .number("unit_price", "Per unit"), .text("unit", "Unit"),
      .text("since", "Since, UTC"), .text("name", "Its name there"),
    ])
    var rows = answer.items("prices")
    // Prices are in order already; others keep it within what they are sorted by.
    if sort != "price" {
      rows = rows.enumerated().sorted {
        ($0.element.text(sort) ?? "\u{fffd}", $0.offset) < ($1.element.text(sort) ?? "\u{fffd}", $1.offset)
      }.map(\.element)
    }
    for row in rows {
      table.append([
        .of(row, "chain"), .of(row, "store_id"), .of(row, "store"), .of(row, "city"), .of(row, "price"),
        .of(row, "unit_price"), .of(row, "unit"), .time(row, "since"), .of(row, "name"),
      ])
    }
    let more: [Panel.Content] = answer.text("next_cursor") == nil ? [] : [
      .words(["More than 1,000 stores have it: these are the cheapest. Choose a chain to see the others."]),
    ]
    return [.table(table)] + more
  }

  private static func promotions(_ answer: DataValue) -> [Panel.Content] {
    var table = Table([
      .text("chain", "Chain"), .text("store_id", "Store"), .text("description", "What it says"),
      .number("discounted_price", "For ₪"), .number("min_qty", "From quantity"), .number("price", "Shelf ₪"),
      .text("ends_at", "Ends, UTC"), .text("promotion_id", "Id"),
    ])
    for row in answer.items("promotions") {
      table.append([
        .of(row, "chain"), .of(row, "store_id"), .of(row, "description"), .of(row, "discounted_price"),
        .of(row, "min_qty"), .of(row, "price"), .time(row, "ends_at"), .of(row, "promotion_id"),
      ])
    }
    return [.table(table)]
  }

  // MARK: - history

  private func historyPanel(_ view: PageRequest) -> Panel {
    let start = view.given["start"] ?? RFC3339.text(ns: max(0, gateway.now() - 90 * 86_400_000) * 1_000_000, digits: 0)
    let product = view.text("product")
    let asked: [(String, String?)] = [("product", product), ("start", start), ("limit", "10000")]
    return Panel(
      "history", "Its price over time", Question("priceHistory", asked, of: gateway).map { .api($0.address) }
    ) {
      async let changes = ask("priceHistory", asked)
      async let prices = ask("prices", [("product", product), ("limit", "1000")])
      async let chains = ask("chains", [("start", start)])
      let (history, files) = (try await changes, try await chains)
      let contents = Self.history(
        history, now: try await prices, files, from: view.time("start") ?? gateway.now() - 90 * 86_400_000,
        until: gateway.now())
      return Panel.Filling(contents + history.warnings, nothing: "No store has it, and no price of it changed.")
    }
  }

  private static func history(
    _ history: DataValue, now prices: DataValue, _ files: DataValue, from start: Int64, until end: Int64
  ) -> [Panel.Content] {
    var chains: [String: PriceSteps] = [:]
    for row in history.items("changes") {
      guard let since = row.time("previous_since"), let time = row.time("changed_at") else { continue }
      chains[row.text("chain") ?? "", default: PriceSteps()].change(
        of: "\(row.text("store_id") ?? "") \(row.text("ean") ?? "")", from: row.double("previous_price"), since: since,
        to: row.double("price"), at: time)
    }
    for row in prices.items("prices") {
      chains[row.text("chain") ?? "", default: PriceSteps()].now(
        of: "\(row.text("store_id") ?? "") \(row.text("ean") ?? "")", row.double("price"),
        since: row.time("since") ?? 0)
    }
    let shown = chains.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(6)
    let steps = shown.map { (chain: $0.key, steps: $0.value.cheapest) }
    // Not from long before the first price that is known.
    let from = max(Double(start), steps.compactMap { $0.steps.first?.time }.min() ?? 0), until = Double(end)
    guard let range = Plot.range(steps.flatMap { $0.steps.compactMap(\.price) }) else { return [] }
    var plot = Plot(x: from...max(from, until), y: range, unit: "₪")
    for (index, chain) in steps.enumerated() {
      let silences = files.items("chains").first { $0.text("chain") == chain.chain }?.items("silences") ?? []
      let gaps = silences.compactMap { silence -> ClosedRange<Double>? in
        guard let from = silence.time("from"), let to = silence.time("to"), from < to else { return nil }
        return from...to
      }
      // What held when the chart begins holds from its begin on.
      let known = chain.steps.filter { $0.time >= from }
      let before = chain.steps.last { $0.time < from }.map { PriceSteps.Step(time: from, price: $0.price) }
      for line in PriceSteps.lines((before.map { [$0] } ?? []) + known, silences: gaps, until: until) {
        plot.line(
          line.points.map { .init($0.time, $0.price ?? .nan) }, "s\(index + 1)" + (line.isGap ? " dashed" : ""),
          title: line.isGap ? "\(chain.chain): no file came" : chain.chain)
      }
    }
    let data = DataValue.list(steps.map { chain in
      .object([.init("chain", .text(chain.chain)), .init("steps", .list(chain.steps.map { step in
        .object([
          .init("time", .text(RFC3339.text(ns: Int64(step.time) * 1_000_000))),
          .init("price", step.price.map { .number($0) } ?? .null),
        ])
      }))])
    })
    let label = "The cheapest price of each chain over time; dashed where no file of the chain came for 26 hours"
    let legend = Self.legend(steps.enumerated().map { ("s\($0.offset + 1)", $0.element.chain) })
    var table = Table([
      .text("changed_at", "Changed, UTC"), .text("chain", "Chain"), .text("store_id", "Store"),
      .number("previous_price", "From ₪"), .number("price", "To ₪"),
    ], name: "changes")
    for row in history.items("changes").reversed().prefix(100) {
      table.append([
        .time(row, "changed_at"), .of(row, "chain"), .of(row, "store_id"), .of(row, "previous_price"),
        .of(row, "price"),
      ])
    }
    return [
      .figure(.all([plot.svg(label), legend]), name: "history", data),
      .words(["The cheapest store of each chain counts. Dashed: no file of the chain came for more than 26 hours."]),
      .table(table),
    ]
  }

  // MARK: - basket

  private static func basket(_ answer: DataValue, _ view: PageRequest) -> [Panel.Content] {
    let (products, chains) = (answer.items("products"), answer.items("chains").prefix(12))
    let codes = products.map { $0.text("product") ?? "" }
    var table = Table(
      [.text("product", "Product"), .number("split", "Cheapest ₪"), .text("where", "Where")]
        + chains.map { .number($0.text("chain") ?? "", "\($0.text("chain") ?? "") \($0.text("store_id") ?? "")") }
        + [.text("remove", "")], name: "prices")
    for (place, product) in products.enumerated() {
      let (code, offer) = (codes[place], product["cheapest"] ?? .null)
      var rest = codes
      rest.remove(at: place)
      table.append(
        [
          Report.Cell(.text(code), product.text("name") ?? code), .of(offer, "price"),
          .text(offer.text("chain").map { "\($0) \(offer.text("store_id") ?? "")" }),
        ] + chains.map { chain in
          let price = chain.items("prices")[place]
          return Report.Cell(price, price.text ?? "-")
        } + [Report.Cell(.null, "Take out")], offer == .null ? .warning : .plain,
        links: [
          "product": Link(["products", code]),
          "remove": Link(["basket"], [("products", rest.joined(separator: ","))]),
        ])
    }
    let whole = chains.filter { $0.text("missing") == "0" }
    var words = ["No store has all of it."]
    if let best = whole.first {
      let store = "\(best.text("chain") ?? "") store \(best.text("store_id") ?? "")"
      words = ["Cheapest for all of it: \(store), ₪\(best.text("total") ?? "")."]
    }
    if let split = answer.text("split_total") { words.append("Split over the cheapest stores: ₪\(split).") }
    var totals = Table([
      .text("chain", "Chain"), .text("store_id", "Store"), .number("total", "Total ₪"), .number("missing", "Not there"),
    ], name: "chains")
    for (index, chain) in answer.items("chains").enumerated() {
      totals.append(
        [.of(chain, "chain"), .of(chain, "store_id"), .of(chain, "total"), .of(chain, "missing")],
        chain.text("missing") != "0" ? .faint : index == 0 ? .good : .plain)
    }
    return chains.isEmpty ? [] : [.words(words, .good), .table(totals), .table(table)]
  }
}
