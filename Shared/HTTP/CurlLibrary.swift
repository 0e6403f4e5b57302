import CCurl
import Glibc

/// libcurl's process-wide state, set up once.
enum CurlLibrary {
  private static let result: CURLcode = {
    // OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that hangs up must be an error, not our end.
    signal(SIGPIPE, SIG_IGN)
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT))
  }()

  static func start() throws(HTTPError) {
    guard result == CURLE_OK else {
      throw HTTPError(.internalFailure, "libcurl does not start: \(String(cString: curl_easy_strerror(result)))")
    }
  }
}
