import CRdKafka
import Synchronization

import Glibc

/// Why the certificates of a client's brokers were refused. librdkafka only says that one was; a
/// callback receives OpenSSL's number for the reason, and leaves the outcome as it is.
final class CertificateErrors: Sendable {
  private let last = Mutex<String?>(nil)

  var lastRefusal: String? { last.withLock { $0 } }

  /// The object has to outlive every client made of the configuration. Sets the configuration's opaque pointer.
  func attach(to conf: OpaquePointer) {
    rd_kafka_conf_set_opaque(conf, Unmanaged.passUnretained(self).toOpaque())
    // Refused by a library without TLS, which then refuses security.protocol as well.
    rd_kafka_conf_set_ssl_cert_verify_cb(conf) { _, _, _, number, _, _, _, text, size, opaque in
      guard let number, number.pointee != 0 else { return 1 }
      let reason = CertificateErrors.reason(number.pointee)
      if let text, size > 0 { _ = reason.withCString { strncpy(text, $0, size - 1) } }
      if let opaque {
        Unmanaged<CertificateErrors>.fromOpaque(opaque).takeUnretainedValue().last.withLock { $0 = reason }
      }
      return 0
    }
  }

  /// OpenSSL's X509_V_ERR_* numbers (x509_vfy.h), in its words.
  static func reason(_ number: Int32) -> String {
    switch number {
    case 9: "certificate is not yet valid"
    case 10: "certificate has expired"
    case 18: "self-signed certificate"
    case 19: "self-signed certificate in certificate chain"
    case 20, 21: "unable to get local issuer certificate"
    case 23: "certificate revoked"
    case 62: "hostname mismatch"
    case 64: "IP address mismatch"
    default: "OpenSSL verification error \(number)"
    }
  }
}
