import Foundation
import HummingbirdCore
import SimulatorServer

/// The listing of Meshnat Yosef, one per chain below `/<prefix>/meshnat`.
///
/// Documented shape, never live-checked: `[{"name","url","date":"YYYY-MM-DD HH:MM:SS"}]` at the root, no promotions.
/// Where the links lead is not documented; here it is `files/<name>`.
extension PortalSimulator {
  package func meshnatYosefAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/meshnat/" }
  /// What the listing shows.
  package func meshnatYosefFiles(of chain: ChainProfile) -> [PortalFile] {
    visibleFiles.filter { $0.chain == chain && $0.kind != .promoFull }
  }

  func addMeshnatYosef(to router: Router) {
    router.get("/{prefix}/meshnat") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        if mode == .unknownShape { return .init(json: Array(#"{"files":3,"version":"2"}"#.utf8)) }
        let files = mode == .emptyListing ? [] : self.shuffledFiles(of: published).filter { $0.kind != .promoFull }
        return .init(json: Array(try JSONSerialization.data(withJSONObject: files.map { file in
          var row: [String: Any] = [
            "name": file.name, "url": "\(self.meshnatYosefAddress(of: published.chain))files/\(file.name)",
            "date": (file.time + 300 + self.revision(of: file) * 600).text("Y-M-D h:m:s"),
          ]
          if mode == .unknownColumn { row["checksum"] = "abc" }
          if mode == .missingColumn { row["name"] = nil }
          return row
        })))
      }
    }
    router.get("/{prefix}/meshnat/files/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
  }
}
