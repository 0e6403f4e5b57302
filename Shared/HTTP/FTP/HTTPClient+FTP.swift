extension HTTPClient {
  /// Carries out `request` and hands what comes over the data connection to `consume` as it arrives, within the same
  /// limits, address checks and places per host as `stream(_:_:)`.
  ///
  /// The data connection goes to the address that the server names (PASV): servers behind a balancer need that. It
  /// is checked like every other address. A file is complete when the server says so and the size it announced,
  /// if any, was received.
  /// - Throws: `HTTPError`, `CancellationError`, what `consume` throws.
  package func stream<T: Sendable>(
    _ request: FTPRequest, _ consume: (HTTPBody) async throws -> T
  ) async throws -> T {
    guard request.url.isFolder == (request.action != .retrieve) else {
      throw HTTPError(.urlRefused, "a file's URL cannot end in a slash, a folder's must", url: request.url.location)
    }
    var plan = HTTPRequest("FTP", request.url.location, limits: request.limits)
    plan.limits.maxRedirects = 0
    plan.ftp = request
    return try await stream(plan) { _, body in try await consume(body) }
  }
}
