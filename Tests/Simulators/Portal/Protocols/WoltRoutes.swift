import HummingbirdCore
import SimulatorServer

/// The pages of Wolt, one set per chain below `/<prefix>/wolt`.
///
/// Documented shape, never live-checked: `index.html` links to `<YYYY-MM-DD>.html`, each of which is a list whose
/// `li > a` lead to `download/<date>/<name>`. Nothing says when a file was published or how large it is.
extension PortalSimulator {
  package func woltAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/wolt/" }

  func addWolt(to router: Router) {
    router.get("/{prefix}/wolt/{page}") { request, parameters in
      let page = parameters["page"] ?? ""
      let target = page == "index.html" ? Fault.Target.resolver : .listing
      return try await self.answer(target, request, parameters) { published, mode in
        if mode == .unknownShape { return .init(html: "<html><body><h1>We have moved</h1></body></html>") }
        let files = mode == .emptyListing ? [] : self.shuffledFiles(of: published)
        if page == "index.html" {
          let days = Set(files.map { $0.time.text("Y-M-D") }).sorted()
          return .init(html: Self.woltPage("Days", days.map { ("\($0).html", $0) }))
        }
        let day = String(page.prefix(10))
        guard page == "\(day).html", published.files.contains(where: { $0.time.text("Y-M-D") == day })
        else { return .notFound }
        return .init(html: Self.woltPage(
          day,
          files.filter { $0.time.text("Y-M-D") == day }.map { ("download/\(day)/\($0.name)", $0.name) }))
      }
    }
    router.get("/{prefix}/wolt/download/{day}/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private static func woltPage(_ title: String, _ links: [(href: String, text: String)]) -> String {
    let items = links.map { "<li><a href=\"\($0.href)\">\($0.text)</a>" }.joined(separator: "\n")
    return """
      <!doctype html>
      <html><head><title>\(title)</title><link rel="stylesheet" href="assets/site.css"></head>
      <body><h1>\(title)</h1><p><a href="index.html">all days</a><a href="assets/site.css">style</a>
      <ul>\(items)</ul></body></html>
      """
  }
}
