import Core
import Glibc
import HTTP
import Markets
import Messages
import Values

/// A transcript as a provider gives it.
struct TranscriptAnswer: Sendable {
  /// The whole answer, unchanged.
  var bytes: [UInt8]
  /// Without the key.
  var url: String
  /// Where the provider says it.
  var publishedAt: Timestamp?

  /// - Returns: nil when there is no transcript of that quarter, or not yet.
  /// - Throws: as ``SourceClient``.
  static func ask(
    _ symbol: String, _ quarter: FiscalQuarter, _ task: FetchTask, _ source: SourceClient, atMost largest: Int
  ) async throws -> TranscriptAnswer? {
    let name = PercentEncoding.encode(symbol.replacing(".", with: "-"))
    let url = switch source.source.kind {
    case .fmp:
      (source.source.url ?? "https://financialmodelingprep.com")
        + "/stable/earning-call-transcript?symbol=\(name)&year=\(quarter.year)&quarter=\(quarter.number)"
    default:
      (source.source.url ?? "https://www.alphavantage.co")
        + "/query?function=EARNINGS_CALL_TRANSCRIPT&symbol=\(name)&quarter=\(quarter)"
    }
    var limits = source.limits
    limits.maxBodyBytes = largest
    let request = HTTPRequest(
      "GET", try HTTPURL(url + "&apikey=\(PercentEncoding.encode(source.key))"), limits: limits)
    do {
      let found = try await source.send(request, for: task) { response in try read(response) }
      return found.map { TranscriptAnswer(bytes: $0.bytes, url: url, publishedAt: $0.date) }
    } catch let error as FetchError where error.kind == .noValue {
      return nil
    }
  }

  /// - Returns: nil for an empty one.
  /// - Throws: `FetchError` for a message in the place of a transcript, whatever its status; `HTTPError`.
  static func read(_ response: HTTPResponse) throws -> (bytes: [UInt8], date: Timestamp?)? {
    let tree: JSONTree
    do { tree = try response.tree(maxBytes: 64 << 20) } catch {
      guard response.status != 200, let message = ProviderMessage(body: response.body) else { throw error }
      throw message.failure(status: response.status)
    }
    // Alpha Vantage: an object with turns. FMP: rows with one text each.
    if response.status == 200, let turns = tree["transcript"]?.items {
      return turns.isEmpty ? nil : (response.body, nil)
    }
    if response.status == 200, let rows = tree.items {
      guard let row = rows.first(where: { !($0["content"]?.text ?? "").isEmpty }) else { return nil }
      return (response.body, row["date"]?.text.flatMap(date))
    }
    if let message = ProviderMessage(in: tree) { throw message.failure(status: response.status) }
    try response.head.requireSuccess()
    throw FetchError(.unrecognised, "the answer is no transcript")
  }

  /// `2025-10-30 17:00:00` or a day alone. No zone is said: it is taken as UTC.
  static func date(_ text: String) -> Timestamp? {
    let parts = text.split(separator: " ")
    guard let day = parts.first.flatMap({ CivilDate($0) }) else { return nil }
    let time = (parts.count > 1 ? parts[1] : "").split(separator: ":").compactMap { Int($0) }
    return Timestamp(
      year: day.year, month: day.month, day: day.day, hour: time.count > 1 ? time[0] : 0,
      minute: time.count > 1 ? time[1] : 0)
  }
}

/// Transcripts that a person may fetch, and names: files of a folder, and addresses of a list.
///
/// A file is named `AAPL-2025Q4.json`, `.html`, `.htm` or `.txt`. A line of a list is a symbol, a quarter and an
/// address; what follows `#` is passed over.
struct TranscriptFiles: Sendable {
  struct File: Sendable {
    var symbol: String
    var quarter: FiscalQuarter
    /// A path with `file://` before it, or an address.
    var url: String
    /// nil of an address.
    var path: String?

    var id: String { "\(symbol)-\(quarter)" }
  }

  enum Answer: Sendable {
    case bytes([UInt8], type: String, publishedAt: Timestamp?)
    case gone
    case unreadable(String)
  }

  var found: [File] = []
  /// What was left out, for people.
  var lost: [String] = []

  private static let types = ["json": "application/json", "html": "text/html", "htm": "text/html", "txt": "text/plain"]

  /// - Throws: `FetchError`: the folder or the list cannot be read.
  init(_ source: DataSource) throws(FetchError) {
    if let folder = source.folder { try addFiles(of: folder) }
    if let list = source.list { try addLines(of: list) }
    var seen: Set<String> = []
    found = found.sorted { ($0.id, $0.url) < ($1.id, $1.url) }.filter { file in
      let isNew = seen.insert(file.id).inserted
      if !isNew { lost.append("\(file.url): \(file.id) is there twice") }
      return isNew
    }
  }

  private mutating func addFiles(of folder: String) throws(FetchError) {
    guard let stream = opendir(folder) else {
      throw FetchError(.unreadable, "\(folder) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      // Hidden files are no one's transcripts: those of editors and of copies under way.
      if name.hasPrefix(".") { continue }
      let parts = name.split(separator: ".")
      let stem = parts.dropLast().joined(separator: ".")
      guard parts.count > 1, Self.types[parts[parts.count - 1].lowercased()] != nil,
        let dash = stem.lastIndex(where: { $0 == "-" || $0 == "_" }),
        let quarter = FiscalQuarter(stem[stem.index(after: dash)...]),
        let symbol = Tickers.canonical(String(stem[..<dash]))
      else {
        lost.append("\(folder)/\(name): a name like AAPL-2025Q4.json is expected")
        continue
      }
      found.append(File(symbol: symbol, quarter: quarter, url: "file://\(folder)/\(name)", path: "\(folder)/\(name)"))
    }
  }

  private mutating func addLines(of list: String) throws(FetchError) {
    let bytes: [UInt8]
    do { bytes = try readFile(list) } catch { throw FetchError(.unreadable, error.message) }
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let words = (line.hasPrefix("#") ? "" : line).split(whereSeparator: \.isWhitespace)
      if words.isEmpty { continue }
      guard words.count >= 3, words.count == 3 || words[3].hasPrefix("#"),
        let symbol = Tickers.canonical(String(words[0])),
        let quarter = FiscalQuarter(words[1]), words[2].hasPrefix("https://") || words[2].hasPrefix("http://")
      else {
        lost.append("\(list), line \(number + 1): a line like 'AAPL 2025Q4 https://host/call.html' is expected")
        continue
      }
      found.append(File(symbol: symbol, quarter: quarter, url: String(words[2]), path: nil))
    }
  }
}

extension TranscriptFiles.File {
  /// - Throws: of an address, as ``SourceClient``.
  func read(_ task: FetchTask, _ source: SourceClient, atMost largest: Int) async throws -> TranscriptFiles.Answer {
    guard let path else { return try await get(task, source, largest) }
    var status = stat()
    let known = stat(path, &status) == 0 ? Timestamp(microseconds: Int64(status.st_mtim.tv_sec) * 1_000_000) : nil
    do throws(Failure) {
      let bytes = try readFile(path, limit: largest)
      return bytes.isEmpty ? .unreadable("it is empty") : .bytes(bytes, type: type(of: path), publishedAt: known)
    } catch {
      return .unreadable(error.message)
    }
  }

  private func get(_ task: FetchTask, _ source: SourceClient, _ largest: Int) async throws -> TranscriptFiles.Answer {
    var limits = source.limits
    limits.maxBodyBytes = largest
    let request = HTTPRequest("GET", try HTTPURL(url), limits: limits)
    return try await source.send(request, for: task) { response in
      switch response.status {
      case 404, 410: return .gone
      case 429:
        throw FetchError(
          .rateLimited, "too many requests",
          retryAfter: response.headers["retry-after"].flatMap { RetryAfter.delay($0) })
      default: try response.head.requireSuccess()
      }
      guard !response.body.isEmpty else { return .unreadable("it is empty") }
      let said = response.headers["content-type"]?.prefix { $0 != ";" }.lowercased() ?? ""
      let known = ["application/json", "text/html", "text/plain"].contains(said) ? said : type(of: url)
      return .bytes(response.body, type: known, publishedAt: nil)
    }
  }

  private func type(of name: String) -> String {
    let end = name.split(separator: "?")[0].split(separator: ".").last?.lowercased() ?? ""
    return ["json": "application/json", "txt": "text/plain"][end] ?? "text/html"
  }
}
