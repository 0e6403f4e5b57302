

/// A filing, split by part and item.
package struct Filing: Sendable {
  package struct Item: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
      case text
      /// It refers to another document.
      case incorporated
      /// A heading alone.
      case empty
    }
    package var part: String?
    package var numbers: [String]
    package var state: State
  }

  package private(set) var items: [Item] = []
  package private(set) var passages: [Passage] = []
  package private(set) var method = Outline.Method.none
  /// Bytes of text that are of no item: the cover, tables of contents, signatures.
  package private(set) var outside = 0

  /// - Parameters:
  ///   - form: `10-K`, `10-Q/A`. Other forms, and filings in which no item is found, give passages without items.
  ///   - limit: tokens of a passage.
  ///   - count: tokens of a text; see ``PassagePacker``.
  package init(_ text: DocumentText, form: String, limit: Int, count: @escaping (String) -> Int) {
    let furniture = PageFurniture(of: text)
    if let form = FilingForm(form) {
      let outline = Outline(of: text, form: form, furniture: furniture)
      method = outline.method
      for section in outline.sections { add(section, of: text, furniture, limit, count) }
      outside = text.bytes.count - outline.sections.reduce(0) { $0 + text.count(of: $1.blocks) }
    }
    guard method == .none else { return }
    var packer = PassagePacker(
      limit: limit, frame: Passage(heading: "", text: "", tokens: 0), count: count)
    packer.add(text.blocks.indices, of: text, except: furniture)
    passages = packer.end()
    outside = 0
  }

  private mutating func add(
    _ section: Outline.Section, of text: DocumentText, _ furniture: PageFurniture, _ limit: Int,
    _ count: @escaping (String) -> Int
  ) {
    let frame = Passage(
      part: section.part, item: section.numbers.joined(separator: ","), heading: section.title, text: "", tokens: 0)
    var packer = PassagePacker(limit: limit, frame: frame, count: count)
    packer.add(section.blocks, of: text, except: furniture)
    let own = packer.end()
    passages += own
    let state: Item.State = own.isEmpty ? .empty : Self.isIncorporated(own) ? .incorporated : .text
    items.append(Item(part: section.part, numbers: section.numbers, state: state))
  }

  /// A short item that refers to an exhibit or the proxy statement.
  private static func isIncorporated(_ passages: [Passage]) -> Bool {
    guard passages.reduce(0, { $0 + $1.text.utf8.count }) <= 3_000 else { return false }
    return passages.contains { passage in
      let letters = ItemHeading.letters(passage.text)
      return letters.contains("incorporatedbyreference") || letters.contains("incorporatedhereinbyreference")
        || letters.contains("incorporatedinthisreportbyreference")
        || letters.contains("isincorporated") && letters.contains("byreference")
    }
  }
}

/// The items of an annual or a quarterly report, in their order (Form 10-K and Form 10-Q of the SEC, general
/// instructions of 2024, and titles that they had before).
package struct FilingForm: Sendable {
  package struct Item: Hashable, Sendable {
    /// `I`
    package let part: String
    /// `1A`
    package let number: String
    package let title: String
    /// The words that its title begins with in any filing, lower-case letters only; several when it was renamed.
    let openings: [String]

    init(_ part: String, _ number: String, _ title: String, _ openings: String...) {
      (self.part, self.number, self.title) = (part, number, title)
      self.openings = openings
    }
  }
  package let items: [Item]

  /// - Parameter form: `10-K`, `10-K/A`, `10-KT`, `10-K405`, `10-Q`, `10-Q/A`.
  /// - Returns: nil for a form without such items.
  package init?(_ form: String) {
    if form.hasPrefix("10-K") {
      items = Self.annual
    } else if form.hasPrefix("10-Q") {
      items = Self.quarterly
    } else {
      return nil
    }
  }

  /// The places of the items with this number; more than one where parts number alike.
  func places(of number: String) -> [Int] { items.indices.filter { items[$0].number == number } }

  private static let annual = [
    Item("I", "1", "Business", "business", "descriptionofbusiness"),
    Item("I", "1A", "Risk Factors", "riskfactors"),
    Item("I", "1B", "Unresolved Staff Comments", "unresolvedstaff"),
    Item("I", "1C", "Cybersecurity", "cybersecurity"),
    Item("I", "2", "Properties", "propert", "descriptionofpropert"),
    Item("I", "3", "Legal Proceedings", "legalproceeding"),
    Item("I", "4", "Mine Safety Disclosures", "minesafety", "submissionofmatters", "removedandreserved", "reserved"),
    Item(
      "II", "5", "Market for Registrant’s Common Equity, Related Stockholder Matters and Issuer Purchases",
      "marketfor", "marketprice"),
    Item("II", "6", "Selected Financial Data", "selectedfinancial", "selectedconsolidated", "reserved"),
    Item(
      "II", "7", "Management’s Discussion and Analysis of Financial Condition and Results of Operations",
      "managementsdiscussion", "managementdiscussion"),
    Item(
      "II", "7A", "Quantitative and Qualitative Disclosures About Market Risk", "quantitative", "qualitative",
      "disclosuresaboutmarket"),
    Item(
      "II", "8", "Financial Statements and Supplementary Data", "financialstatements", "consolidatedfinancial"),
    Item(
      "II", "9", "Changes in and Disagreements with Accountants on Accounting and Financial Disclosure", "changesin",
      "disagreements"),
    Item("II", "9A", "Controls and Procedures", "controlsandprocedures", "controlandprocedures"),
    Item("II", "9B", "Other Information", "otherinformation"),
    Item(
      "II", "9C", "Disclosure Regarding Foreign Jurisdictions that Prevent Inspections", "disclosureregarding",
      "disclosuresregarding"),
    Item("III", "10", "Directors, Executive Officers and Corporate Governance", "director", "executiveofficers"),
    Item("III", "11", "Executive Compensation", "executivecompensation", "executiveanddirector"),
    Item(
      "III", "12", "Security Ownership of Certain Beneficial Owners and Management", "securityownership",
      "securitiesownership"),
    Item(
      "III", "13", "Certain Relationships and Related Transactions, and Director Independence",
      "certainrelationship", "relatedtransactions"),
    Item("III", "14", "Principal Accountant Fees and Services", "principalaccount", "principalauditor"),
    Item("IV", "15", "Exhibits and Financial Statement Schedules", "exhibit", "financialstatementschedule"),
    Item("IV", "16", "Form 10-K Summary", "formksummary", "summary"),
  ]

  private static let quarterly = [
    Item(
      "I", "1", "Financial Statements", "financialstatements", "consolidatedfinancial", "condensed", "unaudited",
      "interimfinancial"),
    Item(
      "I", "2", "Management’s Discussion and Analysis of Financial Condition and Results of Operations",
      "managementsdiscussion", "managementdiscussion"),
    Item("I", "3", "Quantitative and Qualitative Disclosures About Market Risk", "quantitative", "qualitative"),
    Item("I", "4", "Controls and Procedures", "controlsandprocedures", "controlandprocedures"),
    Item("II", "1", "Legal Proceedings", "legalproceeding"),
    Item("II", "1A", "Risk Factors", "riskfactors"),
    Item(
      "II", "2", "Unregistered Sales of Equity Securities and Use of Proceeds", "unregistered", "issuerpurchases",
      "purchasesofequity", "shareholderpurchases"),
    Item("II", "3", "Defaults Upon Senior Securities", "default"),
    Item("II", "4", "Mine Safety Disclosures", "minesafety", "submissionofmatters", "removedandreserved", "reserved"),
    Item("II", "5", "Other Information", "otherinformation"),
    Item("II", "6", "Exhibits", "exhibit"),
  ]
}
