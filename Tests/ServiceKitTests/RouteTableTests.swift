import HTTPTypes
import ServiceKit
import Testing

/// Which handler a request finds.
@Suite struct RouteTableTests {
  private let table: RouteTable<String> = {
    var table = RouteTable<String>()
    table.add(.get, "/bars/{symbol}", "bars")
    table.add(.get, "/{any}/all", "all")
    table.add(.get, "/bars/all", "exact")
    table.add(.post, "/bars/{symbol}", "posted")
    table.add(.get, "/", "root")
    table.add(.get, "/{prefix}/files/{name}", "file")
    return table
  }()

  @Test(arguments: [
    ("/bars/COMI", "bars", ["symbol": "COMI"]), ("/bars/COMI/", "bars", ["symbol": "COMI"]), ("/", "root", [:]),
    ("/a/files/b.gz", "file", ["prefix": "a", "name": "b.gz"]), ("/x/all", "all", ["any": "x"]),
    // As they stand in the path.
    ("/bars/a%20b", "bars", ["symbol": "a%20b"]),
  ])
  func aPathFindsItsHandlerAndParameters(_ path: String, _ handler: String, _ parameters: [String: String]) throws {
    let found = try #require(table.find(.get, path))
    #expect(found.handler == handler && found.parameters == parameters)
  }

  /// Of several that match, the one with a word where the other has a parameter, whichever was added first.
  @Test func aWordIsMoreExactThanAParameter() {
    #expect(table.find(.get, "/bars/all")?.handler == "exact")
  }

  @Test func methodsAreApart() {
    #expect(table.find(.post, "/bars/COMI")?.handler == "posted")
    #expect(table.find(.delete, "/bars/COMI") == nil)
  }

  @Test(arguments: ["/bars", "/bars/a/b", "/files", "/a/files"]) func anotherPathFindsNothing(_ path: String) {
    #expect(table.find(.get, path) == nil)
  }
}
