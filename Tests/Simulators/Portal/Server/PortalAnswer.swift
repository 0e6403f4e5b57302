import Core
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer

/// A route's answer before a fault changes how it is sent.
struct PortalAnswer: Sendable {
  var status: HTTPResponse.Status
  var type: String
  var bytes: [UInt8]
  /// Beside the type.
  var headers: HTTPFields = [:]

  init(status: HTTPResponse.Status = .ok, type: String, _ bytes: [UInt8]) {
    self.status = status
    self.type = type
    self.bytes = bytes
  }

  init(json: [UInt8]) { self.init(type: "application/json; charset=utf-8", json) }
  init(html: String) { self.init(type: "text/html; charset=utf-8", Array(html.utf8)) }

  static let notFound = PortalAnswer(
    status: .notFound, type: "text/html", Array("<html><body>404</body></html>".utf8))
  /// What a signed link answers after its time.
  static let expiredLink = PortalAnswer(
    status: .forbidden, type: "application/xml",
    Array("<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>".utf8))
  /// The answer of a site behind Cloudflare to clients that do not look like browsers.
  static let blocked = PortalAnswer(
    status: .forbidden, type: "text/html", Array("<html><title>Just a moment...</title></html>".utf8))
  static let login = PortalAnswer(
    html: "<!DOCTYPE html>\r\n<html><head><title>Login</title></head><body><form action=\"/login\">"
      + "<input name=\"username\"/><input name=\"password\" type=\"password\"/></form></body></html>")
}

extension PortalSimulator {
  /// Answers one request about the chain named in its path, misbehaving where a fault says so.
  /// - Parameter make: makes the answer. It gets the active fault, for faults that change the content (an empty
  ///   listing, other columns, other bytes); faults that change how it is sent are applied here.
  func answer(
    _ target: Fault.Target, _ request: Request, _ parameters: PathParameters,
    _ make: (PublishedChain, Fault.Mode?) throws -> PortalAnswer
  ) async throws -> Response {
    guard let prefix = parameters["prefix"], let published = publishedChains[prefix] else {
      return Response(status: .notFound)
    }
    var fault = state.fault(for: target, prefix: prefix)
    if let text = request.uri.queryParameters["fault"] { fault = try? Fault(text: String(text)) }
    switch fault?.mode {
    case .slow: return slow(try make(published, nil))
    case .truncated: return truncated(try make(published, nil))
    case .rateLimit:
      var response = plain(PortalAnswer(status: .tooManyRequests, type: "text/plain", Array("slow down".utf8)))
      response.headers[.retryAfter] = String(fault?.retryAfter ?? 1)
      return response
    case .serverError:
      let page = "<html><body>Server Error in '/' Application.</body></html>"
      return plain(PortalAnswer(status: .internalServerError, type: "text/html", Array(page.utf8)))
    case .loginPage: return plain(.login)
    case .expiredLink: return plain(.expiredLink)
    case let mode: return plain(try make(published, mode))
    }
  }

  /// The bytes of a file under its name, as any portal of the chain serves them.
  func download(_ name: String?, from published: PublishedChain, _ mode: Fault.Mode?) -> PortalAnswer {
    guard let name, let file = visible(name, on: published) else { return .notFound }
    let type = "application/octet-stream"
    switch mode {
    case .zipped:
      let xml = catalogue.xml(of: file)
      return PortalAnswer(type: type, Packer.zip(xml, name: "\(file.name.prefix { $0 != "." }).xml"))
    case .brokenGzip:
      var bytes = Packer.gzip(catalogue.xml(of: file))
      // The middle of the deflate stream; the header stays good.
      for index in bytes.count / 2..<min(bytes.count, bytes.count / 2 + 16) { bytes[index] ^= 0xff }
      return PortalAnswer(type: type, bytes)
    default: return PortalAnswer(type: type, catalogue.bytes(of: file, revision: revision(of: file)))
    }
  }

  func plain(_ answer: PortalAnswer) -> Response {
    var headers = answer.headers
    headers[.contentType] = answer.type
    return Response(status: answer.status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: answer.bytes)))
  }

  private func slow(_ answer: PortalAnswer) -> Response {
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

  private func truncated(_ answer: PortalAnswer) -> Response {
    Response(
      status: answer.status, headers: [.contentType: answer.type],
      body: .init(contentLength: answer.bytes.count) { writer in
        try await writer.write(ByteBuffer(bytes: answer.bytes.prefix(answer.bytes.count / 2)))
        throw Failure(.transient, code: "truncated", "half of the body, as asked")
      })
  }
}
