import SimulatorServer

/// Writes a report as companies do: the same items in different layouts.
package struct FilingPages: Sendable {
  package enum Layout: String, CaseIterable, Sendable {
    /// Inline XBRL, spans, a table of contents with links, page numbers below each page.
    case linked
    /// Part and item above each page; a table of contents without links.
    case running
    /// Labels and titles of items in cells of tables, items 1 and 2 in one heading.
    case cells
    /// Capitals and small capitals, headings and first sentences in one paragraph, items by reference.
    case plain
  }

  private let company: String
  private let form: String
  private let layout: Layout
  private var dice: UInt64
  private var sections: [(name: String, title: String, paragraphs: [String])] = []

  package init(company: String, form: String, layout: Layout, seed: UInt64) {
    (self.company, self.form, self.layout, dice) = (company, form, layout, seed)
  }

  /// What is asked about an annual report, and the sentence that answers.
  package static let facts: [(item: String, question: String, answer: String)] = [
    ("1A", "Which single supplier does NAME depend on?",
     "We depend on a single supplier in PLACE for NUMBER percent of our glass, and have no other source."),
    ("1C", "Who at NAME oversees cybersecurity risk?",
     "Our chief information security officer in PLACE reports intrusions to the audit committee NUMBER times a year."),
    ("2", "Where are the headquarters of NAME?",
     "Our headquarters are a leased campus in PLACE with NUMBER buildings."),
    ("3", "What lawsuit is pending against NAME?",
     "A lawsuit about NUMBER patents is pending against NAME before the district court of PLACE."),
  ]

  package static let places = ["Lisbon", "Oslo", "Cairo", "Nairobi", "Lima", "Hanoi", "Quito", "Riga"]

  private static let titles = [
    "I:1": "Business", "I:1A": "Risk Factors", "I:1B": "Unresolved Staff Comments", "I:1C": "Cybersecurity",
    "I:2": "Properties", "I:3": "Legal Proceedings", "I:4": "Mine Safety Disclosures",
    "II:5": "Market for Registrant&#8217;s Common Equity, Related Stockholder Matters and Issuer Purchases",
    "II:6": "[Reserved]",
    "II:7": "Management&#8217;s Discussion and Analysis of Financial Condition and Results of Operations",
    "II:7A": "Quantitative and Qualitative Disclosures About Market Risk",
    "II:8": "Financial Statements and Supplementary Data",
    "II:9": "Changes in and Disagreements with Accountants on Accounting and Financial Disclosure",
    "II:9A": "Controls and Procedures", "II:9B": "Other Information",
    "II:9C": "Disclosure Regarding Foreign Jurisdictions that Prevent Inspections",
    "III:10": "Directors, Executive Officers and Corporate Governance", "III:11": "Executive Compensation",
    "III:12": "Security Ownership of Certain Beneficial Owners and Management",
    "III:13": "Certain Relationships and Related Transactions, and Director Independence",
    "III:14": "Principal Accountant Fees and Services", "IV:15": "Exhibits and Financial Statement Schedules",
    "IV:16": "Form 10-K Summary",
  ]

  private static let quarterly = [
    "I:1": "Financial Statements",
    "I:2": "Management&#8217;s Discussion and Analysis of Financial Condition and Results of Operations",
    "I:3": "Quantitative and Qualitative Disclosures About Market Risk", "I:4": "Controls and Procedures",
    "II:1": "Legal Proceedings", "II:1A": "Risk Factors",
    "II:2": "Unregistered Sales of Equity Securities and Use of Proceeds",
    "II:3": "Defaults Upon Senior Securities", "II:4": "Mine Safety Disclosures", "II:5": "Other Information",
    "II:6": "Exhibits",
  ]

  /// Items of which reports say that there is nothing to say.
  private static let short = [
    "I:1B": "None.", "I:4": "Not applicable.", "II:6": "Reserved.", "II:9": "None.", "II:9C": "Not applicable.",
    "IV:16": "None.",
  ]

  private mutating func roll(_ count: Int) -> Int {
    dice = splitMix64(dice)
    return Int(dice % UInt64(count))
  }

  // MARK: Text

  package mutating func add(_ name: String, paragraphs: Int, fact: String?) {
    let isQuarterly = form.hasPrefix("10-Q")
    let title = (isQuarterly ? Self.quarterly : Self.titles)[name] ?? "Other"
    if !isQuarterly, let text = Self.short[name] {
      sections.append((name, title, [text]))
      return
    }
    if layout == .plain, !isQuarterly, name.hasPrefix("III:"), form == "10-K" {
      sections.append((name, title, ["The proxy statement of \(company) is incorporated herein by reference."]))
      return
    }
    var texts = (0..<max(1, paragraphs)).map { _ in paragraph(title) }
    if let fact { texts[texts.count / 2] += " " + fact }
    if name == "II:8" || isQuarterly && name == "I:1" { texts.append(statement()) }
    sections.append((name, title, texts))
  }

  private mutating func paragraph(_ title: String) -> String {
    var sentences: [String] = []
    for _ in 0..<(3 + roll(4)) {
      let subject = Self.subjects[roll(Self.subjects.count)]
      let verb = Self.verbs[roll(Self.verbs.count)]
      let object = Self.objects[roll(Self.objects.count)]
      sentences.append("\(subject) \(verb) \(object) by \(roll(90) + 1).\(roll(10))% in fiscal \(2_020 + roll(6)).")
    }
    return sentences.joined(separator: " ")
  }

  private static let subjects = [
    "Net sales", "Operating income", "The cost of materials", "Our international segment", "Demand for services",
    "Research and development expense", "Gross margin", "The effective tax rate", "Cash from operations",
  ]
  private static let verbs = ["increased compared with", "declined against", "offset", "exceeded", "was driven by"]
  private static let objects = [
    "the prior year", "the effect of foreign currencies", "lower unit volumes", "higher freight costs",
    "growth in subscriptions", "the timing of launches", "an impairment of goodwill",
  ]

  private mutating func statement() -> String {
    let rows = Self.subjects.map { name in
      "<tr><td>\(name)</td><td>$</td><td>\(roll(900) + 100),\(roll(900) + 100)</td><td></td><td>(\(roll(90) + 1)</td>"
        + "<td>)%</td></tr>"
    }
    return "<table><tr><td></td><td>2025</td><td>Change</td></tr>\(rows.joined())</table>"
  }

  // MARK: Layouts

  package func html() -> String {
    var body = [head(), contents()]
    var part = ""
    for (index, section) in sections.enumerated() {
      let words = section.name.split(separator: ":").map(String.init)
      if words[0] != part {
        part = words[0]
        body.append(paragraph("PART \(part)", isBold: true))
      }
      // In one heading with item 1.
      if layout == .cells, section.name == "I:2", form == "10-K" { continue }
      body += item(section, words[1])
      if layout == .cells, section.name == "I:1", form == "10-K" {
        body += sections.first { $0.name == "I:2" }?.paragraphs.map { paragraph($0) } ?? []
      }
      body.append(pageEnd(index + 2, part, words[1]))
    }
    if !sections.isEmpty {
      body.append(paragraph("SIGNATURES", isBold: true))
      body.append(paragraph("Pursuant to the requirements of Section 13, \(company) has signed this report."))
    }
    return "<html xmlns:ix=\"http://www.xbrl.org/2013/inlineXBRL\"><head><title>f</title></head><body>"
      + body.joined(separator: "\n") + "</body></html>"
  }

  private func head() -> String {
    let header = layout == .linked
      ? "<div style=\"display:none\"><ix:header><ix:hidden>Item 1. Business 0</ix:hidden></ix:header></div>" : ""
    return header + [
      "UNITED STATES SECURITIES AND EXCHANGE COMMISSION", "FORM \(form)", company,
      "Indicate by check mark whether the registrant is a shell company. Yes No",
    ].map { paragraph($0) }.joined()
  }

  private func contents() -> String {
    var rows = ""
    var part = ""
    for (index, section) in sections.enumerated() {
      let words = section.name.split(separator: ":").map(String.init)
      if words[0] != part {
        part = words[0]
        rows += "<tr><td>PART \(part)</td><td></td><td></td></tr>"
      }
      let cells = ["Item \(words[1]).", section.title, "\(index + 2)"].map { text in
        layout == .linked ? "<a href=\"#i\(index)\">\(text)</a>" : text
      }
      rows += "<tr>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return paragraph("TABLE OF CONTENTS") + "<table>\(rows)</table>" + pageEnd(1, "", "")
  }

  private func item(_ section: (name: String, title: String, paragraphs: [String]), _ number: String) -> [String] {
    let rest = section.paragraphs.map { paragraph($0) }
    switch layout {
    case .linked, .running:
      return [paragraph("Item \(number).&#160;&#160;&#160;&#160;\(section.title)", isBold: true)] + rest
    case .cells:
      let isPair = section.name == "I:1" && form == "10-K"
      let (label, title) = isPair ? ("Items 1 and 2.", "Business and Properties") : ("Item \(number).", section.title)
      return ["<table><tr><td></td><td><b>\(label)</b></td><td><b>\(title)</b></td></tr></table>"] + rest
    case .plain:
      let first = section.paragraphs[0]
      if first.hasPrefix("<") || first.utf8.count < 300 {
        return [paragraph("I<font size=\"2\">TEM</font> \(number): \(section.title)", isBold: true)] + rest
      }
      return [paragraph("Item \(number). \(section.title). \(first)")] + rest.dropFirst()
    }
  }

  private func paragraph(_ text: String, isBold: Bool = false) -> String {
    if text.hasPrefix("<table") { return text }
    switch layout {
    case .linked:
      let style = "color:#000000;font-family:'Helvetica',sans-serif;font-size:9pt;font-weight:\(isBold ? 700 : 400)"
      return "<div style=\"margin-top:9pt\"><span style=\"\(style);line-height:120%\">\(text)</span></div>"
    default: return isBold ? "<p><b>\(text)</b></p>" : "<p style=\"margin-top:6pt\">\(text)</p>"
    }
  }

  private func pageEnd(_ number: Int, _ part: String, _ item: String) -> String {
    switch layout {
    case .linked:
      return paragraph("\(company) | 2025 Form \(form) | \(number)") + "<hr style=\"page-break-after:always\"/>"
    case .running:
      let header = part.isEmpty ? "" : "<p align=\"center\">PART \(part)</p><p align=\"center\">Item \(item)</p>"
      return "<p>\(number)</p><p style=\"page-break-before:always\"></p>" + header
    case .cells, .plain: return "<p align=\"center\">\(number)</p><hr>"
    }
  }
}
