import Foundation
import HummingbirdCore
import SimulatorServer

/// `GET <folder>/[?date=YYYYMMDD | ?p=./YYYYMMDD]`: one page a day, the listing
/// inside a script; `GET <folder>/<YYYYMMDD>/<name>`.
extension PortalSimulator {
  func addCarrefour(to router: Router) {
    router.get("/{prefix}/carrefour") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        let files = self.newest(published)
        let asked = request.text("date").isEmpty ? String(request.text("p").dropFirst(2)) : request.text("date")
        let day = asked.isEmpty ? files.first?.time.text("YMD") ?? "20260101" : asked
        let shown = mode == .emptyListing ? [] : files.filter { $0.time.text("YMD") == day }
        return self.page("Carrefour", mode) { self.carrefour(day, shown, mode) }
      }
    }
    router.get("/{prefix}/carrefour/{day}/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }

  private struct CarrefourRow: Encodable {
    var name: String
    var size: Int
    var modified: String?
    var shelf: Int?
  }

  private func carrefour(_ day: String, _ files: [PortalFile], _ mode: Fault.Mode?) -> String {
    let rows = files.map {
      CarrefourRow(
        name: $0.name, size: size($0), modified: mode == .missingColumn ? nil : published($0).text("h:m D-M-Y"),
        shelf: mode == .unknownColumn ? 7 : nil)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = (try? encoder.encode(rows)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    return """
      <script>window.dataLayer = [];</script>
      <div id="files"></div>
      <script type="text/javascript">
        // one page of a day
        const path = '\(day)';
        const files = \(json);
        render(path, files);
      </script>

      """
  }
}
