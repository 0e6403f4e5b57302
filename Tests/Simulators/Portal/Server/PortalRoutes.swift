import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer

extension PortalSimulator {
  func makeRouter() -> Router {
    let router = Router()
    router.get("/{prefix}/MainIO_Hok.aspx") { request, parameters in
      try await self.answer(.listing, request, parameters) { published, mode in
        switch mode {
        case .emptyListing: .init(json: try Listing.json([], shape: published.chain.listing))
        case .unknownShape: .init(json: Array("{\"files\": 3, \"version\": \"2\"}".utf8))
        default: .init(json: try self.listing(published, request))
        }
      }
    }
    for method in [HTTPRequest.Method.get, .post] {
      router.on("/{prefix}/Download.aspx", method: method) { request, parameters in
        try await self.answer(.resolver, request, parameters) { published, _ in
          let name = request.uri.queryParameters["FileNm"].map(String.init) ?? ""
          guard self.visible(name, on: published) != nil else { return .init(json: Array("[]".utf8)) }
          let link = "\(self.baseURL(of: published.chain))/Download/\(name)"
          return .init(json: Array("[{\"SPath\":\"\(link)\"}]".utf8))
        }
      }
    }
    router.get("/{prefix}/Download/{name}") { request, parameters in
      try await self.answer(.download, request, parameters) { published, mode in
        self.download(parameters["name"], from: published, mode)
      }
    }
    addCerberus(to: router)
    addIndex(to: router)
    addLaibcatalog(to: router)
    addMeshnatYosef(to: router)
    addNetivHased(to: router)
    addWolt(to: router)
    addPages(to: router)
    addControl(to: router)
    return router
  }

  func visible(_ name: String, on published: PublishedChain) -> PortalFile? {
    published.byName[name].flatMap { $0.round <= visibleRounds ? $0 : nil }
  }

  func revision(of file: PortalFile) -> Int { state.revision(of: "\(file.chain.prefix)/\(file.name)") }

  private func listing(_ published: PublishedChain, _ request: Request) throws -> [UInt8] {
    let parameters = request.uri.queryParameters
    let query = Listing.Query(
      type: parameters["WFileType"].flatMap { Int($0) } ?? 0,
      date: parameters["WDate"].map(String.init) ?? "",
      store: parameters["WStore"].map(String.init) ?? "")
    let admitted = shuffledFiles(of: published).filter { query.admits($0) }
    return try Listing.json(
      admitted.prefix(options.listingCap).map { row($0, published) }, shape: published.chain.listing)
  }

  /// What is visible, not in order of time, as on the real portals.
  func shuffledFiles(of published: PublishedChain) -> [PortalFile] {
    let rounds = visibleRounds
    return published.files.filter { $0.round <= rounds }.sorted { shuffleKey($0) < shuffleKey($1) }
  }

  /// The length of a file's bytes as they are served now.
  func size(of file: PortalFile) -> Int {
    let revision = revision(of: file)
    return state.size(of: "\(file.chain.prefix)/\(file.name)", revision: revision) {
      catalogue.bytes(of: file, revision: revision).count
    }
  }

  private func shuffleKey(_ file: PortalFile) -> UInt64 {
    catalogue.dice.roll(.order, file.chain.ordinal, file.store, file.time.seconds, file.kind.portalType)
  }

  private func row(_ file: PortalFile, _ published: PublishedChain) -> Listing.Row {
    let chain = published.chain
    let name = file.name
    let revision = revision(of: file)
    let store = file.store < 0
      ? "0 \(chain.hebrewName)"
      : "\(file.storeID.drop { $0 == "0" }) \(SideXML.storeName(chain, file.store, catalogue.dice))"
    var row = Listing.Row(
      FileNm: name, Company: chain.hebrewName, Store: store, TypeFile: file.kind.hebrew,
      DateFile: (file.time + 300 + revision * 600).text("h:m D/M/Y"), PathLogo: "logo/\(chain.prefix).png")
    if chain.listing != .array { row.SPath = "/\(chain.prefix)/Download/\(name)" }
    if chain.listing == .wrapped { row.FileSize = size(of: file) }
    return row
  }

  private func addControl(to router: Router) {
    router.get("/_portal/sources") { request, _ in
      let pages = Pages(rawValue: request.text("pages"))
      return (pages.map { self.sources($0) } ?? self.sources).joined(separator: "\n") + "\n"
    }
    router.post("/_portal/faults") { request, _ -> Response in
      let text = request.uri.queryParameters["fault"].map(String.init) ?? ""
      do {
        self.add(try Fault(text: text))
        return Response(status: .noContent)
      } catch {
        return self.plain(PortalAnswer(status: .badRequest, type: "text/plain", Array("\(error)\n".utf8)))
      }
    }
    router.delete("/_portal/faults") { _, _ -> HTTPResponse.Status in
      self.clearFaults()
      return .noContent
    }
    router.post("/_portal/rounds") { request, _ -> HTTPResponse.Status in
      guard let count = request.uri.queryParameters["visible"].flatMap({ Int($0) }), count >= 0 else {
        return .badRequest
      }
      self.reveal(rounds: count)
      return .noContent
    }
    router.post("/_portal/republish") { request, _ -> HTTPResponse.Status in
      let parameters = request.uri.queryParameters
      guard let published = parameters["prefix"].flatMap({ self.publishedChains[String($0)] }),
        let file = parameters["name"].flatMap({ published.byName[String($0)] })
      else { return .notFound }
      self.republish(file)
      return .noContent
    }
  }
}
