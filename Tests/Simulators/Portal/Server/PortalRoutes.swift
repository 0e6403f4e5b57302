import Hummingbird
import HTTPTypes
import NIOCore
import Runtime

extension PortalSimulator {
  func makeRouter() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("/{prefix}/MainIO_Hok.aspx") { request, context in
      try await self.answer(.listing, request, context) { shelf in
        .init(json: try self.listing(shelf, request))
      }
    }
    for method in [HTTPRequest.Method.get, .post] {
      router.on("/{prefix}/Download.aspx", method: method) { request, context in
        try await self.answer(.resolver, request, context) { shelf in
          let name = request.uri.queryParameters["FileNm"].map(String.init) ?? ""
          guard self.visible(name, on: shelf) != nil else { return .init(json: Array("[]".utf8)) }
          let link = "\(self.baseURL(of: shelf.chain))/Download/\(name)"
          return .init(json: Array("[{\"SPath\":\"\(link)\"}]".utf8))
        }
      }
    }
    router.get("/{prefix}/Download/{name}") { request, context in
      try await self.answer(.download, request, context) { shelf in
        guard let name = context.parameters.get("name"), let file = self.visible(name, on: shelf) else {
          return .init(status: .notFound, type: "text/html", Array("<html><body>404</body></html>".utf8))
        }
        let bytes = self.catalogue.bytes(of: file, revision: self.revision(of: file))
        return .init(type: "application/octet-stream", bytes)
      }
    }
    addControl(to: router)
    return router
  }

  /// An answer before a fault spoils it.
  struct Answer {
    var status: HTTPResponse.Status
    var type: String
    var bytes: [UInt8]

    init(status: HTTPResponse.Status = .ok, type: String, _ bytes: [UInt8]) {
      self.status = status
      self.type = type
      self.bytes = bytes
    }

    init(json: [UInt8]) { self.init(type: "application/json; charset=utf-8", json) }
  }

  private func answer(
    _ target: Fault.Target, _ request: Request, _ context: BasicRequestContext,
    _ make: (Shelf) throws -> Answer
  ) async throws -> Response {
    guard let prefix = context.parameters.get("prefix"), let shelf = shelves[prefix] else {
      return Response(status: .notFound)
    }
    var fault = state.fault(for: target, prefix: prefix)
    if let text = request.uri.queryParameters["fault"] { fault = try? Fault(text: String(text)) }
    switch fault?.mode {
    case nil: return plain(try make(shelf))
    case .slow: return slow(try make(shelf))
    case .truncated: return truncated(try make(shelf))
    case .rateLimit:
      var response = plain(Answer(status: .tooManyRequests, type: "text/plain", Array("slow down".utf8)))
      response.headers[.retryAfter] = String(fault?.retryAfter ?? 1)
      return response
    case .serverError:
      let page = "<html><body>Server Error in '/' Application.</body></html>"
      return plain(Answer(status: .internalServerError, type: "text/html", Array(page.utf8)))
    case .loginPage:
      let page = "<!DOCTYPE html>\r\n<html><head><title>Login</title></head><body><form action=\"/login\">"
        + "<input name=\"username\"/></form></body></html>"
      return plain(Answer(type: "text/html; charset=utf-8", Array(page.utf8)))
    case .emptyListing: return plain(Answer(json: try Listing.json([], shape: shelf.chain.listing)))
    case .expiredLink:
      let page = "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>"
      return plain(Answer(status: .forbidden, type: "application/xml", Array(page.utf8)))
    case .unknownShape: return plain(Answer(json: Array("{\"files\": 3, \"version\": \"2\"}".utf8)))
    }
  }

  private func plain(_ answer: Answer) -> Response {
    Response(
      status: answer.status, headers: [.contentType: answer.type],
      body: .init(byteBuffer: ByteBuffer(bytes: answer.bytes)))
  }

  private func slow(_ answer: Answer) -> Response {
    let (pause, length) = (options.dripPause, options.dripBytes)
    return Response(
      status: answer.status, headers: [.contentType: answer.type],
      body: .init(contentLength: answer.bytes.count) { writer in
        var rest = answer.bytes[...]
        while !rest.isEmpty {
          try await writer.write(ByteBuffer(bytes: rest.prefix(length)))
          rest = rest.dropFirst(length)
          try await Task.sleep(for: pause)
        }
        try await writer.finish(nil)
      })
  }

  private func truncated(_ answer: Answer) -> Response {
    Response(
      status: answer.status, headers: [.contentType: answer.type],
      body: .init(contentLength: answer.bytes.count) { writer in
        try await writer.write(ByteBuffer(bytes: answer.bytes.prefix(answer.bytes.count / 2)))
        throw Failure(.transient, code: "truncated", "half of the body, as asked")
      })
  }

  private func visible(_ name: String, on shelf: Shelf) -> PortalFile? {
    shelf.byName[name].flatMap { $0.round <= visibleRounds ? $0 : nil }
  }

  private func revision(of file: PortalFile) -> Int { state.revision(of: "\(file.chain.prefix)/\(file.name)") }

  private func listing(_ shelf: Shelf, _ request: Request) throws -> [UInt8] {
    let parameters = request.uri.queryParameters
    let query = Listing.Query(
      type: parameters["WFileType"].flatMap { Int($0) } ?? 0,
      date: parameters["WDate"].map(String.init) ?? "",
      store: parameters["WStore"].map(String.init) ?? "")
    let rounds = visibleRounds
    let admitted = shelf.files.filter { $0.round <= rounds && query.admits($0) }
    // Not in order of time: the newest come first only roughly, as on the real portal.
    let ordered = admitted.sorted { left, right in
      shuffleKey(left) < shuffleKey(right)
    }
    return try Listing.json(
      ordered.prefix(options.listingCap).map { row($0, shelf) }, shape: shelf.chain.listing)
  }

  private func shuffleKey(_ file: PortalFile) -> UInt64 {
    catalogue.dice.roll(.order, file.chain.ordinal, file.store, file.time.seconds, file.kind.portalType)
  }

  private func row(_ file: PortalFile, _ shelf: Shelf) -> Listing.Row {
    let chain = shelf.chain
    let name = file.name
    let revision = revision(of: file)
    let store = file.store < 0
      ? "0 \(chain.hebrewName)"
      : "\(file.storeID.drop { $0 == "0" }) \(SideXML.storeName(chain, file.store, catalogue.dice))"
    var row = Listing.Row(
      FileNm: name, Company: chain.hebrewName, Store: store, TypeFile: file.kind.hebrew,
      DateFile: (file.time + 300 + revision * 600).text("h:m D/M/Y"), PathLogo: "logo/\(chain.prefix).png")
    if chain.listing != .array { row.SPath = "/\(chain.prefix)/Download/\(name)" }
    if chain.listing == .wrapped {
      row.FileSize = state.size(of: "\(chain.prefix)/\(name)", revision: revision) {
        catalogue.bytes(of: file, revision: revision).count
      }
    }
    return row
  }

  private func addControl(to router: Router<BasicRequestContext>) {
    router.get("/_portal/sources") { _, _ in self.sources.joined(separator: "\n") + "\n" }
    router.post("/_portal/faults") { request, _ -> Response in
      let text = request.uri.queryParameters["fault"].map(String.init) ?? ""
      do {
        self.add(try Fault(text: text))
        return Response(status: .noContent)
      } catch {
        return self.plain(Answer(status: .badRequest, type: "text/plain", Array("\(error)\n".utf8)))
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
      guard let shelf = parameters["prefix"].flatMap({ self.shelves[String($0)] }),
        let file = parameters["name"].flatMap({ shelf.byName[String($0)] })
      else { return .notFound }
      self.republish(file)
      return .noContent
    }
  }
}
