@testable import FetcherService
import TestSupport
import Testing

@Suite struct CacheTests {
  private func entry(_ size: Int) -> ResponseCache.Entry {
    ResponseCache.Entry(etag: "\"t\"", lastModified: nil, body: [UInt8](repeating: 7, count: size))
  }

  @Test func neverHoldsMoreThanItsBytes() {
    var random = TestRandom("cache")
    let cache = ResponseCache(maxBytes: 10_000)
    for _ in 0..<2_000 {
      let url = "https://h/\(Int.random(in: 0..<60, using: &random))"
      switch Int.random(in: 0..<4, using: &random) {
      case 0: _ = cache[url]
      case 1: cache.forget(url)
      default: cache.keep(entry(Int.random(in: 0..<6_000, using: &random)), of: url)
      }
      #expect(cache.bytes >= 0 && cache.bytes <= 10_000)
    }
    for index in 0..<60 { cache.forget("https://h/\(index)") }
    #expect(cache.bytes == 0)
  }

  @Test func usedEntriesStayAndUnusedOnesAreDropped() {
    let cache = ResponseCache(maxBytes: 10_000)
    cache.keep(entry(100), of: "used")
    cache.keep(entry(100), of: "idle")
    for index in 0..<100 {
      cache.keep(entry(300), of: "https://h/\(index)")
      #expect(cache["used"] == entry(100))
    }
    #expect(cache["idle"] == nil)
    #expect(cache["https://h/99"] == entry(300) && cache["https://h/0"] == nil)
  }

  @Test func anEntryThatIsTooLargeIsNotKeptAndRemovesTheOldOne() {
    let cache = ResponseCache(maxBytes: 10_000)
    cache.keep(entry(10), of: "a")
    cache.keep(entry(5_000), of: "a")
    #expect(cache["a"] == nil && cache.bytes == 0)
    let none = ResponseCache(maxBytes: 0)
    none.keep(entry(0), of: "a")
    #expect(none["a"] == nil)
  }
}
