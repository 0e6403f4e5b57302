import HummingbirdCore
import SimulatorServer

/// An index page as Apache's mod_autoindex writes it, one per chain below `/<prefix>/index`, with the files beside it.
extension PortalSimulator {
  package func indexAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/index/" }

  func addIndex(to router: Router) {
    router.get("/{prefix}/index") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        if mode == .unknownShape { return .init(html: "<html><body><h1>It works!</h1></body></html>") }
        let files = mode == .emptyListing ? [] : self.shuffledFiles(of: published)
        return .init(html: self.indexPage(published.chain, files))
      }
    }
    router.get("/{prefix}/index/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private func indexPage(_ chain: ChainProfile, _ files: [PortalFile]) -> String {
    let rows = files.map { file in
      """
      <tr><td><img src="/icons/compressed.gif" alt="[   ]"></td><td><a href="\(file.name)">\(file.name)</a></td>\
      <td align="right">\(published(file).text("Y-M-D h:m"))  </td><td align="right">\(kilobytes(file))K</td></tr>
      """
    }
    return """
      <!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
      <html><head><title>Index of /\(chain.prefix)/index</title></head><body><h1>Index of /\(chain.prefix)/index</h1>
      <table><tr><th><img src="/icons/blank.gif" alt="[ICO]"></th><th><a href="?C=N;O=D">Name</a></th>\
      <th><a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th></tr>
      <tr><td>&nbsp;</td><td><a href="/\(chain.prefix)/">Parent Directory</a></td><td>&nbsp;</td><td>  - </td></tr>
      \(rows.joined(separator: "\n"))
      </table></body></html>

      """
  }
}
