import CCurl

extension HTTPError.Kind {
  /// The closed table of libcurl's results. A code that is not named here is `.internalFailure`: what it
  /// means is unknown, so it must lead neither to a retry nor to a dropped record.
  init(curl code: CURLcode) {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .nameUnresolved
    case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_NO_CONNECTION_AVAILABLE: self = .connectFailed
    case CURLE_OPERATION_TIMEDOUT: self = .timedOut
    case CURLE_PARTIAL_FILE: self = .truncatedBody
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND, CURLE_AGAIN,
         CURLE_UNRECOVERABLE_POLL:
      self = .connectionLost
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2,
         CURLE_HTTP2_STREAM, CURLE_FTP_WEIRD_PASS_REPLY, CURLE_FTP_WEIRD_PASV_REPLY, CURLE_FTP_WEIRD_227_FORMAT,
         CURLE_FTP_CANT_GET_HOST, CURLE_FTP_COULDNT_SET_TYPE:
      self = .malformedResponse
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_SHUTDOWN_FAILED: self = .tlsFailed
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
         CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
      self = .certificateRefused
    case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_NOTFOUND,
         CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED:
      self = .certificateAuthorityUnreadable
    case CURLE_PROXY: self = .proxyFailed
    // A server that is busy answers so too; one that lacks the file has a code of its own.
    case CURLE_FTP_COULDNT_RETR_FILE: self = .retrievalFailed
    case CURLE_REMOTE_FILE_NOT_FOUND, CURLE_REMOTE_ACCESS_DENIED: self = .notFound
    case CURLE_LOGIN_DENIED: self = .loginRefused
    case CURLE_URL_MALFORMAT: self = .urlRefused
    case CURLE_FILESIZE_EXCEEDED: self = .bodyTooLarge
    case CURLE_TOO_MANY_REDIRECTS: self = .tooManyRedirects
    default: self = .internalFailure
    }
  }
}

extension HTTPError {
  /// - Parameter detail: libcurl's own text for this transfer; it holds hosts and numbers, never a query.
  init(curl code: CURLcode, detail: String, url: HTTPURL, limits: HTTPLimits) {
    var kind = Kind(curl: code)
    // Each TLS connection reads the authorities anew: without a descriptor left, libcurl blames their file.
    if kind == .certificateAuthorityUnreadable, FileAccess.isOutOfDescriptors { kind = .connectFailed }
    // One code covers both time limits of libcurl; only the text tells them apart, and what to do differs.
    if kind == .timedOut, detail.hasPrefix("Operation too slow") {
      self.init(.tooSlow, "slower than \(limits.lowSpeed) bytes/s for \(limits.lowSpeedTime), given up", url: url)
      return
    }
    let text = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
    self.init(kind, text, url: url)
  }
}
