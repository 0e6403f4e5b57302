/// How to reach a Redis and how long to wait for it.
package struct RedisConfiguration: Hashable, Sendable {
  package var url: RedisURL
  package var connectTimeout: Duration
  /// The longest wait for the bytes of one reply.
  package var timeout: Duration
  /// Commands on their way before their replies are read; bounds the memory of both sides.
  package var pipelineDepth: Int
  /// PEM file of the authorities to trust for `rediss://` instead of the system's.
  package var certificateAuthorityFile: String?
  /// Sent by CLIENT SETNAME, so that `CLIENT LIST` tells the services apart.
  package var clientName: String?

  package init(
    url: RedisURL, connectTimeout: Duration = .seconds(5), timeout: Duration = .seconds(5), pipelineDepth: Int = 1_000,
    clientName: String? = nil
  ) {
    precondition(pipelineDepth > 0, "a pipeline holds at least one command")
    self.url = url
    self.connectTimeout = connectTimeout
    self.timeout = timeout
    self.pipelineDepth = pipelineDepth
    self.clientName = clientName
  }
}
