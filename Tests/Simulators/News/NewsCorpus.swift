import Core

/// Invented news with a truth: which articles are copies of one story, and which companies it is about.
///
/// A function of its seed. Stories differ in company, event, number and text; copies differ as those of a wire story
/// do: in the mark of the agency before the headline, the outlet behind it, and how much of the text they have.
package struct NewsCorpus: Sendable {
  package struct Story: Hashable, Sendable {
    package var number: Int
    package var symbol: String
    /// What its words say: 1 or -1.
    package var sign: Int
    /// Of its articles that stay, the different ones.
    package var outlets: Set<String>
  }

  package struct Article: Hashable, Sendable {
    package var number: Int
    /// nil: it is about no company, or not English.
    package var story: Int?
    package var outlet: String
    package var title: String
    package var description: String?
    package var url: String
    /// Seconds before the corpus' time at which it is published; later articles of a story come later.
    package var age: Int
    /// Seconds after the corpus' time at which it can be seen first; 0 for most.
    package var appears: Int
    /// Seconds after the corpus' time at which it is withdrawn.
    package var withdrawn: Int?
  }

  package private(set) var stories: [Story] = []
  package private(set) var articles: [Article] = []

  /// - Parameters:
  ///   - late: of ten articles so many appear after the first question.
  ///   - withdrawn: of ten stories so many lose an article.
  package init(seed: UInt64, stories count: Int, copies: Int = 6, late: Int = 1, withdrawn: Int = 1) {
    var dice = CorpusDice(seed: seed)
    for number in 0..<count {
      let company = Self.companies[dice.below(Self.companies.count)]
      let event = Self.events[dice.below(Self.events.count)]
      // No two stories have the same number.
      let percent = "\(1 + number % 97).\(1 + number / 97)"
      let headline = event.headline.replacing("NAME", with: company.name).replacing("N%", with: "\(percent)%")
      let place = Self.places[dice.below(Self.places.count)]
      let text = """
        \(company.name) \(Self.openings[dice.below(Self.openings.count)]) in \(place) on day \(number + 100), \
        \(Self.details[dice.below(Self.details.count)]), said \(Self.people[dice.below(Self.people.count)]) of desk \
        \(number * 13 + 7).
        """
      var story = Story(number: number, symbol: company.symbol, sign: event.sign, outlets: [])
      let age = 120 + dice.below(20_000)
      var outlets = Self.outlets
      let size = 1 + dice.below(max(1, copies))
      let loses = dice.below(10) < withdrawn
      for copy in 0..<size {
        let outlet = outlets.remove(at: dice.below(outlets.count))
        let isGone = loses && copy == 0
        if !isGone { story.outlets.insert(outlet) }
        let title = switch dice.below(4) {
        case 0: "\(headline) - \(outlet)"
        case 1: "UPDATE \(1 + dice.below(3))-\(headline)"
        default: headline
        }
        let description: String? = switch dice.below(5) {
        case 0: copy == 0 ? text : nil
        case 1: copy == 0 ? text : String(text.prefix(text.count * 3 / 4))
        default: text
        }
        append(
          story: number, outlet: outlet, title: title, description: description, age: max(60, age - copy * 90),
          appears: dice.below(10) < late ? 2 + dice.below(4) : 0, withdrawn: isGone ? 3 + dice.below(3) : nil)
      }
      stories.append(story)
      if number % 4 == 0 {
        append(
          story: nil, outlet: outlets[dice.below(outlets.count)], title: Self.noise[dice.below(Self.noise.count)],
          description: "Section \(number), page \(dice.below(90)).", age: 60 + dice.below(20_000), appears: 0,
          withdrawn: nil)
      }
    }
  }

  private mutating func append(
    story: Int?, outlet: String, title: String, description: String?, age: Int, appears: Int, withdrawn: Int?
  ) {
    let number = articles.count
    let host = outlet.lowercased().filter(\.isLetter)
    articles.append(Article(
      number: number, story: story, outlet: outlet, title: title, description: description,
      url: "https://www.\(host).example/business/\(number)?utm_source=feed&id=\(number)", age: age, appears: appears,
      withdrawn: withdrawn))
  }

  // MARK: What is drawn from

  package static let companies: [(symbol: String, name: String)] = [
    ("MSFT", "Microsoft"), ("NVDA", "NVIDIA"), ("TSLA", "Tesla"), ("PFE", "Pfizer"), ("BA", "Boeing"),
    ("NFLX", "Netflix"), ("WMT", "Walmart"), ("INTC", "Intel"), ("SBUX", "Starbucks"), ("NKE", "Nike"),
    ("ADBE", "Adobe"), ("QCOM", "Qualcomm"), ("AAPL", "Apple"), ("JNJ", "Johnson & Johnson"),
  ]

  private static let events: [(headline: String, sign: Int)] = [
    ("NAME shares surge N% after record quarter beats estimates", 1),
    ("NAME stock jumps N% as analysts upgrade the company", 1),
    ("NAME raises its guidance by N% on strong growth", 1),
    ("NAME wins approval for a plant that lifts profit by N%", 1),
    ("NAME rallies N% and tops the market on a dividend", 1),
    ("NAME shares plunge N% as a fraud probe widens", -1),
    ("NAME stock tumbles N% after results miss estimates", -1),
    ("NAME warns of a slump and cuts its forecast by N%", -1),
    ("NAME faces a lawsuit as losses grow by N% a quarter", -1),
    ("NAME recalls products after a failure that hit N% of sales", -1),
  ]
  private static let places = [
    "Austin", "Dublin", "Osaka", "Lyon", "Toronto", "Pune", "Leeds", "Oslo", "Quito", "Perth",
  ]
  private static let openings = [
    "told investors", "published a filing", "held a call with analysts", "answered questions of the press",
    "met its largest customers", "presented its plans", "opened its books",
  ]
  private static let details = [
    "and named a new head of its cloud business", "and gave figures for three regions", "with an eye on next summer",
    "while suppliers looked on", "and left its plans for hiring as they were", "after a board meeting of six hours",
    "and spoke about energy, chips and freight",
  ]
  private static let people = ["a spokesman", "the chief executive", "two bankers", "an analyst", "a former director"]
  private static let outlets = [
    "Reuters", "CNBC", "Bloomberg", "Forbes", "Barrons", "Fortune", "Quartz", "Axios", "The Verge", "Wired",
    "Business Insider", "Market Watch", "Yahoo Finance", "Seeking Point", "The Street", "Kiplinger", "Morning Ledger",
    "Daily Tape", "City Wire", "Harbour News",
  ]
  private static let noise = [
    "An apple pie recipe for a rainy weekend", "Ten gardens to visit this spring",
    "Der Markt wartet auf die Zahlen der Woche",
    "Visa rules for students change in June", "Un marché sans direction avant les chiffres de la semaine",
    "The team wins on penalties after extra time",
  ]
}
