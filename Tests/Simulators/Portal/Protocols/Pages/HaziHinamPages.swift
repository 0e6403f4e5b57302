import HummingbirdCore
import SimulatorServer

/// `GET <folder>/Prices?d=YYYY-MM-DD&t=<1 price 2 promo 3 stores|null>&f=null&p=`: links to unsigned blobs.
extension PortalSimulator {
  func addHaziHinam(to router: Router) {
    router.get("/{prefix}/hazi-hinam/Prices") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let date = request.text("d")
        let files = mode == .emptyListing ? [] : self.newest(published) {
          (date.isEmpty || date == "null" || date == $0.time.text("Y-M-D"))
            && (request.number("t") == nil || request.number("t") == $0.kind.haziType)
        }
        let cut = PageCut(files, page: request.number("p") ?? 1, rows: self.options.rowsPerPage)
        return self.page("Hazi Hinam", mode) { self.haziHinam(cut, mode) }
      }
    }
    router.get("/{prefix}/hazi-hinam/regulatories/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private func haziHinam(_ cut: PageCut, _ mode: Fault.Mode?) -> String {
    let table = PageTable(columns: [
      .init("תאריך", .time) { self.published($0).text("D-M-Y h:m") },
      .init("סניף") { self.branch($0) },
      .init("שם קובץ", .name) { $0.name },
      .init("סוג קובץ") { $0.kind.word },
      .init("גודל", .size) { self.kilobytes($0) },
      .init("הורדה", .link) {
        "<a href=\"\(self.address(.haziHinam, of: $0.chain))regulatories/\($0.name)\">להורדה</a>"
      },
    ])
    return table.html(cut.files, mode) + pagination(cut, mode)
  }

  /// The pager of this portal and of its sister, City Market.
  func pagination(_ cut: PageCut, _ mode: Fault.Mode?) -> String {
    guard cut.count > 1, mode != .noPager else { return "" }
    let items = cut.named.map {
      "<li class=\"pagination-item\"><a href=\"?d=&amp;t=null&amp;f=null&amp;p=\($0)\">\($0)</a></li>"
    }
    return "<ul class=\"pagination\">\(items.joined(separator: "\n"))</ul>\n"
  }
}

extension PortalFile.Kind {
  var haziType: Int {
    switch self {
    case .price, .priceFull: 1
    case .promoFull: 2
    case .stores: 3
    }
  }
}
