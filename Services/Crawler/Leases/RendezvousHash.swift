/// Assigns each source to a replica. Every replica computes the assignment itself; the same members give the same one.
///
/// Rendezvous hashing with a limit: each source goes to the member that ranks highest for it among those that know it
/// and have room. So shares differ by at most one source, and a member that joins or leaves moves few sources of the
/// others.
enum RendezvousHash {
  /// - Parameter members: the sources each member knows, by its name; during a deployment these may differ.
  /// - Returns: the owner of every source.
  static func owners(_ members: [String: Set<String>]) -> [String: String] {
    let sources = members.values.reduce(into: Set<String>()) { $0.formUnion($1) }
    guard !members.isEmpty else { return [:] }
    let (least, larger) = sources.count.quotientAndRemainder(dividingBy: members.count)
    /// How many members may still have one source more than `least`.
    var spare = larger
    var load: [String: Int] = [:]
    var owners: [String: String] = [:]
    for source in sources.sorted() {
      let candidates = members.filter { $0.value.contains(source) }.keys
        .sorted { (rank(source, $0), $0) > (rank(source, $1), $1) }
      // When no member that knows the source has room, the least loaded takes it.
      let owner = candidates.first { load[$0, default: 0] < least }
        ?? candidates.first { spare > 0 && load[$0, default: 0] == least }
        ?? candidates.min { load[$0, default: 0] < load[$1, default: 0] }
      guard let owner else { continue }
      if load[owner, default: 0] == least { spare -= 1 }
      load[owner, default: 0] += 1
      owners[source] = owner
    }
    return owners
  }

  /// MurmurHash3's 64-bit finalizer over a hash of both names, so that every bit counts.
  private static func rank(_ source: String, _ member: String) -> UInt64 {
    var hash = Shard.hash("\(source)\u{0}\(member)")
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ (hash >> 33)
  }
}
