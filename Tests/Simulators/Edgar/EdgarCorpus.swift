import Core
import SimulatorServer

/// Invented reports of companies with a truth: which items each has, and where the answer to a question is.
///
/// A function of its seed. Each company writes its reports in a layout of its own, as companies do.
package struct EdgarCorpus: Sendable {
  package struct Company: Hashable, Sendable {
    package var symbols: [String]
    package var cik: Int
    package var name: String
    package var layout: FilingPages.Layout
  }

  package struct Filing: Hashable, Sendable {
    package var company: Int
    package var accession: String
    package var form: String
    /// Days before the corpus' day at which it was filed, and on which the period ended.
    package var filed: Int
    package var period: Int
    package var file: String
    /// `I:1A`, in order.
    package var items: [String]
    /// Seconds after the first question from which on its company's list has it; its index has it before.
    package var appears = 0
    /// Seconds after the first question from which on it is gone.
    package var removed: Int?
    /// The list of older filings has it.
    package var isOlder = false
    package var paragraphs: Int
  }

  /// A question whose answer stands in one item of one filing, in one sentence.
  package struct Question: Hashable, Sendable {
    package var symbol: String
    package var text: String
    package var accession: String
    package var item: String
    package var answer: String
  }

  package private(set) var companies: [Company] = []
  package private(set) var filings: [Filing] = []
  package private(set) var questions: [Question] = []
  private let seed: UInt64

  private static let listed: [(symbols: [String], cik: Int, name: String)] = [
    (["AAPL"], 320_193, "Apple Inc."), (["MSFT"], 789_019, "MICROSOFT CORP"),
    (["NVDA"], 1_045_810, "NVIDIA CORP"), (["TSLA"], 1_318_605, "Tesla, Inc."),
    (["GOOGL", "GOOG"], 1_652_044, "Alphabet Inc."), (["BRK-B", "BRK-A"], 1_067_983, "BERKSHIRE HATHAWAY INC"),
  ]

  /// - Parameters:
  ///   - count: companies, at most six.
  ///   - paragraphs: of an item of an annual report.
  package init(seed: UInt64, companies count: Int = 4, paragraphs: Int = 6) {
    self.seed = seed
    for (index, row) in Self.listed.prefix(count).enumerated() {
      let layout = FilingPages.Layout.allCases[index % FilingPages.Layout.allCases.count]
      companies.append(Company(symbols: row.symbols, cik: row.cik, name: row.name, layout: layout))
      func add(_ form: String, _ filed: Int, _ period: Int, _ items: [String], _ size: Int) {
        let number = filings.count + 1
        filings.append(Filing(
          company: index, accession: "\(zeroPadded(row.cik, 10))-25-\(zeroPadded(number, 6))", form: form,
          filed: filed, period: period, file: "\(row.symbols[0].lowercased())-\(number).htm", items: items,
          paragraphs: size))
      }
      add("10-Q", 330, 365, Self.quarterly, paragraphs / 2 + 1)
      // Its list is a file of its own.
      filings[filings.count - 1].isOlder = index == 0
      add("10-Q", 240, 275, Self.quarterly, paragraphs / 2 + 1)
      add("10-K", 60, 92, Self.annual, paragraphs)
      add("10-Q", 12, 45, Self.quarterly, paragraphs / 2 + 1)
      add("10-K/A", 8, 92, ["II:9A", "III:10", "III:11"], paragraphs / 2 + 1)
      // Other forms come between them.
      add("8-K", 5, 5, [], 1)
    }
    if filings.count > 6 {
      // One that its company's list has later than the index, and one that is removed.
      filings[filings.count - 3].appears = 3_600
      filings[1].removed = 7_200
    }
    for filing in filings where filing.form == "10-K" { ask(filing) }
  }

  private static let annual = [
    "I:1", "I:1A", "I:1B", "I:1C", "I:2", "I:3", "I:4", "II:5", "II:6", "II:7", "II:7A", "II:8", "II:9", "II:9A",
    "II:9B", "II:9C", "III:10", "III:11", "III:12", "III:13", "III:14", "IV:15", "IV:16",
  ]
  private static let quarterly = [
    "I:1", "I:2", "I:3", "I:4", "II:1", "II:1A", "II:2", "II:3", "II:4", "II:5", "II:6",
  ]

  private mutating func ask(_ filing: Filing) {
    let company = companies[filing.company]
    for (item, question, _) in FilingPages.facts {
      questions.append(Question(
        symbol: company.symbols[0].replacing("-", with: "."), text: question.replacing("NAME", with: company.name),
        accession: filing.accession, item: item == "2" && company.layout == .cells ? "1,2" : item,
        answer: fact(item, of: filing)))
    }
  }

  /// The sentence that answers the question about an item.
  package func fact(_ item: String, of filing: Filing) -> String {
    let roll = splitMix64(seed &+ UInt64(filing.company) &* 31)
    let place = FilingPages.places[Int(roll % UInt64(FilingPages.places.count))]
    let sentence = FilingPages.facts.first { $0.item == item }?.answer ?? ""
    return sentence.replacing("PLACE", with: place).replacing("NUMBER", with: "\(roll % 89 + 11)")
      .replacing("NAME", with: companies[filing.company].name)
  }

  /// The document of a filing.
  package func html(of filing: Filing) -> String {
    let company = companies[filing.company]
    var pages = FilingPages(
      company: company.name, form: filing.form, layout: company.layout,
      seed: splitMix64(seed ^ UInt64(filing.accession.hashValueOfBytes)))
    for item in filing.items {
      let number = String(item.split(separator: ":")[1])
      let isFactual = filing.form == "10-K" && FilingPages.facts.contains { $0.item == number }
      pages.add(item, paragraphs: filing.paragraphs, fact: isFactual ? fact(number, of: filing) : nil)
    }
    return pages.html()
  }
}

extension String {
  /// A number that is the same in every process.
  fileprivate var hashValueOfBytes: UInt64 { utf8.reduce(7) { ($0 &* 31) &+ UInt64($1) } }
}
