import HummingbirdCore
import SimulatorServer

/// `GET <folder>/?Category-equals=&Date-equals=dd/mm/yyyy&page=`: a grid whose pager is made of buttons.
extension PortalSimulator {
  func addSuperPharm(to router: Router) {
    router.get("/{prefix}/super-pharm") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let (category, date) = (request.text("Category-equals"), request.text("Date-equals"))
        let files = mode == .emptyListing ? [] : self.newest(published) {
          (category.isEmpty || category == $0.kind.word) && (date.isEmpty || date == $0.time.text("D/M/Y"))
        }
        let cut = PageCut(files, page: request.number("page") ?? 1, rows: self.options.rowsPerPage)
        return self.page("Super-Pharm", mode) { self.superPharm(cut, mode) }
      }
    }
    router.get("/{prefix}/super-pharm/Download/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        guard !request.text("bucketName").isEmpty else { return .notFound }
        return self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private func superPharm(_ cut: PageCut, _ mode: Fault.Mode?) -> String {
    let table = PageTable(columns: [
      .init("#") { _ in "1" },
      .init("שם קובץ", .name) { $0.name },
      .init("תאריך", .time) { self.published($0).text("M/D/Y h:m:s") },
      .init("קטגוריה") { $0.kind.word },
      .init("סניף") { self.branch($0) },
      .init("הורדה", .link) {
        "<a href=\"Download/\($0.name)?bucketName=published\">להורדה</a>"
      },
    ])
    let numbers = [1] + cut.named + [cut.count]
    let buttons = numbers.map { "<button type=\"button\" data-page=\"\($0)\">\($0)</button>" }
    let pager = cut.count > 1 && mode != .noPager
      ? "<div class=\"mvc-grid-pager\">\(buttons.joined())</div>\n" : ""
    return "<div class=\"mvc-grid\">\n\(table.html(cut.files, mode))\(pager)</div>\n"
  }
}
