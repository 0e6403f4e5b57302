@testable import AWSCredentials
import Core
import HTTP
@testable import ObjectStore
import Testing

@Suite struct SigV4Tests {
  /// The examples of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
  @Test(arguments: [
    ("GET", "test.txt", [], ["Range": "bytes=0-9"] as HTTPHeaders, "",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("PUT", "test$file.text", [],
     ["Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"],
     "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    ("GET", "", [("lifecycle", "")], [:], "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("GET", "", [("prefix", "J"), ("max-keys", "2")], [:], "",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
  ] as [(String, String, [(String, String)], HTTPHeaders, String, String)])
  func publishedExamples(
    method: String, key: String, query: [(String, String)], headers: HTTPHeaders, body: String, signature: String
  ) {
    let signer = SigV4(
      credentials: S3Credentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
      region: "us-east-1")
    let signed = signer.sign(
      method: method, host: "examplebucket.s3.amazonaws.com",
      path: "/" + PercentEncoding.encode(key, keepingSlash: true), query: query, headers: headers,
      payloadHash: SHA256.hash(body).hex, at: 1_369_353_600)
    #expect(signed["x-amz-date"] == "20130524T000000Z")
    #expect(signed["authorization"]?.hasSuffix("Signature=\(signature)") == true)
  }

  @Test func signsAsBotocoreDoes() throws {
    let lines = SigV4Vectors.botocore.split(separator: "\n")
    #expect(lines.count == 32)
    for line in lines {
      let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      try #require(fields.count == 10)
      let token = fields[7].isEmpty ? nil : fields[7]
      let signer = SigV4(
        credentials: S3Credentials(
          accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: token),
        region: fields[6])
      let query = try fields[3].split(separator: "&").map { pair in
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (try #require(PercentEncoding.decode(parts[0])), try #require(PercentEncoding.decode(parts[1])))
      }
      var headers = HTTPHeaders()
      for field in fields[4].split(separator: ";") {
        let parts = field.split(separator: ":", maxSplits: 1).map(String.init)
        headers.add(parts[0], parts[1])
      }
      let key = PercentEncoding.encode(fields[2], keepingSlash: true)
      let signed = signer.sign(
        method: fields[0], host: fields[1], path: key.isEmpty ? "/" : "/bucket/" + key, query: query, headers: headers,
        payloadHash: fields[5], at: try #require(Int64(fields[8])))
      #expect(signed["authorization"]?.hasSuffix("Signature=\(fields[9])") == true, "\(line)")
      #expect(signed["x-amz-security-token"] == token)
    }
  }

  @Test func stampsAreUTC() {
    #expect(SigV4.stamp(0) == ("19700101", "000000"))
    #expect(SigV4.stamp(951_782_399) == ("20000228", "235959"))
    #expect(SigV4.stamp(951_782_400) == ("20000229", "000000"))
    #expect(SigV4.stamp(-1) == ("19691231", "235959"))
  }

  @Test func secretsAreNotShown() {
    let credentials = S3Credentials(accessKeyID: "AKID", secretAccessKey: "TOPSECRET", sessionToken: "ALSOSECRET")
    #expect(!"\(credentials) \(String(reflecting: credentials))".contains("SECRET"))
  }
}

@Suite struct SharedFileCredentialsTests {
  private let text = """
    # comment
    [default]
    aws_access_key_id = AKIDDEFAULT
    aws_secret_access_key=secret/with=equals

    [ work ]
    AWS_ACCESS_KEY_ID = AKIDWORK
    aws_secret_access_key = s
    aws_session_token = t
    [half]
    aws_access_key_id = AKIDHALF
    """

  @Test func profilesAreRead() {
    #expect(PlacedCredentials.parse(text, profile: "default")?.secretAccessKey == "secret/with=equals")
    #expect(PlacedCredentials.parse(text, profile: "default")?.sessionToken == nil)
    let work = PlacedCredentials.parse(text, profile: "work")
    #expect(work?.accessKeyID == "AKIDWORK" && work?.sessionToken == "t")
    #expect(PlacedCredentials.parse(text, profile: "half") == nil)
    #expect(PlacedCredentials.parse(text, profile: "absent") == nil)
  }
}
