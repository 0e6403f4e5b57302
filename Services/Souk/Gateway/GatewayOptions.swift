import ArgumentParser
import Core
import Foundation
import GatewayAPI

/// How to reach a gateway. Its addresses are the operator's, so private ones are fine.
struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the gateway is.", valueName: "url"))
  var gateway = "http://127.0.0.1:8000"

  @Option(help: ArgumentHelp("File with the bearer token, if the gateway asks for one.", valueName: "path"))
  var tokenFile: String?

  /// - Throws: `Failure` for a file or an address that cannot be read.
  func client() throws -> GatewayClient {
    try GatewayClient(gateway, token: try tokenFile.map { try Secret("file:\($0.absolute)").resolve() })
  }
}

extension String {
  fileprivate var absolute: String { URL(fileURLWithPath: NSString(string: self).expandingTildeInPath).path }
}
