import HTTP

/// A client that may fetch from 127.0.0.1 only; the machine's other addresses stay refused.
func makeClient(
  allowing networks: [String] = ["127.0.0.1"], proxy: String? = nil, maxPerOrigin: Int = 0
) throws -> HTTPClient {
  try HTTPClient(HTTPConfiguration(
    addresses: AddressPolicy(allowed: networks.compactMap { IPNetwork($0) }), userAgent: "souk-tests", proxy: proxy,
    maxPerOrigin: maxPerOrigin))
}

/// The error that `body` throws, as an `HTTPError`.
func httpError(_ body: () async throws -> Void) async -> HTTPError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? HTTPError
  }
}
