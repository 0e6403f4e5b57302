import CCurl
import Glibc

/// One hop: one easy handle from start to end. After `init` only libcurl's thread touches it, callbacks included.
final class Transfer: @unchecked Sendable {
  let id: UInt64
  let request: HTTPRequest
  let configuration: HTTPConfiguration
  /// What is left of the request's total time.
  let timeLeft: Duration
  let body: HTTPBody

  typealias EasyHandle = UnsafeMutableRawPointer
  private var easy: EasyHandle?
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  /// Why a callback ended the transfer: it says more than libcurl's "failed writing".
  private var failure: HTTPError?
  private var refusedAddress: String?
  private var triedAllowedAddress = false
  private var refusedDataConnection = false

  private var headers = HTTPHeaders()
  private var status = 0
  private var headerBytes = 0
  private var headDelivered = false
  private var bodyBytes = 0
  private var sentBytes = 0

  init(id: UInt64, request: HTTPRequest, configuration: HTTPConfiguration, timeLeft: Duration, body: HTTPBody) {
    self.id = id
    self.request = request
    self.configuration = configuration
    self.timeLeft = timeLeft
    self.body = body
    errorText[0] = 0
  }

  deinit {
    errorText.deallocate()
    curl_slist_free_all(headerList)
  }

  /// Sets every option of a fresh handle.
  /// - Returns: nil, or why the request cannot be made.
  func prepare(_ easy: EasyHandle) -> HTTPError? {
    self.easy = easy
    let results = [
      setTarget(easy), setLimits(easy), setTrust(easy), setCallbacks(easy),
    ] + (request.ftp.map { [Self.setFTP(easy, $0, timeLeft: timeLeft)] } ?? [setHeaders(easy), setUpload(easy)])
    guard let code = results.first(where: { $0 != CURLE_OK }) else { return nil }
    return failure ?? HTTPError(curl: code, detail: "", url: request.url, limits: request.limits)
  }

  func resume() {
    guard let easy else { return }
    curl_easy_pause(easy, CURLPAUSE_CONT)
  }

  /// Tells the consumer how it ended. Called exactly once.
  func finish(_ code: CURLcode) {
    easy = nil
    if let failure {
      body.finish(.failure(failure))
    } else if code == CURLE_OK {
      if request.ftp != nil { deliverFTPHead() }
      body.finish(.success(()))
    } else if let refusedAddress, code != CURLE_OPERATION_TIMEDOUT,
      code == CURLE_COULDNT_CONNECT && !triedAllowedAddress || refusedDataConnection {
      body.finish(.failure(HTTPError(.addressRefused, refusedAddress, url: request.url)))
    } else {
      body.finish(.failure(HTTPError(
        curl: code, detail: String(cString: errorText), url: request.url, limits: request.limits)))
    }
  }

  func finish(_ error: any Error) {
    easy = nil
    body.finish(.failure(error))
  }

  // MARK: - options

  private func setTarget(_ easy: EasyHandle) -> CURLcode {
    first(
      curl_set_string(easy, CURLOPT_URL, request.url.text),
      curl_set_long(easy, CURLOPT_PATH_AS_IS, 1),
      // Redirects are followed by HTTPClient, one checked hop at a time.
      curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
      curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
      setProtocol(easy),
      // "" also keeps http_proxy of the environment from deciding where our traffic goes.
      curl_set_string(easy, CURLOPT_PROXY, configuration.proxy ?? ""),
      curl_set_string(easy, CURLOPT_USERAGENT, configuration.userAgent))
  }

  private func setProtocol(_ easy: EasyHandle) -> CURLcode {
    guard configuration.protocols == .http2, request.url.scheme == "https" else {
      return curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    }
    return first(
      curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)),
      // A request that finds a connection being opened waits to share it instead of opening another.
      curl_set_long(easy, CURLOPT_PIPEWAIT, 1))
  }

  private func setLimits(_ easy: EasyHandle) -> CURLcode {
    let limits = request.limits
    return first(
      // 0 would mean "no limit" to libcurl.
      curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, limits.connectTime.wholeMilliseconds)),
      curl_set_long(easy, CURLOPT_TIMEOUT_MS, max(1, timeLeft.wholeMilliseconds)),
      guardSpeed(easy, while: request.body.length > 0),
      // Every transfer in flight has these to itself: what may wait for a consumer bounds them too.
      curl_set_long(easy, CURLOPT_BUFFERSIZE, limits.pieceBytes),
      curl_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, limits.pieceBytes),
      // Else the end of a transfer waits for the thread that resolves its name, and every other transfer with it.
      curl_set_long(easy, CURLOPT_QUICK_EXIT, 1),
      curl_set_long(easy, CURLOPT_NOSIGNAL, 1),
      curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1))
  }

  /// The guard against slow transfers counts while bytes should flow: while a body is sent, and from the answer's
  /// status line (FTP: from the first byte of data) on. How long a server thinks is bounded by the total time alone.
  private func guardSpeed(_ easy: EasyHandle, while isOn: Bool) -> CURLcode {
    first(
      // libcurl counts the seconds below the limit from when it is set; 0 ends the count.
      curl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, isOn ? request.limits.lowSpeed : 0),
      curl_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(request.limits.lowSpeedTime.components.seconds))))
  }

  private func guardSpeed(while isOn: Bool) {
    if let easy { _ = guardSpeed(easy, while: isOn) }
  }

  private func setTrust(_ easy: EasyHandle) -> CURLcode {
    guard let file = configuration.certificateAuthorityFile else { return CURLE_OK }
    return first(
      curl_set_string(easy, CURLOPT_CAINFO, file), curl_set_string(easy, CURLOPT_PROXY_CAINFO, file),
      // Else libcurl goes on with what it read a day ago, whatever the file holds since.
      curl_set_long(easy, CURLOPT_CA_CACHE_TIMEOUT, 0))
  }

  private func setCallbacks(_ easy: EasyHandle) -> CURLcode {
    let context = Unmanaged.passUnretained(self).toOpaque()
    return first(
      curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText),
      curl_set_pointer(easy, CURLOPT_WRITEDATA, context),
      curl_set_write(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
        Transfer.at(context).receive(body: UnsafeRawBufferPointer(start: data, count: size * count))
      },
      curl_set_pointer(easy, CURLOPT_HEADERDATA, context),
      curl_set_write(easy, CURLOPT_HEADERFUNCTION) { data, size, count, context in
        Transfer.at(context).receive(header: UnsafeRawBufferPointer(start: data, count: size * count))
      },
      curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, context),
      curl_set_opensocket(easy, CURLOPT_OPENSOCKETFUNCTION) { context, _, address in
        guard let address else { return CURL_SOCKET_BAD }
        return Transfer.at(context).openSocket(address)
      })
  }

  private func setHeaders(_ easy: EasyHandle) -> CURLcode {
    guard request.headers.areSafeToSend else {
      failure = HTTPError(.requestRefused, "a request header holds a line break or a control character",
                          url: request.url)
      return CURLE_BAD_FUNCTION_ARGUMENT
    }
    // Without this libcurl may wait a second for a "100 Continue" that many servers never send.
    var list = curl_slist_append(nil, "Expect:")
    for field in request.headers.fields {
      list = curl_slist_append(list, field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
    }
    headerList = list
    return curl_set_list(easy, CURLOPT_HTTPHEADER, list)
  }

  private func setUpload(_ easy: EasyHandle) -> CURLcode {
    let hasBody = if case .none = request.body { false } else { true }
    guard hasBody || request.method == "PUT" || request.method == "POST" else {
      return request.method == "HEAD"
        ? curl_set_long(easy, CURLOPT_NOBODY, 1) : curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }
    let context = Unmanaged.passUnretained(self).toOpaque()
    return first(
      curl_set_long(easy, CURLOPT_UPLOAD, 1),
      curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method),
      curl_set_off(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.body.length)),
      curl_set_pointer(easy, CURLOPT_READDATA, context),
      curl_set_read(easy, CURLOPT_READFUNCTION) { data, size, count, context in
        Transfer.at(context).send(into: UnsafeMutableRawBufferPointer(start: data, count: size * count))
      },
      // A reused connection may turn out dead after the first bytes: libcurl rewinds and sends again.
      curl_set_pointer(easy, CURLOPT_SEEKDATA, context),
      curl_set_seek(easy, CURLOPT_SEEKFUNCTION) { context, offset, origin in
        guard origin == SEEK_SET else { return Int32(CURL_SEEKFUNC_CANTSEEK) }
        let transfer = Transfer.at(context)
        transfer.sentBytes = Int(offset)
        transfer.guardSpeed(while: true)
        return Int32(CURL_SEEKFUNC_OK)
      })
  }

  private func first(_ codes: CURLcode...) -> CURLcode { codes.first { $0 != CURLE_OK } ?? CURLE_OK }

  private static func at(_ context: UnsafeMutableRawPointer?) -> Transfer {
    Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
  }

  // MARK: - callbacks

  /// The address check, at the one place where it cannot be evaded: here libcurl says which address it is
  /// about to connect to, whatever the name resolved to before. A reused connection was checked when it opened.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
    if configuration.proxy == nil {
      // The struct ends in a `sockaddr` that stands for a longer one.
      guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr),
            let ip = IPAddress(family: address.pointee.family, sockaddr: UnsafeRawPointer(address) + offset) else {
        refusedAddress = "the server has an address that is neither IPv4 nor IPv6"
        return CURL_SOCKET_BAD
      }
      if let refusal = configuration.addresses.refusal(of: ip) {
        refusedAddress = "\(ip) is a \(refusal) address; --allow-network \(ip) or --allow-private-addresses lets "
          + "it be fetched"
        // An FTP server has greeted: this is the address it names for the data.
        refusedDataConnection = request.ftp != nil && headerBytes > 0
        return CURL_SOCKET_BAD
      }
    }
    triedAllowedAddress = true
    return socket(
      address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
  }

  private func receive(header bytes: UnsafeRawBufferPointer) -> Int {
    headerBytes += bytes.count
    guard headerBytes <= request.limits.maxHeaderBytes else {
      return fail(.headersTooLarge, "more than \(request.limits.maxHeaderBytes) bytes of headers")
    }
    // An FTP server's remarks: libcurl acts on them.
    if request.ftp != nil { return bytes.count }
    // Trailers come after the body; nothing here reads them.
    if headDelivered { return bytes.count }
    let line = HeaderLine(bytes)
    switch line {
    case .status(let status):
      // A new status line: what came before was an interim answer (100, 103) or a proxy's.
      self.status = status
      headers = HTTPHeaders()
      if status >= 200 { guardSpeed(while: true) }
    case .field(let name, let value):
      headers.add(name, value)
    case .end where status >= 200:
      headDelivered = true
      let head = HTTPResponseHead(status: status, headers: headers, url: request.url)
      if head.isSuccess, request.method != "HEAD", let length = head.contentLength,
         length > request.limits.maxBodyBytes {
        return fail(.bodyTooLarge, "the body is \(length) bytes, the limit \(request.limits.maxBodyBytes)")
      }
      body.deliver(head: head)
    case .end, .other:
      break
    }
    return bytes.count
  }

  /// FTP knows no headers; its transfers begin as a plain 200 does.
  private func deliverFTPHead() {
    guard !headDelivered else { return }
    headDelivered = true
    status = 200
    guardSpeed(while: true)
    body.deliver(head: HTTPResponseHead(status: 200, headers: [:], url: request.url))
  }

  private func receive(body bytes: UnsafeRawBufferPointer) -> Int {
    if request.ftp != nil { deliverFTPHead() }
    guard headDelivered else { return fail(.malformedResponse, "a body came before the end of the headers") }
    guard bodyBytes + bytes.count <= request.limits.maxBodyBytes else {
      // An endless error page must not turn "try again" into "too large".
      return (200...299).contains(status)
        ? fail(.bodyTooLarge, "the body is longer than the limit of \(request.limits.maxBodyBytes) bytes")
        : fail(.status(status), "the server answered \(status) with an oversized body")
    }
    guard body.offer(bytes) else { return Int(CURL_WRITEFUNC_PAUSE) }
    bodyBytes += bytes.count
    return bytes.count
  }

  private func send(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, request.body.length - sentBytes)
    guard count > 0 else { return 0 }
    switch request.body {
    case .none:
      return 0
    case .bytes(let bytes):
      bytes.withUnsafeBytes { whole in
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: whole[sentBytes..<sentBytes + count]))
      }
      sentBytes += count
      if sentBytes == request.body.length { guardSpeed(while: false) }
      return count
    case .file(let descriptor, let offset, _):
      let read = pread(descriptor, buffer.baseAddress, count, off_t(offset + sentBytes))
      guard read > 0 else {
        let why = read == 0 ? "it is shorter than declared" : String(cString: strerror(errno))
        _ = fail(.internalFailure, "cannot read the file that is being sent: \(why)")
        return Int(CURL_READFUNC_ABORT)
      }
      sentBytes += read
      if sentBytes == request.body.length { guardSpeed(while: false) }
      return read
    }
  }

  private func fail(_ kind: HTTPError.Kind, _ message: String) -> Int {
    failure = HTTPError(kind, message, url: request.url)
    return 0
  }
}

extension Duration {
  /// Milliseconds, rounded up, as libcurl counts time.
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
