import HummingbirdCore
import SimulatorServer

/// `GET <folder>/NBCompetitionRegulations.aspx?code=`: everything on one page, the time in the seventh cell.
extension PortalSimulator {
  func addMatrix(to router: Router) {
    router.get("/{prefix}/matrix/NBCompetitionRegulations.aspx") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let code = request.text("code")
        let isOther = !code.isEmpty && code != published.chain.chainID
        let files = mode == .emptyListing || isOther ? [] : self.newest(published)
        return self.page("NB", mode) { self.matrix(files, mode) }
      }
    }
    router.get("/{prefix}/matrix/CompetitionRegulationsFiles/latest/{chain}/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private func matrix(_ files: [PortalFile], _ mode: Fault.Mode?) -> String {
    let table = PageTable(columns: [
      .init("שם קובץ", .name) { $0.bareName },
      .init("רשת") { $0.chain.hebrewName },
      .init("סניף") { self.branch($0) },
      .init("סוג קובץ") { $0.kind.word.lowercased() },
      .init("סיומת") { String($0.name.dropFirst($0.bareName.count)) },
      .init("גודל", .size) { "\(self.kilobytes($0)) KB" },
      .init("תאריך", .time) { self.published($0).text("D/M/Y h:m") },
      // Backslashes, which browsers take for slashes.
      .init("הורדה", .link) {
        "<a href=\"CompetitionRegulationsFiles\\latest\\\($0.chain.chainID)\\\($0.name)\">"
          + "לחץ כאן להורדה</a>"
      },
    ])
    return "<form><table><tr><td>תאריך</td><td><input name=\"date\"></td></tr></table></form>\n"
      + table.html(files, mode)
  }
}
