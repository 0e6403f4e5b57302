import HTTP
import Testing

@Suite struct AddressPolicyTests {
  @Test(arguments: [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "fc00::1",
    "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2001:10::1", "100::1",
    "3fff::1", "5f00::1",
  ])
  func refusesWhatIsNotPublic(_ text: String) throws {
    let address = try #require(IPAddress(text))
    #expect(AddressPolicy().refusal(of: address) != nil)
    #expect(AddressPolicy(allowsPrivate: true).refusal(of: address) == nil)
  }

  @Test(arguments: [
    "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
    "2002:808:808::1", "2001:4860:4860::8888",
  ])
  func letsPublicAddressesPass(_ text: String) throws {
    #expect(AddressPolicy().refusal(of: try #require(IPAddress(text))) == nil)
  }

  @Test func anAllowedNetworkIsAnExceptionAndNothingMore() throws {
    let policy = AddressPolicy(allowed: [try #require(IPNetwork("10.1.0.0/16"))])
    #expect(policy.refusal(of: try #require(IPAddress("10.1.255.255"))) == nil)
    #expect(policy.refusal(of: try #require(IPAddress("::ffff:10.1.2.3"))) == nil)
    #expect(policy.refusal(of: try #require(IPAddress("10.2.0.0"))) != nil)
    #expect(policy.refusal(of: try #require(IPAddress("127.0.0.1"))) != nil)
  }

  @Test func networksAreReadStrictly() {
    #expect(IPNetwork("10.0.0.0/8")?.prefixLength == 8)
    #expect(IPNetwork("127.0.0.1")?.prefixLength == 32)
    #expect(IPNetwork("fc00::/7")?.prefixLength == 7)
    for wrong in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/", "host/8", "", "/8"] {
      #expect(IPNetwork(wrong) == nil, "\(wrong)")
    }
  }

  @Test func bitsBeyondWholeBytesAreCompared() throws {
    let network = try #require(IPNetwork("100.64.0.0/10"))
    #expect(network.contains(try #require(IPAddress("100.127.0.0"))))
    #expect(!network.contains(try #require(IPAddress("100.128.0.0"))))
    #expect(try #require(IPNetwork("0.0.0.0/0")).contains(try #require(IPAddress("8.8.8.8"))))
  }
}
