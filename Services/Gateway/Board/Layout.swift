import Core
import ServiceKit

/// What stands about the panels of every page.
struct Layout: Sendable {
  let pages: [Page]
  /// nil while it is not known who asks.
  var client: Access.Client?

  func page(_ view: PageRequest, _ content: PageContent, _ states: [Panel.State]) -> ServerAnswer {
    let title = content.title ?? view.page.title
    var parts: [HTML] = [.tag("h1", [], .name(title)), .tag("p", [.class("about")], .text(view.page.about))]
    if !content.trail.isEmpty {
      parts.insert(.tag(
        "nav", [.class("trail"), .named("aria-label", "Where this is")],
        all: content.trail.map { $0.link.html(.name($0.text)) }), at: 0)
    }
    if view.page.hasForm { parts.append(form(view)) }
    parts.append(.tag(
      "div", [.class("panels")], all: zip(content.panels, states).map { $0.html($1) }))
    parts.append(.tag(
      "p", [.class("forms")], "This page as ", view.link(as: .json).html("JSON"),
      view.page.lines == nil ? .nothing : .all([", as ", view.link(as: .lines).html("lines of JSON")])))
    let isLive = view.page.stream == nil ? view.page.refresh != nil : view.flag("live")
    let live = !isLive ? nil : HTML.Attribute.named("data-live", view.link(as: .events).address)
    return answer(200, title, view.page.section, live, parts)
  }

  /// A page that says what is wrong, and with which status.
  func problem(_ problem: Problem) -> ServerAnswer {
    let title = switch problem.status {
    case 400: "This address is not understood"
    case 401, 403: "Not allowed"
    case 404: "There is nothing here"
    case 405: "This cannot be done here"
    case 429: "Too many requests"
    case 503: "Something that this page needs is away"
    default: "The board cannot make this page"
    }
    var answer = answer(problem.status, title, nil, nil, [
      .tag("h1", [], .text(title)), .tag("p", [.class("problem")], .text(problem.detail)),
      .tag("p", [], "Code: ", .tag("code", [], .text(problem.code))),
      .tag("p", [], Link([]).html("To the fleet")),
    ])
    answer.headers += problem.headers
    return answer
  }

  /// A page without panels.
  func plain(_ title: String, _ parts: [HTML]) -> ServerAnswer {
    answer(200, title, nil, nil, [.tag("h1", [], .text(title))] + parts)
  }

  private func answer(
    _ status: Int, _ title: String, _ section: Page.Section?, _ live: HTML.Attribute?, _ parts: [HTML]
  ) -> ServerAnswer {
    let head = HTML.tag(
      "head", [], .tag("meta", [.named("charset", "utf-8")]),
      .tag("meta", [.named("name", "viewport"), .named("content", "width=device-width, initial-scale=1")]),
      .tag("meta", [.named("name", "color-scheme"), .named("content", "light dark")]),
      .tag("title", [], "\(title) · Souk"),
      .tag("link", [.named("rel", "icon"), .href(Link(["icon.svg"]))]),
      .tag("link", [.named("rel", "stylesheet"), .href(asset("board.css", BoardAssets.style))]),
      .tag("script", [.src(asset("board.js", BoardAssets.script)), .named("defer")]))
    let body = HTML.tag(
      "body", [live], .tag("a", [.class("skip"), .href(Link(anchor: "main"))], "Skip to content"),
      .tag("header", [.class("top")], Link([]).html("Souk", .class("brand")), navigation(section)),
      .tag("main", [.id("main"), .named("tabindex", "-1")], all: parts))
    var answer = ServerAnswer(
      status: status, type: "text/html; charset=utf-8",
      HTML.tag("html", [.named("lang", "en")], head, body).document)
    answer.headers += Board.headers
    return answer
  }

  /// An address that changes with the file, so that a browser keeps none of an older release.
  private func asset(_ name: String, _ text: String) -> Link {
    Link([name], [("v", String(SHA256.hash(text).hex.prefix(8)))])
  }

  private func navigation(_ section: Page.Section?) -> HTML {
    let entries = Page.Section.allCases.compactMap { each in pages.first { $0.section == each } }
    return .tag("nav", [.class("main"), .named("aria-label", "Pages of the board")], .tag("ul", [], all: entries.map {
      .tag("li", [], Link($0.path).html(
        .text($0.section.rawValue), $0.section == section ? .named("aria-current", "page") : nil))
    }))
  }

  // MARK: - form

  private func form(_ view: PageRequest) -> HTML {
    let parameters = view.page.parameters.filter { parameter in
      if case .cursor = parameter.kind { return false }
      return parameter.place == .query
    }
    if parameters.isEmpty { return .nothing }
    return .tag(
      "form", [.class("filter"), .named("method", "get"), .action(view.link(Dictionary(
        uniqueKeysWithValues: view.page.parameters.map { ($0.name, nil) })))],
      .all(parameters.map { field($0, view) }), .tag("button", [.named("type", "submit")], "Show"))
  }

  private func field(_ parameter: Parameter, _ view: PageRequest) -> HTML {
    let label = parameter.label
    let value = view.given[parameter.name] ?? ""
    let name: [HTML.Attribute?] = [.named("name", parameter.name), .named("title", parameter.about)]
    func choices(_ words: [String], _ standard: String) -> HTML {
      .tag("select", name, all: words.map { word in
        .tag("option", [
          .named("value", word), .flag("selected", word == (value.isEmpty ? standard : value)),
        ], .text(word.isEmpty ? "any" : word))
      })
    }
    let control: HTML = switch parameter.kind {
    case .choice(let words, let standard): choices(words, standard)
    case .flag: choices(["false", "true"], "false")
    default:
      .tag("input", name + [
        .named("type", "text"), .named("value", value), .named("dir", "auto"), .named("autocomplete", "off"),
        parameter.placeholder.map { .named("placeholder", $0) },
      ])
    }
    return .tag("label", [], .tag("span", [], .text(label)), control)
  }
}

extension Parameter {
  /// `From offset`
  fileprivate var label: String {
    let words = name == "q" ? "search" : name.replacing("_", with: " ")
    return words.prefix(1).uppercased() + words.dropFirst()
  }

  fileprivate var placeholder: String? {
    switch kind {
    case .time: "2026-03-02T14:30:00Z"
    case .count(let standard, _): "\(standard)"
    case .share(let standard): "\(standard)"
    default: nil
    }
  }
}
