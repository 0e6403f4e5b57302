import Core
import Operations
import ServiceKit

/// One page of the board. Its HTML, its JSON (`<path>.json`) and its live form (`<path>.events`) are made of the same
/// panels.
struct Page: Sendable {
  /// What the navigation names, in its order.
  enum Section: String, CaseIterable, Sendable {
    case fleet = "Fleet", topics = "Topics", deadLetters = "Dead letters", prices = "Prices", bars = "Bars"
    case forecasts = "Forecasts", flow = "Flow", sentiment = "Sentiment", documents = "Documents", gaps = "Gaps"
    case jobs = "Jobs", alerts = "Alerts"
  }

  /// Behind ``Board/root``: words, the last of which may be a parameter: `["topics", "{topic}"]`.
  let path: [String]
  let section: Section
  let title: String
  /// What the page answers, in a sentence.
  let about: String
  /// Of the path and of the query. Those of the query become the fields of the page's form.
  let parameters: [Parameter]
  /// Whether the parameters of the query are shown as a form.
  let hasForm: Bool
  /// How often the live form is made again; nil for a page that stays as it is.
  let refresh: Duration?
  let make: @Sendable (PageRequest) async throws -> PageContent
  /// What `<path>.ndjson` answers; nil for a page without it.
  var lines: (@Sendable (PageRequest) async throws -> ServerAnswer)?
  /// Sends the events of a view that grows; nil where the panels are made again.
  var stream: (@Sendable (PageRequest, EventWriter) async throws -> Void)?

  init(
    _ path: [String], _ section: Section, _ title: String, _ about: String, _ parameters: [Parameter] = [],
    hasForm: Bool = true, refresh: Duration? = nil, make: @escaping @Sendable (PageRequest) async throws -> PageContent
  ) {
    (self.path, self.section, self.title, self.about) = (path, section, title, about)
    (self.parameters, self.hasForm, self.refresh, self.make) = (parameters, hasForm, refresh, make)
  }

  /// With one parameter at most, in braces.
  var route: String { path.isEmpty ? Board.root : Board.root + "/" + path.joined(separator: "/") }
}

/// What one view of a page consists of.
struct PageContent: Sendable {
  /// nil: the page's.
  var title: String?
  /// Where it belongs to, from the outermost on.
  var trail: [(text: String, link: Link)] = []
  var panels: [Panel]

  init(title: String? = nil, trail: [(text: String, link: Link)] = [], _ panels: [Panel]) {
    (self.title, self.trail, self.panels) = (title, trail, panels)
  }
}

/// The parameters of one view, read.
struct PageRequest: Sendable {
  /// What the answer is made as.
  enum Form: String, Sendable { case html = "", json = ".json", events = ".events", lines = ".ndjson" }

  let page: Page
  let form: Form
  private let values: [String: Parameter.Value]
  /// As they were given, those of the query without the empty ones.
  private(set) var given: [String: String] = [:]
  /// nil for anyone who has not signed in.
  let client: Access.Client?

  /// - Throws: `Problem` 400 for a parameter that is wrong, unknown, given twice or missing.
  init(_ page: Page, _ request: ServerRequest, _ form: Form, client: Access.Client?) throws(Problem) {
    (self.page, self.form, self.client) = (page, form, client)
    for (name, value) in request.queries where !value.isEmpty {
      guard let parameter = page.parameters.first(where: { $0.name == name && $0.place == .query }) else {
        throw Problem.badParameter(name, "is no parameter of this page")
      }
      // A form sends a blank as a plus (WHATWG URL, section 5.2); in a time a plus is the sign of a zone.
      let text = if case .text = parameter.kind { value.replacing("+", with: " ") } else { value }
      guard given.updateValue(text, forKey: name) == nil else { throw Problem.badParameter(name, "is given twice") }
    }
    var values: [String: Parameter.Value] = [:]
    for parameter in page.parameters {
      if parameter.place == .path, let word = request.parameter(parameter.name) {
        guard let text = PercentEncoding.decode(String(word.dropLast(form.rawValue.count))) else {
          throw .badParameter(parameter.name, "has a percent sign that begins no escape, or is not UTF-8")
        }
        given[parameter.name] = text
      }
      if let text = given[parameter.name] {
        values[parameter.name] = try parameter.read(text)
      } else if parameter.isRequired {
        throw .badParameter(parameter.name, "is missing")
      } else if let standard = parameter.standard {
        values[parameter.name] = standard
      }
    }
    self.values = values
  }

  /// Empty when it is not given.
  func text(_ name: String) -> String { if case .text(let text) = values[name] { text } else { "" } }
  /// nil when it is not given.
  func optional(_ name: String) -> String? { if case .text(let text) = values[name] { text } else { nil } }
  func texts(_ name: String) -> [String] { if case .texts(let texts) = values[name] { texts } else { [] } }
  /// Milliseconds since 1970.
  func time(_ name: String) -> Int64? { if case .time(let time) = values[name] { time } else { nil } }
  func count(_ name: String) -> Int { if case .count(let count) = values[name] { count } else { 0 } }
  func flag(_ name: String) -> Bool { text(name) == "true" }
  func cursor(_ name: String) -> Cursor? { if case .cursor(let cursor) = values[name] { cursor } else { nil } }

  /// The same view with some parameters of the query changed, those that are nil left out.
  func link(_ changes: [String: String?] = [:], as form: Form = .html) -> Link {
    let query = page.parameters.filter { $0.place == .query }.map { parameter in
      (name: parameter.name, value: changes[parameter.name] ?? given[parameter.name])
    }
    var words = page.path.map { word in word.hasPrefix("{") ? given[String(word.dropFirst().dropLast())] ?? "" : word }
    if form != .html { words = words.isEmpty ? [] : words.dropLast() + [words[words.count - 1] + form.rawValue] }
    return Link(words, query, suffix: words.isEmpty ? form.rawValue : "")
  }
}
