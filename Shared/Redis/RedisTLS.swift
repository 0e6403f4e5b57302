import COpenSSL
import Core

import Glibc

/// TLS over a connected socket, by OpenSSL: Debian 12's hiredis (0.14) has none. The server's certificate is always
/// verified, against the system's authorities or a file, and for the host of the URL. Blocks, with the time-outs of
/// the socket.
final class RedisTLS {
  private let context: OpaquePointer
  private let session: OpaquePointer

  /// - Throws: `configuration` when the certificate is invalid or the server does not speak TLS; `transient` when the
  ///   connection breaks.
  init(over descriptor: Int32, host: String, certificateAuthorityFile: String?) throws(RedisError) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw Self.error("redis_out_of_memory", "no memory left")
    }
    guard let session = Self.prepared(context, certificateAuthorityFile).flatMap({ SSL_new($0) }) else {
      SSL_CTX_free(context)
      throw Self.error(
        "redis_ca_unreadable", "cannot read \(certificateAuthorityFile ?? "the system's certificate authorities")",
        ErrorClass(ofSetting: errno))
    }
    self.context = context
    self.session = session
    let isAddress = souk_ssl_expect_address(session, host) == 1
    guard isAddress || SSL_set1_host(session, host) == 1 && souk_ssl_name_server(session, host) == 1,
          SSL_set_fd(session, descriptor) == 1 else {
      throw Self.error("redis_tls", "cannot prepare TLS for \(host)", .fatal)
    }
    // A host name that is not an address leaves an error in the queue, which would be mistaken for the handshake's.
    ERR_clear_error()
    let code = SSL_connect(session)
    guard code == 1 else { throw handshakeFailure(code, host) }
  }

  private static func prepared(_ context: OpaquePointer, _ file: String?) -> OpaquePointer? {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    guard souk_ssl_require_tls12(context) == 1 else { return nil }
    let loaded = file.map { SSL_CTX_load_verify_locations(context, $0, nil) }
      ?? SSL_CTX_set_default_verify_paths(context)
    return loaded == 1 ? context : nil
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
  }

  /// Writes all bytes.
  func write(_ bytes: UnsafeRawBufferPointer, _ operation: String) throws(RedisError) {
    var rest = bytes
    while !rest.isEmpty {
      ERR_clear_error()
      let count = SSL_write(session, rest.baseAddress, Int32(clamping: rest.count))
      guard count > 0 else { throw failure(count, operation) }
      rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
    }
  }

  /// Reads at least one byte into `buffer`.
  func read(into buffer: UnsafeMutableRawBufferPointer, _ operation: String) throws(RedisError) -> Int {
    ERR_clear_error()
    let count = SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
    guard count > 0 else { throw failure(count, operation) }
    return Int(count)
  }

  private func handshakeFailure(_ code: Int32, _ host: String) -> RedisError {
    let result = SSL_get_verify_result(session)
    if result != Int(X509_V_OK) {
      let reason = X509_verify_cert_error_string(result).map { String(cString: $0) } ?? "verification failed"
      return Self.error(
        "redis_certificate_refused",
        "the certificate of \(host) is not trusted: \(reason); check the host of --redis-url and --redis-ca-file",
        .configuration)
    }
    let system = errno
    if SSL_get_error(session, code) == SSL_ERROR_SSL, system != ECONNRESET {
      return Self.error(
        "redis_tls_refused",
        "the server does not speak TLS as asked; write redis:// for one without, or check the port",
        .configuration)
    }
    return failure(code, "connect")
  }

  private func failure(_ code: Int32, _ operation: String) -> RedisError {
    let number = errno
    return switch SSL_get_error(session, code) {
    // A socket's time-out is reported like a socket that does not block.
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
      Self.error(
        "redis_timeout", operation == "connect" ? "no answer to the TLS handshake" : "no answer in time",
        operation: operation)
    case SSL_ERROR_ZERO_RETURN: Self.error("redis_closed", "the server closed the connection", operation: operation)
    case SSL_ERROR_SYSCALL where number == 0:
      Self.error("redis_closed", "the server closed the connection", operation: operation)
    case SSL_ERROR_SYSCALL: Self.error("redis_io", String(cString: strerror(number)), operation: operation)
    default: Self.error("redis_tls", "the TLS connection broke", operation: operation)
    }
  }

  private static func error(
    _ code: String, _ message: String, _ errorClass: ErrorClass = .transient, operation: String = "connect"
  ) -> RedisError {
    RedisError(code: code, errorClass, operation: operation, message: message)
  }
}
