import Core
import Logging
import Operations
import ServiceKit

/// The pages that people look at the fleet and its data with, beside the API at the same port. They are made here,
/// whole, and need no script: it only keeps ages and live pages moving.
struct Board: Sendable {
  static let root = "/board"

  let gateway: Gateway
  /// nil without Kafka.
  let sources: BoardSources?
  let access: Access
  let rate: RequestRate
  let settings: BoardSettings
  let logger: Logger
  private let listeners: Permits

  init(
    _ gateway: Gateway, _ sources: BoardSources?, access: Access, rate: RequestRate, maxListeners: Int,
    settings: BoardSettings, logger: Logger
  ) {
    (self.gateway, self.sources, self.access, self.rate) = (gateway, sources, access, rate)
    (self.settings, self.logger) = (settings, logger)
    listeners = Permits(maxListeners)
  }

  /// In the order of the navigation; the first of a section is the one that it leads to. What this gateway was not
  /// given has no pages.
  var pages: [Page] {
    fleetPages + topicPages + letterPages + pricePages + barPages + forecastPages + flowPages + sentimentPages
      + documentPages + gapPages + jobPages + alertPages
  }

  // MARK: - routes

  func add(to routes: inout ServerRoutes) {
    let pages = pages
    routes.get("/") { _ in Self.redirect(to: Link([])) }
    for page in pages {
      let metric = GatewayMetrics.Route("board" + page.path.map { "_" + $0.filter { $0.isLetter } }.joined())
      let takesParameter = page.path.last?.hasPrefix("{") ?? false
      let handler = { @Sendable (form: PageRequest.Form, request: ServerRequest) async -> ServerAnswer in
        let start = ContinuousClock.now
        let answer = await answer(request, page, form, among: pages)
        metric.answered(answer.status, ContinuousClock.now - start)
        return answer
      }
      if takesParameter {
        routes.get(page.route) { request in await handler(.of(request.path), request) }
      } else {
        for form in [PageRequest.Form.html, .json, .events, .lines] {
          routes.get(page.route + form.rawValue) { request in await handler(form, request) }
        }
      }
    }
    for (name, type, text) in [
      ("board.css", "text/css; charset=utf-8", BoardAssets.style),
      ("board.js", "text/javascript; charset=utf-8", BoardAssets.script),
      ("icon.svg", "image/svg+xml", BoardAssets.icon),
    ] {
      routes.get("\(Self.root)/\(name)") { _ in
        var answer = ServerAnswer(type: type, Array(text.utf8))
        answer.headers = [("content-type", type), ("cache-control", "public, max-age=86400")] + Self.headers
        return answer
      }
    }
    addActs(to: &routes, among: pages)
    let otherwise = routes.otherwise
    routes.otherwise = { request in
      guard request.path == Self.root || request.path.hasPrefix(Self.root + "/") else {
        return try await otherwise?(request) ?? ServerAnswer(status: 404, [])
      }
      let problem = request.method == "GET" || request.method == "HEAD"
        ? Problem(404, "no_such_page", "The board has no page at \(request.path).")
        : Problem(405, "no_such_method", "This page is read only.", headers: [("allow", "GET")])
      return Layout(pages: pages, client: nil).problem(problem)
    }
  }

  /// Sent with everything: nothing is loaded from elsewhere, nothing runs that is not the board's own file, and no
  /// other page may frame it. `same-origin` and not `no-referrer`, which would hide from the board itself which page a
  /// form was sent from.
  static let headers = [
    (name: "content-security-policy", value: """
      default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
      base-uri 'none'; frame-ancestors 'none'
      """),
    ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
  ]

  static func redirect(to link: Link) -> ServerAnswer {
    var answer = ServerAnswer(status: 303, type: "text/plain", [])
    answer.headers += [("location", link.address)] + headers
    return answer
  }

  // MARK: - answering

  private func answer(
    _ request: ServerRequest, _ page: Page, _ form: PageRequest.Form, among pages: [Page]
  ) async -> ServerAnswer {
    var layout = Layout(pages: pages, client: nil)
    do {
      let client = try access.client(Self.authorization(request), for: .read)
      try rate.take(client.name)
      layout.client = client
      let view = try PageRequest(page, request, form, client: client)
      switch form {
      case .events: return try await events(view)
      case .html, .json:
        let content = try await page.make(view)
        let states = await states(content.panels)
        return form == .json ? json(view, content, states) : layout.page(view, content, states)
      case .lines:
        guard let lines = page.lines else { throw Problem(404, "no_such_form", "This page has no lines to download.") }
        return Self.dressed(try await lines(view))
      }
    } catch {
      var problem = Problem(error)
      if problem.status == 401 {
        problem.headers = [("www-authenticate", "Basic realm=\"souk\", charset=\"UTF-8\"")]
        problem.detail = "This gateway asks for a token. A browser asks for a name, which may be any, and a password, "
          + "which is the token; a program sends it as a bearer token."
      }
      if problem.status >= 500 {
        logger.warning("a page was not made", metadata: ["page": "\(page.route)", "error": "\(error)"])
      }
      return form == .html ? layout.problem(problem) : Self.dressed(problem.answer(to: request.path))
    }
  }

  /// A browser asks for a name and a password (RFC 7617): the password is the token.
  private static func authorization(_ request: ServerRequest) -> String? {
    guard let header = request.header("authorization") else { return nil }
    guard header.lowercased().hasPrefix("basic "), let bytes = Base64.decode(String(header.dropFirst(6))) else {
      return header
    }
    let pair = String(decoding: bytes, as: UTF8.self)
    guard let colon = pair.firstIndex(of: ":") else { return header }
    return "Bearer \(pair[pair.index(after: colon)...])"
  }

  private func states(_ panels: [Panel]) async -> [Panel.State] {
    await withTaskGroup(of: (Int, Panel.State).self) { group in
      for (index, panel) in panels.enumerated() {
        group.addTask {
          (index, await panel.state { [logger] error in
            logger.error("a panel was not made", metadata: ["panel": "\(panel.id)", "error": "\(error)"])
          })
        }
      }
      var states = [Panel.State?](repeating: nil, count: panels.count)
      for await (index, state) in group { states[index] = state }
      return states.compactMap { $0 }
    }
  }

  private func json(_ view: PageRequest, _ content: PageContent, _ states: [Panel.State]) -> ServerAnswer {
    let data = DataValue.object([
      .init("title", .text(content.title ?? view.page.title)), .init("address", .text(view.link().address)),
      .init("panels", .list(zip(content.panels, states).map { $0.data($1) })),
    ])
    return Self.dressed(ServerAnswer(Array((data.json + "\n").utf8)))
  }

  private static func dressed(_ answer: ServerAnswer) -> ServerAnswer {
    var answer = answer
    answer.headers += headers
    return answer
  }

  /// The panels of a view, made again and again: each an event `panel` of `{"id", "html"}`.
  private func events(_ view: PageRequest) async throws -> ServerAnswer {
    if let stream = view.page.stream {
      return Self.dressed(.events { [self] writer in
        guard await listeners.acquire() else { return }
        defer { listeners.release() }
        try await stream(view, writer)
      })
    }
    guard let refresh = view.page.refresh else {
      throw Problem(404, "no_such_form", "This page does not change by itself.")
    }
    // A view that is wrong is refused before the stream begins.
    _ = try await view.page.make(view)
    return Self.dressed(.events { [self] writer in
      guard await listeners.acquire() else { return }
      defer { listeners.release() }
      while true {
        try await Task.sleep(for: refresh)
        let content = try await view.page.make(view)
        let states = await states(content.panels)
        try await writer.send(zip(content.panels, states).map { panel, state in
          let data = DataValue.object([.init("id", .text(panel.id)), .init("html", .text(panel.html(state).markup))])
          return ServerEvent(Array(data.json.utf8), event: "panel")
        })
      }
    })
  }
}

extension PageRequest.Form {
  /// By the end of the address.
  static func of(_ path: String) -> PageRequest.Form {
    [PageRequest.Form.json, .events, .lines].first { path.hasSuffix($0.rawValue) } ?? .html
  }
}
