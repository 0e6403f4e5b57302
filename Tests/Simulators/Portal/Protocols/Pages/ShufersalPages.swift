import Core
import Foundation
import HummingbirdCore
import SimulatorServer

/// `GET <folder>/FileObject/UpdateCategory?catID=&storeId=&page=`: pages of links that are signed and expire.
extension PortalSimulator {
  func addShufersal(to router: Router) {
    router.get("/{prefix}/shufersal/FileObject/UpdateCategory") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let files = mode == .emptyListing ? [] : self.newest(published) {
          let category = request.number("catID") ?? 0
          return category == 0 || category == $0.kind.shufersalCategory
        }
        let cut = PageCut(files, page: request.number("page") ?? 1, rows: self.options.rowsPerPage)
        return self.page("Shufersal", mode) { self.shufersal(cut, request, mode) }
      }
    }
    router.get("/{prefix}/shufersal/blob/{category}/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        let name = parameters["name"] ?? ""
        let expiry = request.text("se")
        guard request.text("sig") == self.signature(name, expiry) else { return .expiredLink }
        guard let end = WallTime(utc: expiry), end.seconds > Int(self.now) else { return .expiredLink }
        return self.download(name, from: published, mode)
      }
    }
  }

  private func shufersal(_ cut: PageCut, _ request: Request, _ mode: Fault.Mode?) -> String {
    let query = "catID=\(request.number("catID") ?? 0)&storeId=0"
    func link(_ page: Int, _ text: String) -> String {
      let href = PageTable.escaped("/FileObject/UpdateCategory?\(query)&page=\(page)")
      return "<a data-swhglnk=\"true\" href=\"\(href)\">\(text)</a>"
    }
    var pager = cut.named.filter { $0 != cut.number }.map { link($0, "\($0)") }
    if cut.number < cut.count { pager.append(link(cut.count, "&gt;&gt;")) }
    let table = PageTable(
      columns: [
        .init("הורדה", .link) {
          "<a href=\"\(PageTable.escaped(self.signedLink(to: $0)))\" target=\"_blank\">לחץ להורדה</a>"
        },
        .init("זמן עידכון", .time) { Self.american(self.published($0)) },
        .init("גודל", .size) { "\(self.kilobytes($0)) KB" },
        .init("סוג קובץ") { _ in "GZ" },
        .init("קטגוריה") { $0.kind.word.lowercased() },
        .init("סניף") { self.branch($0) },
        .init("שם", .name) { $0.bareName },
        .init("") { _ in "1" },
      ],
      linkedTitles: true,
      foot: cut.count > 1 && mode != .noPager ? "\(cut.number) " + pager.joined(separator: " ") : "")
    return "<div id=\"gridContainer\">\n\(table.html(cut.files, mode))</div>\n"
  }

  /// Links of one page expire at different seconds, as cached ones do.
  func signedLink(to file: PortalFile) -> String {
    let slack = catalogue.dice.pick(240, .order, file.chain.ordinal, file.store, file.time.seconds, 1)
    let end = WallTime(seconds: Int(now) + Int(options.linkLifetime.components.seconds) - slack)
    let expiry = end.text("Y-M-DTh:m:sZ")
    let encoded = expiry.replacingOccurrences(of: ":", with: "%3A")
    return address(.shufersal, of: file.chain)
      + "blob/\(file.kind.word.lowercased())/\(file.name)?sv=2014-02-14&sr=b&sig=\(signature(file.name, expiry))"
      + "&se=\(encoded)&sp=r"
  }

  private func signature(_ name: String, _ expiry: String) -> String {
    var hash: UInt64 = 14_695_981_039_346_656_037
    for byte in "\(name)|\(expiry)|\(catalogue.settings.seed)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
    }
    return String(hash, radix: 16)
  }

  /// `8/3/2026 4:05:00 PM`.
  static func american(_ time: WallTime) -> String {
    let date = time.date
    let (hour, minute, second) = time.time
    let twelve = hour % 12 == 0 ? 12 : hour % 12
    return "\(date.month)/\(date.day)/\(date.year) \(twelve):\(zeroPadded(minute, 2)):\(zeroPadded(second, 2)) "
      + (hour < 12 ? "AM" : "PM")
  }
}

extension PortalFile.Kind {
  var shufersalCategory: Int {
    switch self {
    case .price: 1
    case .priceFull: 2
    case .promoFull: 4
    case .stores: 5
    }
  }
}

extension WallTime {
  /// - Parameter text: `2026-08-23T03:00:00Z`.
  init?(utc text: String) {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, let day = WallTime(day: String(parts[0])), parts[1].hasSuffix("Z") else { return nil }
    let clock = parts[1].dropLast().split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3 else { return nil }
    self = day + (clock[0] * 3_600 + clock[1] * 60 + clock[2])
  }
}
