import ArgumentParser
import Core
import Foundation
import HTTP

/// How to reach a gateway. Its addresses are the operator's, so private ones are fine.
struct GatewayClient: ParsableArguments {
  @Option(help: ArgumentHelp("Where the gateway is.", valueName: "url"))
  var gateway = "http://127.0.0.1:8000"

  @Option(help: ArgumentHelp("File with the bearer token, if the gateway asks for one.", valueName: "path"))
  var tokenFile: String?

  /// - Parameters:
  ///   - path: behind `/api/v1`, encoded.
  /// - Returns: nil for an answer without a body.
  /// - Throws: `Failure` with what the gateway says of a refusal; `HTTPError` when it does not answer.
  func send(_ method: String, _ path: String) async throws -> [UInt8]? {
    let client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "gateway"))
    defer { client.close() }
    var base = gateway
    while base.hasSuffix("/") { base.removeLast() }
    var request = HTTPRequest(method, try HTTPURL("\(base)/api/v1\(path)"))
    request.limits.totalTime = .seconds(30)
    if let tokenFile {
      request.headers.add("Authorization", "Bearer \(try Secret("file:\(tokenFile.absolute)").resolve())")
    }
    let answer = try await client.execute(request)
    guard !(200..<300).contains(answer.head.status) else { return answer.body.isEmpty ? nil : answer.body }
    let problem = try? JSONDecoder().decode(Refusal.self, from: Data(answer.body))
    throw Failure(
      answer.head.status >= 500 ? .transient : .data, code: problem?.code ?? "gateway_refused",
      "\(gateway) answers \(answer.head.status): \(problem?.detail ?? "nothing more")")
  }

  private struct Refusal: Decodable {
    var code: String
    var detail: String
  }
}

extension String {
  fileprivate var absolute: String { URL(fileURLWithPath: NSString(string: self).expandingTildeInPath).path }
}
