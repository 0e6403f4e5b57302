import Testing
import Values

@Suite struct TraceParentTests {
  private let sample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test func roundTrip() throws {
    let parent = try #require(TraceParent(sample))
    #expect(parent.description == sample)
    #expect(parent.isSampled)
  }

  @Test(arguments: [
    "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0G",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
    "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
    "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ])
  func refuses(_ text: String) {
    #expect(TraceParent(text) == nil)
  }

  @Test func laterVersionsMayHaveMoreFields() throws {
    let parent = try #require(TraceParent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future"))
    #expect(parent.description == sample)
  }

  @Test func childrenKeepTheTrace() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    let parent = try #require(TraceParent(sample.dropLast(2) + "ff"))
    let child = parent.child(using: &random)
    #expect(child.traceIDHigh == parent.traceIDHigh && child.traceIDLow == parent.traceIDLow)
    #expect(child.parentID != parent.parentID)
    #expect(child.flags == 1, "flags this version does not know are cleared")
    #expect(TraceParent(child.description) == child)
  }

  @Test func rootsAreValidAndDistinct() {
    let roots = (0..<100).map { _ in TraceParent.root() }
    #expect(Set(roots).count == 100)
    #expect(roots.allSatisfy { TraceParent($0.description) == $0 && $0.isSampled })
    #expect(!TraceParent.root(sampled: false).isSampled)
  }
}
