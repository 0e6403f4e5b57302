import Core
import Kafka
import Operations
import Synchronization

/// One part of a page: asked for apart from the others, so that a source that is away greys this part and no more.
struct Panel: Sendable {
  /// How a person asks the same without the board.
  enum Source: Sendable {
    case command(String), sql(String), promql(String), api(String)

    var kind: String {
      switch self {
      case .command: "Command"
      case .sql: "SQL"
      case .promql: "PromQL"
      case .api: "API"
      }
    }
    var text: String {
      switch self {
      case .command(let text), .sql(let text), .promql(let text), .api(let text): text
      }
    }
  }

  /// Unique on its page; letters, digits and hyphens.
  let id: String
  let title: String
  let source: Source?
  let make: @Sendable () async throws -> Filling

  init(_ id: String, _ title: String, _ source: Source?, make: @escaping @Sendable () async throws -> Filling) {
    (self.id, self.title, self.source, self.make) = (id, title, source, make)
  }

  /// What a panel has to show.
  struct Filling: Sendable {
    var contents: [Content]
    /// When it was so, in milliseconds since 1970.
    var asOf: Int64
    /// What is said instead when there is nothing in it.
    var nothing: String

    /// - Parameter nothing: why it is empty and what would fill it, in a sentence.
    init(_ contents: [Content], asOf: Int64 = WallClock.milliseconds(), nothing: String) {
      (self.contents, self.asOf, self.nothing) = (contents, asOf, nothing)
    }

    var isEmpty: Bool { contents.allSatisfy(\.isEmpty) }
  }

  enum Content: Sendable {
    case table(Table)
    /// Names and values, such as the totals of a strip.
    case facts([Fact])
    /// A drawing, and the same as data.
    case figure(HTML, name: String, DataValue)
    /// Sentences.
    case words([String], Tone = .plain)
    /// Anything else, and the same as data.
    case other(HTML, name: String, DataValue)

    var isEmpty: Bool {
      switch self {
      case .table(let table): table.report.rows.isEmpty
      case .facts(let facts): facts.isEmpty
      case .figure, .other: false
      case .words(let lines, _): lines.isEmpty
      }
    }
  }

  struct Fact: Sendable {
    let name: String
    let title: String
    let cell: Report.Cell
    let tone: Tone
    let link: Link?

    init(_ name: String, _ title: String, _ cell: Report.Cell, _ tone: Tone = .plain, link: Link? = nil) {
      (self.name, self.title, self.cell, self.tone, self.link) = (name, title, cell, tone, link)
    }
  }

  // MARK: - asking

  enum State: Sendable {
    case data(Filling)
    case empty(Filling)
    /// Its source did not answer, and why.
    case away(String)
  }

  /// What a panel may take before the page goes out without it.
  static let patience: Duration = .seconds(12)

  /// - Parameter note: told of errors that are defects.
  func state(_ note: @Sendable (any Error) -> Void) async -> State {
    let done = Interruption()
    let box = Outcome()
    let task = Task { [make] in
      let result: Result<Filling, any Error>
      do { result = .success(try await make()) } catch { result = .failure(error) }
      box.value.withLock { $0 = result }
      done.raise()
    }
    guard await done.sleep(for: Self.patience), let result = box.value.withLock({ $0 }) else {
      task.cancel()
      return .away("no answer within \(short(Self.patience))")
    }
    switch result {
    case .success(let filling): return filling.isEmpty ? .empty(filling) : .data(filling)
    case .failure(let error): return .away(Self.words(error, note))
    }
  }

  private final class Outcome: Sendable { let value = Mutex<Result<Filling, any Error>?>(nil) }

  /// Errors of outages in their own words; of defects only that the log has them.
  private static func words(_ error: any Error, _ note: (any Error) -> Void) -> String {
    if let problem = error as? Problem { return problem.detail }
    if let error = error as? KafkaError, error.errorClass == .transient { return "Kafka does not answer: \(error)" }
    switch ErrorClass(of: error) {
    case .transient, .configuration, .data: return "\(error)"
    case .fatal:
      note(error)
      return "the board could not make this (\(publicCode(of: error))); the gateway's log has the reason"
    }
  }
}

/// Rows, and where their cells lead to.
struct Table: Sendable {
  var report: Report
  private var links: [[Int: Link]] = []
  /// The page behind this one, and the one before it.
  var next: Link?
  var previous: Link?

  init(_ columns: [Report.Column], name: String = "rows") { report = Report(name, columns) }

  /// - Parameter link: of a cell, from the row and the name of the column.
  init(_ report: Report, link: (_ row: Report.Row, _ column: String) -> Link? = { _, _ in nil }) {
    self.report = report
    links = report.rows.map { row in
      var found: [Int: Link] = [:]
      for (index, column) in report.columns.enumerated() { found[index] = link(row, column.name) }
      return found
    }
  }

  /// - Parameter links: of the columns with these names.
  mutating func append(_ cells: [Report.Cell], _ tone: Tone = .plain, links: [String: Link] = [:]) {
    report.append(cells, tone)
    self.links.append(Dictionary(uniqueKeysWithValues: report.columns.enumerated().compactMap { index, column in
      links[column.name].map { (index, $0) }
    }))
  }

  func link(row: Int, column: Int) -> Link? { links[row][column] }
}
