import Testing

@testable import CrawlerService

@Suite struct RendezvousHashTests {
  private static func members(_ names: [String], _ sources: Set<String>) -> [String: Set<String>] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, sources) })
  }
  private static func sources(_ count: Int) -> Set<String> { Set((0..<count).map { "chain\($0)" }) }

  @Test(arguments: [1, 2, 3, 4, 38, 1_000], [1, 2, 3, 7, 40])
  func everySourceHasOneOwnerAndSharesAreEven(count: Int, replicas: Int) {
    let owners = RendezvousHash.owners(Self.members((0..<replicas).map { "member\($0)" }, Self.sources(count)))
    #expect(Set(owners.keys) == Self.sources(count))
    let shares = (0..<replicas).map { index in owners.values.count { $0 == "member\(index)" } }
    #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1, "\(shares)")
  }

  /// Of 380 sources at least 76 have to move to the fifth of five; with plain ranking that is all that move, and the
  /// limit on shares moves some more.
  @Test func aMemberThatJoinsOrLeavesMovesFewSources() {
    let sources = Self.sources(380)
    let four = RendezvousHash.owners(Self.members(["a", "b", "c", "d"], sources))
    let five = RendezvousHash.owners(Self.members(["a", "b", "c", "d", "e"], sources))
    let moved = sources.count { four[$0] != five[$0] }
    #expect((76...152).contains(moved), "\(moved)")
  }

  @Test func duringADeploymentSourcesGoToMembersThatKnowThem() {
    let old: Set = ["a", "b", "c"], new: Set = ["a", "b", "c", "d", "e", "f", "g"]
    let owners = RendezvousHash.owners(["old1": old, "old2": old, "new": new])
    #expect(Set(owners.keys) == new)
    for source in new.subtracting(old) { #expect(owners[source] == "new") }
    #expect(RendezvousHash.owners([:]).isEmpty)
    #expect(RendezvousHash.owners(["a": []]).isEmpty)
  }

  @Test func aSourceWithoutACatalogueRowIsIdentifiedByItsAddress() throws {
    #expect(try CrawlSource("dir:/a").leaseName != CrawlSource("dir:/b").leaseName)
    #expect(try CrawlSource("dir:/a").leaseName == CrawlSource("dir:/a").leaseName)
    #expect(try CrawlSource("king_store").leaseName == "king_store")
    #expect(
      try CrawlSource("https://host/a/?user=me&password=secret").leaseName != CrawlSource("https://host/b/").leaseName)
    #expect(try CrawlSource("https://host/a/?user=me&password=secret").leaseName.contains("secret") == false)
  }
}
