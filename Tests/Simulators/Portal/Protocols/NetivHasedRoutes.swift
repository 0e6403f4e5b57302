import HTTPTypes
import HummingbirdCore
import SimulatorServer

/// The page of Netiv Hased, one per chain below `/<prefix>/netiv`.
///
/// Documented shape, never live-checked: `?Date=YYYY-MM-DD` shows the files of a day, visitors that do not look like
/// browsers get 403 (Cloudflare). What the page looks like inside is not documented; public readers of it take the
/// name from links of the form `Prices/Download?fileName=<name>`, so that is what is here, with navigation, scripts
/// and tags left open around it.
extension PortalSimulator {
  package func netivHasedAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/netiv/" }

  func addNetivHased(to router: Router) {
    router.get("/{prefix}/netiv") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        guard request.headers[.userAgent]?.hasPrefix("Mozilla/") == true else { return .blocked }
        if mode == .unknownShape { return .init(html: "<html><body><h1>We have moved</h1></body></html>") }
        let day = request.uri.queryParameters["Date"].map(String.init) ?? ""
        let files = mode == .emptyListing
          ? [] : self.shuffledFiles(of: published).filter { $0.time.text("Y-M-D") == day }
        return .init(html: self.netivHasedPage(published.chain, day, files))
      }
    }
    router.get("/{prefix}/netiv/Prices/Download") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(request.uri.queryParameters["fileName"].map(String.init), from: published, mode)
      }
    }
  }

  private func netivHasedPage(_ chain: ChainProfile, _ day: String, _ files: [PortalFile]) -> String {
    let rows = files.map { file in
      let time = file.time + 300 + revision(of: file) * 600
      return """
        <tr><td>\(file.kind.word)<td>\(file.storeID) \(chain.hebrewName)<td>\(time.text("D/M/Y h:m"))
        <td>\(Self.kilobytes(size(of: file)))
        <td><a class=btn href="Prices/Download?fileName=\(file.name)&amp;v=1">הורדה</a></tr>
        """
    }
    return """
      <!DOCTYPE html>
      <html lang="he" dir="rtl"><head><meta charset="utf-8"><title>\(chain.hebrewName) - שקיפות מחירים</title>
      <script>if (1 < 2 && "<a href='x'>") { console.log("</scr" + "ipt>"); }</script></head>
      <body><nav><a href="/">ראשי</a> <a href="?Date=\(day)&StoreNumber=1">סניף 1</a> <a name=top></a></nav>
      <table><thead><tr><th>סוג<th>סניף<th>תאריך<th>גודל<th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      </html>
      """
  }
}
