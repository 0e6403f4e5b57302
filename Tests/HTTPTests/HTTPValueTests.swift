import CCurl
import Core
@testable import HTTP
import Testing

@Suite struct HTTPURLTests {
  @Test func readsThePartsAndDropsTheFragment() throws {
    let url = try HTTPURL("HTTP://Example.com:8080/a/b?x=1#frag")
    #expect(url.scheme == "http" && url.host.lowercased() == "example.com" && url.port == 8080)
    #expect(url.path == "/a/b" && url.query == "x=1")
    #expect(!url.text.contains("frag"))
    #expect(try HTTPURL("https://example.com").path == "/")
    #expect(try HTTPURL("https://example.com").port == 443)
  }

  @Test func encodesHebrewAndBlanks() throws {
    let url = try HTTPURL("https://example.com/a b?wReshet=הכל")
    #expect(url.text.lowercased() == "https://example.com/a%20b?wreshet=%d7%94%d7%9b%d7%9c")
  }

  @Test(arguments: [
    "ftp://example.com/a", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)", "", "/relative",
    "http://", "http://user:secret@example.com/", "http://exa mple.com/", "http://example.com:0/",
    "http://example.com:99999/", "http://a\u{0}b/", "http://example.com/\u{7}",
  ])
  func refusesEverythingElse(_ text: String) {
    #expect { try HTTPURL(text) } throws: { ($0 as? HTTPError)?.kind == .urlRefused }
  }

  @Test func errorsAndDescriptionsNeverShowQueriesOrCredentials() throws {
    let url = try HTTPURL("https://example.com/f.gz?sig=TOPSECRET")
    #expect(!"\(url)".contains("TOPSECRET"))
    #expect(!"\(HTTPError(.status(403), "no", url: url))".contains("TOPSECRET"))
    do {
      _ = try HTTPURL("http://user:TOPSECRET@example.com/")
      Issue.record("credentials were accepted")
    } catch {
      #expect(!"\(error)".contains("TOPSECRET"))
    }
  }

  @Test func relativeReferencesFollowRFC3986() throws {
    let base = try HTTPURL("http://a/b/c/d;p?q")
    // Section 5.4.1, those that stay http and have no fragment.
    for (reference, expected) in [
      ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
      ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("..", "http://a/b/"),
      ("../g", "http://a/b/g"), ("../../g", "http://a/g"), ("https://other/x", "https://other/x"),
    ] {
      #expect(try base.resolving(reference).text == expected, "\(reference)")
    }
  }

  @Test func aHostHeaderNamesThePortOnlyWhenItIsNotTheUsualOne() throws {
    #expect(try HTTPURL("http://h:80/").hostHeader == "h")
    #expect(try HTTPURL("https://h/").hostHeader == "h")
    #expect(try HTTPURL("https://h:80/").hostHeader == "h:80")
    #expect(try HTTPURL("http://[::1]:8333/").hostHeader == "[::1]:8333")
    #expect(try HTTPURL("http://[::1]:8333/").host == "::1")
  }

  @Test func numericHostsAreReadAsTheKernelWould() throws {
    // The forms in which loopback hides from a check of the text.
    #expect(try HTTPURL("http://2130706433/").host == "127.0.0.1")
    #expect(try HTTPURL("http://0x7f.1/").host == "127.0.0.1")
  }
}

@Suite struct RetryAfterTests {
  @Test func secondsAndDates() {
    #expect(RetryAfter.delay("120") == .seconds(120))
    #expect(RetryAfter.delay("0") == .zero)
    // RFC 9110's example date is 784111777.
    #expect(RetryAfter.delay("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_770) == .seconds(7))
    #expect(RetryAfter.delay("Sunday, 06-Nov-94 08:49:37 GMT", now: 784_111_770) == .seconds(7))
    #expect(RetryAfter.delay("Sun Nov  6 08:49:37 1994", now: 784_111_770) == .seconds(7))
    #expect(RetryAfter.delay("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_999) == .zero)
  }

  @Test(arguments: ["", "-5", "1.5", "soon", "12 monkeys?"])
  func nonsenseIsNoDelay(_ text: String) {
    #expect(RetryAfter.delay(text, now: 0) == nil)
  }

  @Test func aHugeNumberDoesNotOverflow() {
    #expect(RetryAfter.delay("99999999999999999999999") != nil)
  }
}

@Suite struct HTTPErrorTests {
  @Test func statusesFallIntoTheirClasses() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
      #expect(HTTPError(.status(status), "").errorClass == .transient, "\(status)")
    }
    for status in [300, 304, 400, 401, 403, 404, 410, 413, 422] {
      #expect(HTTPError(.status(status), "").errorClass == .data, "\(status)")
    }
    #expect(HTTPError(.status(404), "").code == "http_404")
  }

  @Test func librariesCodesFallIntoTheirClasses() throws {
    let url = try HTTPURL("http://h/")
    func kind(_ code: UInt32, _ detail: String = "") -> HTTPError.Kind {
      HTTPError(curl: CURLcode(code), detail: detail, url: url, limits: HTTPLimits()).kind
    }
    // Numbers of curl.h: part of libcurl's ABI.
    let table: [(UInt32, HTTPError.Kind, ErrorClass)] = [
      (6, .nameUnresolved, .transient), (7, .connectFailed, .transient), (18, .truncatedBody, .transient),
      (28, .timedOut, .transient), (35, .tlsFailed, .transient), (52, .connectionLost, .transient),
      (55, .connectionLost, .transient), (56, .connectionLost, .transient), (60, .certificateRefused, .transient),
      (77, .certificateAuthorityUnreadable, .configuration), (5, .nameUnresolved, .transient),
      (97, .proxyFailed, .configuration), (3, .urlRefused, .data), (27, .internalFailure, .fatal),
      (43, .internalFailure, .fatal), (48, .internalFailure, .fatal),
    ]
    for (code, expected, errorClass) in table {
      #expect(kind(code) == expected, "\(code)")
      #expect(HTTPError(expected, "").errorClass == errorClass, "\(code)")
    }
    #expect(kind(28, "Operation too slow. Less than 10 bytes/sec") == .tooSlow)
  }
}

@Suite struct HTTPHeadersTests {
  @Test func namesCompareWithoutCaseAndRepeat() {
    var headers: HTTPHeaders = ["Set-Cookie": "a", "set-cookie": "b"]
    #expect(headers.all("SET-COOKIE") == ["a", "b"])
    headers["set-cookie"] = "c"
    #expect(headers.all("Set-Cookie") == ["c"])
    headers["set-cookie"] = nil
    #expect(headers["set-cookie"] == nil)
  }

  @Test func whatCouldSmuggleALineIsNotSafe() {
    for (name, value) in [("a", "b\r\nx: y"), ("a\r\nb", "c"), ("", "b"), ("a b", "c"), ("a:", "c"), ("a", "\u{0}")] {
      #expect(!HTTPHeaders(dictionaryLiteral: (name, value)).areSafeToSend)
    }
    #expect((["X-Ok": "tab\tand שלום"] as HTTPHeaders).areSafeToSend)
  }

  @Test func headLinesAreReadAsTheyCome() {
    func line(_ text: String) -> HeaderLine { Array(text.utf8).withUnsafeBytes { HeaderLine($0) } }
    #expect(line("HTTP/1.1 404 Not Found\r\n") == .status(404))
    #expect(line("HTTP/1.0 200\r\n") == .status(200))
    #expect(line("HTTP/1.1 abc\r\n") == .other)
    #expect(line("Content-Type:\t text/html \r\n") == .field(name: "Content-Type", value: "text/html"))
    #expect(line("Empty:\r\n") == .field(name: "Empty", value: ""))
    #expect(line("\r\n") == .end)
    #expect(line("nonsense\r\n") == .other)
  }
}

@Suite struct RedirectTests {
  private func decide(
    _ status: Int, _ location: String?, method: String = "GET", from: String = "https://a/b", hops: Int = 0
  ) throws -> Redirect {
    var headers = HTTPHeaders()
    headers["location"] = location
    let request = HTTPRequest(method, try HTTPURL(from))
    return try Redirect.decide(
      request, HTTPResponseHead(status: status, headers: headers, url: request.url), hops: hops)
  }

  @Test func onlyRealRedirectsOfReadingRequestsAreFollowed() throws {
    for status in [301, 302, 303, 307, 308] { #expect(try decide(status, "/c") == .follow(HTTPURL("https://a/c"))) }
    #expect(try decide(304, "/c") == .stay)
    #expect(try decide(200, "/c") == .stay)
    #expect(try decide(302, nil) == .stay)
    #expect(try decide(302, "/c", method: "POST") == .stay)
  }

  @Test func limitsSchemesAndDowngradesAreRefused() {
    #expect { try decide(302, "/c", hops: 5) } throws: { ($0 as? HTTPError)?.kind == .tooManyRedirects }
    for location in ["file:///etc/passwd", "ftp://x/", "http://a/b", "https://u:p@a/"] {
      #expect { try decide(302, location) } throws: { ($0 as? HTTPError)?.kind == .urlRefused }
    }
  }

  @Test func anotherOriginGetsNoCredentials() throws {
    let request = HTTPRequest(
      "GET", try HTTPURL("https://a/"), headers: ["Authorization": "x", "Cookie": "y", "X-Other": "z"])
    #expect(Redirect.next(request, to: try HTTPURL("https://a/c")).headers["cookie"] == "y")
    let other = Redirect.next(request, to: try HTTPURL("https://a:444/c"))
    #expect(other.headers.fields.map(\.name) == ["X-Other"])
  }
}
