import HummingbirdCore
import SimulatorServer

/// `GET <folder>/?d=&s=&t=&f=&p=`: names without extension, links that do not name the file.
extension PortalSimulator {
  func addCityMarket(to router: Router) {
    router.get("/{prefix}/city-market") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let date = request.text("d")
        let files = mode == .emptyListing ? [] : self.newest(published) {
          date.isEmpty || date == $0.time.text("Y-M-D")
        }
        let cut = PageCut(files, page: request.number("p") ?? 1, rows: self.options.rowsPerPage)
        return self.page("City Market", mode) { self.cityMarket(cut, mode) }
      }
    }
    router.get("/{prefix}/city-market/downloadFile/{id}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        let id = parameters["id"]
        return self.download(published.files.first { self.uuid($0) == id }?.name, from: published, mode)
      }
    }
  }

  private func cityMarket(_ cut: PageCut, _ mode: Fault.Mode?) -> String {
    let table = PageTable(columns: [
      .init("תאריך", .time) { self.published($0).text("D-M-Y h:m") },
      .init("סניף") { self.branch($0) },
      .init("שם קובץ", .name) { $0.bareName },
      .init("סוג קובץ") { $0.kind.word },
      .init("מלא") { $0.round == 0 ? "כן" : "לא" },
      .init("גודל", .size) { self.kilobytes($0) },
      .init("הורדה", .link) { "<a href=\"downloadFile/\(self.uuid($0))\">להורדה</a>" },
    ])
    return table.html(cut.files, mode) + pagination(cut, mode)
  }

  /// One id per file, the same in every listing.
  func uuid(_ file: PortalFile) -> String {
    let high = catalogue.dice.roll(.order, file.chain.ordinal, file.store, file.time.seconds, 101)
    let low = catalogue.dice.roll(.order, file.chain.ordinal, file.store, file.time.seconds, 102 + file.kind.portalType)
    let hex = [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    var out = ""
    for (index, digit) in hex.enumerated() {
      if [8, 12, 16, 20].contains(index) { out.append("-") }
      out.append(digit)
    }
    return out
  }
}
