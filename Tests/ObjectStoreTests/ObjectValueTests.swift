import ArgumentParser
import Core
import HTML
@testable import HTTP
@testable import ObjectStore
@testable import ObjectStoreFlags
import Testing
import TestSupport

import Glibc

@Suite struct ObjectKeyTests {
  @Test(arguments: ["a", "files/7290/2025-01-20/ab-Price.gz", "שלום/a b", "a..b", "...", "a/.hidden"])
  func acceptsOrdinaryKeys(_ text: String) throws { #expect(try ObjectKey(text).text == text) }

  @Test(arguments: [
    "", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/./b", "a/..", "a\u{0}b", "a\nb", "a\u{7f}",
    String(repeating: "x", count: 256), String(repeating: "x/", count: 600) + "y",
  ])
  func refusesKeysThatClimbOrBreak(_ text: String) {
    #expect { try ObjectKey(text) } throws: { ($0 as? ObjectStoreError)?.kind == .invalidKey }
  }

  @Test func anyNameBecomesASafeSegment() throws {
    for name in ["..", ".", "", "a/b", "a\\b", "x\u{0}y", "\n", String(repeating: "ש", count: 300)] {
      let segment = ObjectKey.segment(name)
      #expect(!segment.contains("/"))
      #expect(try ObjectKey("files/\(segment)").text.hasSuffix(segment))
    }
    #expect(ObjectKey.segment("PriceFull7290-001.gz") == "PriceFull7290-001.gz")
  }
}

@Suite struct ObjectLocationTests {
  @Test func urlsLeadBackToTheirKeys() throws {
    for text in [
      "s3://bucket", "s3://bucket/", "s3://bucket/a/b/", "file:///var/souk", "file:///var/so%20uk/", "az://cont/a/",
      "abfss://cont@acc.dfs.core.windows.net", "https://acc.blob.core.windows.net/cont/a%20b",
    ] {
      let location = try ObjectLocation(text)
      for key in try ["files/x.gz", "a b/שלום%20+?#.gz"].map({ try ObjectKey($0) }) {
        #expect(try location.key(of: location.url(of: key)) == key)
      }
    }
    #expect(try ObjectLocation("s3://bucket/a/b/").url(of: ObjectKey("k")) == "s3://bucket/a/b/k")
    #expect(try ObjectLocation("file:///var/so uk").url(of: ObjectKey("k")) == "file:///var/so%20uk/k")
    #expect(try ObjectLocation("file:///var/so%20uk").localPath(of: ObjectKey("k")) == "/var/so uk/k")
    #expect(try ObjectLocation("s3://bucket").localPath(of: ObjectKey("k")) == nil)
  }

  @Test(arguments: [
    "s3://other/files/x", "s3://bucket2/p/x", "s3://bucket/px/x", "s3://bucket/x", "s3://bucket/p",
    "file:///bucket/p/x",
    "https://bucket/p/x", "", "p/x",
  ])
  func urlsOutsideTheStoreAreRefused(_ url: String) throws {
    let location = try ObjectLocation("s3://bucket/p")
    #expect { try location.key(of: url) } throws: { ($0 as? ObjectStoreError)?.kind == .outsideStore }
  }

  @Test func azureIsNamedAsItsOwnToolsNameIt() throws {
    let forms = [
      "az://cont/p/x", "azure://cont/p/x", "abfss://cont@acc.dfs.core.windows.net/p/x",
      "wasbs://cont@acc.blob.core.windows.net/p/x", "https://acc.blob.core.windows.net/cont/p/x",
      "https://acc.dfs.core.windows.net/cont/p/x",
    ]
    for form in forms {
      let location = try ObjectLocation(String(form.dropLast(2)))
      #expect(location.description == "az://cont/p")
      for other in forms { #expect(try location.key(of: other).text == "x") }
    }
    let location = try ObjectLocation("https://acc.blob.core.windows.net/cont/p")
    for url in ["az://cont/q/x", "az://other/p/x", "https://else.blob.core.windows.net/cont/p/x", "s3://cont/p/x"] {
      #expect { try location.key(of: url) } throws: { ($0 as? ObjectStoreError)?.kind == .outsideStore }
    }
    for text in ["az://Cont", "az://a--b", "az://", "https://acc.blob.core.windows.net/cont?sv=1&sig=TOPSECRET"] {
      #expect { try ObjectLocation(text) } throws: {
        ($0 as? ObjectStoreError)?.errorClass == .configuration && !"\($0)".contains("TOPSECRET")
      }
    }
  }

  @Test func pathsThatClimbAreRefused() throws {
    let bucket = try ObjectLocation("s3://bucket/p"), folder = try ObjectLocation("file:///var/souk")
    for (location, url) in [
      (bucket, "s3://bucket/p/../secret"), (bucket, "s3://bucket/p//x"), (folder, "file:///var/souk/../../etc/passwd"),
      (folder, "file:///var/souk/%2e%2e/x"), (folder, "file:///var/souk/a%00b"),
    ] {
      #expect { try location.key(of: url) } throws: { ($0 as? ObjectStoreError)?.errorClass == .data }
    }
    for url in ["file:///etc/passwd", "file:///var/soukx/a", "file://host/var/souk/a"] {
      #expect { try folder.key(of: url) } throws: { ($0 as? ObjectStoreError)?.kind == .outsideStore }
    }
  }

  @Test(arguments: [
    "", "bucket", "s3://", "s3://ab", "s3://UPPER", "s3://-bad", "s3://bucket/a/../b", "file://relative", "file:///",
    "file:///a/../b", "http://bucket/x", "s3://a..b",
  ])
  func wrongLocationsSayWhatIsRight(_ text: String) {
    #expect { try ObjectLocation(text) } throws: { ($0 as? ObjectStoreError)?.errorClass == .configuration }
  }
}

@Suite struct DigestTests {
  @Test func agreesWithPublishedDigests() {
    // FIPS 180-4 examples, RFC 4231 test case 2.
    #expect(SHA256.hash("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hash("").hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hash("").base64 == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    #expect(Hex.encode(SHA256.authenticate("what do ya want for nothing?", key: Array("Jefe".utf8)))
      == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  @Test func piecesHashAsTheWhole() {
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var hash = SHA256()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      hash.update(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    #expect(hash.finish() == SHA256.hash(bytes))
  }

  @Test func hexIsReadStrictly() {
    #expect(SHA256Digest(hex: String(repeating: "aB", count: 32))?.bytes.first == 0xab)
    for wrong in ["", "ab", String(repeating: "g", count: 64), String(repeating: "a", count: 63)] {
      #expect(SHA256Digest(hex: wrong) == nil)
    }
  }
}

@Suite struct S3AnswerTests {
  @Test func readsListsErrorsAndUploads() throws {
    let store = try S3StoreTests.makeStore(endpoint: "http://h")
    let list = try #require(XMLElement(document: Array("""
      <?xml version="1.0" encoding="UTF-8"?>
      <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated>
      <Contents><Key>a%26b&#39;&#x5d0;</Key><Size>12</Size><ETag>&quot;e&quot;</ETag>\
      <Owner><ID>x</ID></Owner></Contents>
      <Contents><Key>c</Key><Size>0</Size></Contents><CommonPrefixes><Prefix>z/</Prefix></CommonPrefixes>
      <NextContinuationToken>n+/=</NextContinuationToken></ListBucketResult>
      """.utf8)))
    let page = try store.page(list)
    #expect(list.name == "ListBucketResult" && page.next == "n+/=")
    #expect(page.objects == [
      ObjectInfo(key: try ObjectKey("a&b'א"), size: 12, etag: "e"), ObjectInfo(key: try ObjectKey("c"), size: 0),
    ])
    let error = try #require(XMLElement(document: Array(
      "<Error><Code>NoSuchKey</Code><Message>m</Message><Region/></Error>".utf8)))
    #expect(error["Code"] == "NoSuchKey" && error["Region"] == "" && error.name == "Error")
  }

  @Test(arguments: ["<Key>a</Key><Size>-1</Size>", "<Key>a</Key><Size>x</Size>", "<Key>%zz</Key><Size>1</Size>"])
  func refusesAListWithAWrongObject(_ object: String) throws {
    let store = try S3StoreTests.makeStore(endpoint: "http://h")
    let list = try #require(XMLElement(document: Array(
      "<ListBucketResult><Contents>\(object)</Contents></ListBucketResult>".utf8)))
    #expect { try store.page(list) } throws: { ($0 as? ObjectStoreError)?.kind == .protocolViolated }
  }

  @Test(arguments: [
    "", "<a>", "<a></b>", "<a>&nope;</a>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", "<a/><b/>", "<a", "text only",
    "<?xml",
  ])
  func refusesWhatIsNotSuchADocument(_ text: String) { #expect(XMLElement(document: Array(text.utf8)) == nil) }

  @Test func mutatedAnswersNeverCrash() {
    var random = TestRandom("s3-answers")
    let valid = Array("<ListBucketResult><Contents><Key>a&amp;b</Key><Size>1</Size></Contents></ListBucketResult>".utf8)
    for _ in 0..<20_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = XMLElement(document: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
    }
  }
}

@Suite struct S3ErrorTests {
  @Test func codesFallIntoTheirClasses() {
    for (code, status, kind, errorClass) in [
      ("SlowDown", 503, ObjectStoreError.Kind.slowDown, ErrorClass.transient),
      ("InternalError", 500, .unavailable, .transient),
      ("RequestTimeout", 400, .unavailable, .transient), ("BadDigest", 400, .damagedInTransit, .transient),
      ("NoSuchKey", 404, .noSuchKey, .data), ("NoSuchBucket", 404, .noSuchBucket, .configuration),
      ("AccessDenied", 403, .accessDenied, .configuration),
      ("SignatureDoesNotMatch", 403, .badCredentials, .configuration),
      ("RequestTimeTooSkewed", 403, .unavailable, .transient),
      ("PermanentRedirect", 301, .wrongEndpoint, .configuration),
      ("EntityTooLarge", 400, .tooLarge, .data), ("", 503, .slowDown, .transient), ("", 502, .unavailable, .transient),
      ("", 403, .accessDenied, .configuration), ("", 404, .noSuchKey, .data), ("Whatever", 400, .refused, .data),
      ("", 200, .protocolViolated, .fatal),
    ] {
      let found = S3Store.kind(code: code, status: status)
      #expect(found == kind && ObjectStoreError(found, "").errorClass == errorClass, "\(code) \(status)")
    }
  }

  /// A wrong clock is no wrong key: what a store refuses when its time is another is tried again.
  @Test(arguments: [
    (-7_200, ObjectStoreError.Kind.unavailable), (-60, .accessDenied), (60, .accessDenied), (3_600, .unavailable),
  ])
  func aWrongClockIsWaitedFor(difference: Int, kind: ObjectStoreError.Kind) throws {
    var time = time_t(WallClock.seconds()) + difference
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    let date = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let head = HTTPResponseHead(status: 403, headers: ["date": date], url: try HTTPURL("https://s3.example/b"))
    #expect(S3Store.failure(head, [], what: "head b").kind == kind)
    // The clock may have been put right by the time of the answer.
    let signedAt = Int(WallClock.seconds()) - difference - 5_000
    #expect(S3Store.failure(head, [], what: "head b", signedAt: signedAt).kind == .unavailable)
  }

  @Test func partsKeepWithinTheirNumber() {
    #expect(S3Store.partBytes(length: 100 << 20, configured: 16 << 20) == 16 << 20)
    #expect(S3Store.partBytes(length: 1, configured: 1) == 5 << 20)
    let huge = 5 << 40
    let size = S3Store.partBytes(length: huge, configured: 16 << 20)
    #expect((huge + size - 1) / size <= 10_000)
  }
}

@Suite struct ObjectStoreOptionsTests {
  private func options(_ arguments: [String]) throws -> ObjectStoreOptions { try ObjectStoreOptions.parse(arguments) }
  private let keys = ["--aws-access-key-id", "a", "--aws-secret-access-key", "b"]

  @Test func makesTheStoreThatTheFlagsName() throws {
    #expect(try options(["--object-store", "file:///tmp/x"]).makeStore() is FileStore)
    let store = try options(["--object-store", "s3://bucket/p", "--s3-endpoint", "http://h:1"] + keys).makeStore()
    let s3 = try #require(store as? S3Store)
    #expect(s3.configuration.pathStyle && s3.location.description == "s3://bucket/p")
    let amazon = try #require(try options(["--object-store", "s3://bucket"] + keys).makeStore() as? S3Store)
    #expect(!amazon.configuration.pathStyle)
    for (style, inPath) in [("path", true), ("host", false)] {
      let chosen = try options(["--s3-endpoint", "http://h:1", "--s3-addressing", style] + keys).makeStore()
      #expect((chosen as? S3Store)?.configuration.pathStyle == inPath)
    }
    let url = try amazon.configuration.url(key: "a b", query: [])
    #expect(url.text == "https://bucket.s3.us-east-1.amazonaws.com/a%20b")
    #expect(try s3.configuration.url(key: nil, query: [("b", ""), ("a", "/")]).text == "http://h:1/bucket?a=%2F&b=")
  }

  @Test func azureStoresAreMadeFromWhatItsPortalShows() throws {
    func azure(_ arguments: String...) throws -> AzureConfiguration {
      try #require(try options(arguments).makeStore() as? AzureStore).configuration
    }
    let key = "c2VjcmV0"
    let named = try azure("--object-store", "az://cont/p", "--azure-storage-account", "acc", "--azure-storage-key", key)
    #expect(named.endpoint.text == "https://acc.blob.core.windows.net/")
    #expect(named.credential == .key(Array("secret".utf8)))
    let text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=\(key);EndpointSuffix=core.chinacloudapi.cn"
    let pasted = try azure("--object-store", "az://cont", "--azure-storage-connection-string", text)
    #expect(pasted.endpoint.host == "acc.blob.core.chinacloudapi.cn" && pasted.account == "acc")
    let signed = try azure(
      "--object-store", "abfss://cont@acc.dfs.core.windows.net/p", "--azure-storage-sas-token", "?sv=1&sig=a%2Bb",
      "--azure-access-tier", "Cold", "--azure-create-once")
    #expect(signed.endpoint.host == "acc.blob.core.windows.net" && signed.credential == .sas("sv=1&sig=a%2Bb"))
    #expect(signed.tier == "Cold" && signed.createsOnce)
    #expect(try signed.url(key: "p/a b", query: [("comp", "block")]).text
      == "https://acc.blob.core.windows.net/cont/p/a%20b?comp=block&sv=1&sig=a%2Bb")
    let account = ["--object-store", "az://cont", "--azure-storage-account", "acc"]
    for words in [["--azure-managed-identity"], ["--azure-federated-token-file", "/t", "--azure-client-id", "c",
                                                 "--azure-tenant-id", "t"]] {
      let made = try #require(try options(account + words).makeStore() as? AzureStore)
      guard case .identity = made.configuration.credential else { Issue.record("\(words)"); continue }
    }
    for wrong in [
      ["--azure-storage-account", "acc", "--azure-federated-token-file", "/t"],
      ["--azure-storage-key", key], ["--azure-storage-account", "acc"],
      ["--azure-storage-account", "acc", "--azure-storage-key", "TOPSECRET!"],
      ["--azure-storage-account", "acc", "--azure-storage-key", key, "--azure-storage-sas-token", "sig=TOPSECRET"],
      ["--azure-storage-account", "other", "--azure-storage-connection-string", text],
    ] {
      #expect { try options(["--object-store", "az://cont"] + wrong).makeStore() } throws: {
        ErrorClass(of: $0) == .configuration && !"\($0)".contains("TOPSECRET") && !"\($0)".contains(key)
      }
    }
  }

  @Test(arguments: [
    ["--object-store", "nonsense"], ["--s3-endpoint", "ftp://x"], ["--s3-part-size", "1MiB"],
    ["--s3-multipart-threshold", "1KiB"], ["--s3-timeout", "0s"], ["--s3-ca-file", "/nowhere.pem"],
  ])
  func wrongValuesNameTheirFlag(_ arguments: [String]) {
    #expect { try options(keys + arguments).makeStore() } throws: { ErrorClass(of: $0) == .configuration }
  }

  @Test func halfACredentialIsAConfigurationErrorThatHoldsNoSecret() {
    #expect { try options(["--aws-secret-access-key", "TOPSECRET"]).makeStore() } throws: {
      ErrorClass(of: $0) == .configuration && !"\($0)".contains("TOPSECRET")
    }
  }

  @Test func missingCredentialsNameTheSearchedPlaces() async throws {
    let store = try options(["--aws-ec2-metadata-disabled"]).makeStore(home: "/nowhere")
    await #expect { try await store.check() } throws: {
      ErrorClass(of: $0) == .configuration && "\($0)".contains("AWS_ACCESS_KEY_ID")
        && "\($0)".contains("/nowhere/.aws/credentials")
    }
  }

  @Test func profilesComeFromTheSharedFile() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      let text = [("default", "A", "B"), ("p", "C", "D")]
        .map { "[\($0)]\naws_access_key_id=\($1)\naws_secret_access_key=\($2)\n" }.joined()
      let key = try ObjectKey(".aws/credentials")
      _ = try await store.put(ObjectBody(Array(text.utf8)), at: key, contentType: "text/plain")
      let first = try #require(try options([]).makeStore(home: folder) as? S3Store)
      #expect(try await first.configuration.credentials.current().accessKeyID == "A")
      let second = try #require(try options(["--aws-profile", "p"]).makeStore(home: folder) as? S3Store)
      #expect(try await second.configuration.credentials.current().accessKeyID == "C")
      let third = try options(["--aws-profile", "q"]).makeStore(home: folder)
      await #expect { try await third.check() } throws: { "\($0)".contains("'q'") }
    }
  }
}
