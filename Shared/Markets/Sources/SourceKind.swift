/// The shape in which a provider answers.
package enum SourceKind: String, CaseIterable, Hashable, Sendable {
  /// The chart JSON of Yahoo Finance: `/v8/finance/chart/<symbol>`.
  case yahoo
  /// Commodities, daily series and quotes of Alpha Vantage: `/query?function=...`.
  case alphavantage
  /// Any JSON; an `AnswerMapping` says where things are.
  case json
  /// Lines with a header; an `AnswerMapping` names the columns.
  case csv

  /// What is asked when the URL in the catalogue is a bare host.
  package var defaultRequest: String {
    switch self {
    case .yahoo: "/v8/finance/chart/{symbol}?interval=1h&range=1d"
    case .alphavantage: "/query?function={symbol}&apikey={token}"
    case .json, .csv: ""
    }
  }
}
