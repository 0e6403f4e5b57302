import CCurl

extension Transfer {
  /// What makes a transfer one by FTP.
  /// - Parameter timeLeft: of the request; a server may take as long to answer a command.
  static func setFTP(_ easy: EasyHandle, _ request: FTPRequest, timeLeft: Duration) -> CURLcode {
    let security = request.url.requiresTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE
    var results = [
      curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "ftp"),
      curl_set_long(easy, CURLOPT_USE_SSL, Int(security.rawValue)),
      // The address of the data connection is the one the server names: see `openSocket` for its check.
      curl_set_long(easy, CURLOPT_FTP_USE_EPSV, 0),
      curl_set_long(easy, CURLOPT_FTP_SKIP_PASV_IP, 0),
      curl_set_off(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(min(request.limits.maxBodyBytes, 1 << 62))),
      curl_set_long(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, Int(timeLeft.components.seconds))),
      // A proxy that speaks HTTP would make a web page of a folder.
      curl_set_long(easy, CURLOPT_HTTPPROXYTUNNEL, 1),
    ]
    if let login = request.login {
      guard login.isSafeToSend else { return CURLE_LOGIN_DENIED }
      results += [
        curl_set_string(easy, CURLOPT_USERNAME, login.user), curl_set_string(easy, CURLOPT_PASSWORD, login.password),
      ]
    }
    switch request.action {
    case .retrieve: break
    case .listFacts: results.append(curl_set_string(easy, CURLOPT_CUSTOMREQUEST, "MLSD"))
    case .listNames: results.append(curl_set_long(easy, CURLOPT_DIRLISTONLY, 1))
    }
    return results.first { $0 != CURLE_OK } ?? CURLE_OK
  }
}
