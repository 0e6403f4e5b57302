import Core
import Feeds
import Messages

/// The companies that texts may be about: their symbols, and the names that people write.
package struct CompanyNames: Sendable {
  package struct Company: Hashable, Sendable {
    /// The canonical symbol.
    package var symbol: String
    /// As it is registered: `Apple Inc.`
    package var title: String

    package init(_ symbol: String, _ title: String) { (self.symbol, self.title) = (symbol, title) }
  }

  /// A name as words in lower case.
  struct Name: Sendable {
    var words: [[UInt8]]
    var symbol: String
    /// One word that means something else, too: it counts only beside another sign of a company.
    var isAmbiguous: Bool
  }

  /// Every symbol that is listed, also further ones of a company.
  private(set) var symbols: Set<String> = []
  /// By the number of their first word.
  private var names: [[Name]] = []
  private var firstWords = WordTable()
  package private(set) var companies = 0
  /// What people call the company of a symbol, as it is registered but without its form: `Apple`, `Johnson & Johnson`.
  private var spoken: [String: String] = [:]

  /// - Parameters:
  ///   - companies: of a company with several symbols, the first one is named for it.
  ///   - known: with others, a name of one word counts without another sign of a company only if it is one of these: of
  ///     ten thousand companies many are called like a thing.
  package init(_ companies: [Company], known: CompanyNames? = nil) {
    var seen: Set<[[UInt8]]> = []
    for company in companies {
      symbols.insert(company.symbol)
      if spoken[company.symbol] == nil { spoken[company.symbol] = Self.spoken(company.title) }
      let words = Self.words(ofTitle: company.title)
      guard let first = words.first, seen.insert(words).inserted else { continue }
      self.companies += 1
      let isAmbiguous = words.count == 1
        && (first.count < 4 || Self.everyday.contains(String(decoding: first, as: UTF8.self))
          || known?.names(beginningWith: first).contains { $0.words.count == 1 } == false)
      let number = firstWords.add(first)
      if number == names.count { names.append([]) }
      names[number].append(Name(words: words, symbol: company.symbol, isAmbiguous: isAmbiguous))
    }
    for number in names.indices { names[number].sort { $0.words.count > $1.words.count } }
  }

  /// The longest first: the longest name that fits is the one that is meant.
  func names(beginningWith word: [UInt8]) -> [Name] { firstWords.find(word[...]).map { names[$0] } ?? [] }

  /// A file in the form of the SEC's `company_tickers.json`: an object of objects with `ticker` and `title`. Of several
  /// symbols of one company (`cik_str`) the first is its main one.
  /// - Throws: `Failure` of class configuration that names the file.
  package init(file: String) throws(Failure) {
    let bytes = try readFile(file, limit: 64 << 20)
    do throws(DecodingFailure) {
      self.init(try Self.companies(in: bytes.span.bytes))
    } catch {
      throw Failure(.configuration, code: "bad_names", "\(file) has not the form of company_tickers.json: \(error)")
    }
    guard companies > 0 else { throw Failure(.configuration, code: "bad_names", "\(file) has no companies") }
  }

  /// All companies of a table of that form, behind the large ones.
  package init(table: [UInt8]) throws(DecodingFailure) {
    self.init(Self.largeCompanies + (try Self.companies(in: table.span.bytes)), known: .large)
  }

  private static func companies(in bytes: RawSpan) throws(DecodingFailure) -> [Company] {
    var reader = try JSONReader(bytes, limits: JSONReader.Limits(maxBytes: 64 << 20))
    var companies: [Company] = []
    var rows = try reader.beginObject()
    while try reader.nextName(&rows) != nil {
      var row = try reader.beginObject()
      var (ticker, title) = ("", "")
      while let field = try reader.nextName(&row) {
        switch field {
        case "ticker": ticker = try reader.string()
        case "title": title = try reader.string()
        default: try reader.skipValue()
        }
      }
      if let symbol = SymbolNames.canonical(ticker, from: .dashed) { companies.append(Company(symbol, title)) }
    }
    try reader.finish()
    return companies
  }

  /// The words of a registered name that people write: without its form, its state and `The`.
  static func words(ofTitle title: String) -> [[UInt8]] {
    var text = title.lowercased()
    if let slash = text.firstIndex(of: "/") { text = String(text[..<slash]) }
    var words = text.split { $0 == " " || $0 == "," || $0 == "&" }.map { word in
      word.filter { $0.isLetter || $0.isNumber }
    }
    words.removeAll(where: \.isEmpty)
    if words.first == "the" { words.removeFirst() }
    if let dot = words.first, dot.hasSuffix("com"), title.lowercased().hasPrefix(dot.dropLast(3) + ".com") {
      words[0] = String(dot.dropLast(3))
    }
    while words.count > 1, let last = words.last, forms.contains(last) { words.removeLast() }
    return words.map { Array($0.utf8) }
  }

  /// nil for a symbol that is not listed.
  package func name(of symbol: String) -> String? { spoken[symbol] }

  private static func spoken(_ title: String) -> String {
    var words = title.split(separator: " ").map { $0.last == "," ? String($0.dropLast()) : String($0) }
    while words.count > 1, let last = words.last, last == "&" || forms.contains(last.lowercased().filter(\.isLetter)) {
      words.removeLast()
    }
    if words[0].hasSuffix(".com") { words[0].removeLast(4) }
    return words.joined(separator: " ")
  }

  private static let forms: Set<String> = [
    "inc", "corp", "corporation", "co", "company", "companies", "ltd", "limited", "plc", "llc", "lp", "sa", "nv", "ag",
    "se", "ab", "asa", "spa", "holdings", "holding", "group", "trust", "incorporated", "cl", "class", "a", "b", "c",
    "adr", "new", "de", "and", "com", "platforms", "technologies", "international",
  ]

  /// Names that are words of the language.
  private static let everyday: Set<String> = [
    "apple", "target", "gap", "visa", "meta", "block", "square", "snap", "match", "unity", "ford", "shell", "carnival",
    "chase", "discover", "progressive", "travelers", "southern", "dominion", "nucor", "best", "general", "american",
    "oracle", "alphabet", "amazon", "zoom", "slack", "box", "root", "opera", "yelp", "wolf", "bloom", "sun", "sunrise",
    "express", "liberty", "national", "guess", "buckle", "children's", "dollar", "five", "first", "western", "republic",
    "waste", "constellation", "monster", "celsius", "confluent", "elastic", "fair", "affirm", "upstart", "robinhood",
    "hood", "coupang", "grab", "sea", "lemonade", "toast", "sweetgreen", "cava", "shake", "wave", "energy", "micron",
    "viking", "crown", "ball", "corning", "key", "citizens", "regions", "north", "mosaic", "compass", "open", "unit",
  ]

  /// Large companies of the United States, for a start without a file.
  package static let large = CompanyNames(largeCompanies)

  private static let largeCompanies = [
    Company("AAPL", "Apple Inc."), Company("MSFT", "Microsoft Corp"), Company("NVDA", "NVIDIA Corp"),
    Company("AMZN", "Amazon.com Inc"), Company("GOOGL", "Alphabet Inc."), Company("GOOG", "Alphabet Inc."),
    Company("META", "Meta Platforms, Inc."), Company("TSLA", "Tesla, Inc."), Company("BRK.B", "Berkshire Hathaway Inc"),
    Company("JPM", "JPMorgan Chase & Co"), Company("V", "Visa Inc."), Company("MA", "Mastercard Inc"),
    Company("UNH", "UnitedHealth Group Inc"), Company("XOM", "Exxon Mobil Corp"), Company("JNJ", "Johnson & Johnson"),
    Company("WMT", "Walmart Inc."), Company("PG", "Procter & Gamble Co"), Company("HD", "Home Depot, Inc."),
    Company("COST", "Costco Wholesale Corp"), Company("ORCL", "Oracle Corp"), Company("NFLX", "Netflix Inc"),
    Company("AMD", "Advanced Micro Devices Inc"), Company("INTC", "Intel Corp"), Company("DIS", "Walt Disney Co"),
    Company("BA", "Boeing Co"), Company("KO", "Coca Cola Co"), Company("PEP", "PepsiCo Inc"),
    Company("BAC", "Bank of America Corp"), Company("PFE", "Pfizer Inc"), Company("MRK", "Merck & Co"),
    Company("CRM", "Salesforce, Inc."), Company("ADBE", "Adobe Inc."), Company("CSCO", "Cisco Systems, Inc."),
    Company("IBM", "International Business Machines Corp"), Company("GE", "General Electric Co"),
    Company("F", "Ford Motor Co"), Company("GM", "General Motors Co"), Company("T", "AT&T Inc."),
    Company("VZ", "Verizon Communications Inc"), Company("NKE", "Nike, Inc."), Company("MCD", "McDonalds Corp"),
    Company("SBUX", "Starbucks Corp"), Company("TGT", "Target Corp"), Company("GS", "Goldman Sachs Group Inc"),
    Company("MS", "Morgan Stanley"), Company("C", "Citigroup Inc"), Company("WFC", "Wells Fargo & Co"),
    Company("CVX", "Chevron Corp"), Company("UBER", "Uber Technologies, Inc"), Company("PYPL", "PayPal Holdings, Inc."),
    Company("QCOM", "Qualcomm Inc"), Company("AVGO", "Broadcom Inc."), Company("GPS", "Gap Inc"),
    Company("SPY", "SPDR S&P 500 ETF Trust"), Company("QQQ", "Invesco QQQ Trust"),
  ]
}
