import Foundation
import HTTPTypes
import HummingbirdCore
import SimulatorServer

/// The laibcatalog web service, one per chain below `/<prefix>/laibcatalog`.
///
/// Documented shape, never live-checked: `/webapi/api/getfiles?edi=<chain id>` is an array of files; a chain id the
/// service has no folder for is 400 with "FilesRootPath is invalid"; files are at `/webapi/<chain id>/<name>`. In the
/// night and, for one chain, on Saturdays the array is empty (fault `empty-listing`).
extension PortalSimulator {
  package func laibcatalogAddress(of chain: ChainProfile) -> String { "\(baseURL(of: chain))/laibcatalog/webapi" }

  func addLaibcatalog(to router: Router) {
    let root = "/{prefix}/laibcatalog/webapi"
    router.get("\(root)/api/getfiles") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        guard request.uri.queryParameters["edi"].map(String.init) == published.chain.chainID else {
          return PortalAnswer(
            status: .badRequest, type: "application/json", Array(#"{"message":"FilesRootPath is invalid"}"#.utf8))
        }
        if mode == .unknownShape { return .init(json: Array(#"{"files":3,"version":"2"}"#.utf8)) }
        let files = mode == .emptyListing ? [] : self.shuffledFiles(of: published)
        return .init(json: Array(try JSONSerialization.data(withJSONObject: files.map { file in
          var row: [String: Any] = [
            "fileName": file.name, "fileType": file.kind == .stores ? "storefull" : file.kind.word.lowercased(),
            "fileSize": Self.kilobytes(self.size(of: file)),
            "fileDate": (file.time + 300 + self.revision(of: file) * 600).text("Y-M-D h:m:s"),
            "branchNumber": max(0, Int(file.storeID) ?? 0), "lastModified": "",
          ]
          if mode == .unknownColumn { row["checksum"] = "abc" }
          if mode == .missingColumn { row["fileName"] = nil }
          return row
        })))
      }
    }
    router.get("\(root)/{chain}/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        guard parameters["chain"] == published.chain.chainID else { return .notFound }
        return self.download(parameters["name"], from: published, mode)
      }
    }
  }

  /// `12.3 KB`: enough to show, not enough to compare.
  static func kilobytes(_ bytes: Int) -> String { String(format: "%.1f KB", Double(bytes) / 1_024) }
}
