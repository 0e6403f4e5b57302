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
