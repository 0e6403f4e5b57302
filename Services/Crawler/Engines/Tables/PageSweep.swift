import Logging

/// One pass over a portal's pages, from the first to the last, while the portal goes on publishing.
///
/// Portals show the newest first. What appears during the pass moves entries to later pages: they come twice, none is
/// missed. What is taken away moves entries to pages already read: when the number of pages falls, the pages before are
/// read again. (Less than a page taken away may show in no number; the next pass finds what slipped.)
actor PageSweep<Engine: TableEngine> {
  /// A page with fewer entries and no pager is the only one. Portals show 20 and more on a page.
  private static var leastFullPage: Int { 20 }

  private let engine: Engine
  private var sections: ArraySlice<PageSection>
  /// The next page of the first section.
  private var number = 1
  /// The last page as far as is known.
  private var last = 1
  private var names: Set<String> = []
  private var asked = 0

  init(engine: Engine, sections: [PageSection]) {
    self.engine = engine
    self.sections = sections[...]
  }

  func next() async throws -> Listing? {
    while number > last, !sections.isEmpty {
      sections.removeFirst()
      (number, last) = (1, 1)
    }
    guard let section = sections.first else { return nil }
    guard asked < engine.context.limits.maxRequests else {
      CrawlerMetrics.cutListing(engine.source)
      engine.context.logger.warning(
        "more pages than one pass asks for: files may be missing", metadata: ["requests": "\(asked)"])
      sections = []
      return nil
    }
    asked += 1
    var page = try await engine.page(number, of: section)
    let fresh = page.listing.files.count { names.insert($0.fileName).inserted }
    turn(&page, fresh: fresh)
    return page.listing
  }

  private func turn(_ page: inout ListedPage, fresh: Int) {
    let before = last
    // A pager may leave out the page it stands on.
    last = max(page.lastPage ?? 0, page.rows > 0 ? number : number - 1, 1)
    if Engine.pager != .none, page.lastPage == nil, page.rows >= Self.leastFullPage, fresh > 0 {
      // Full, and nothing said about more: looked for. If there is more, the pager is no longer what it was.
      last = number + 1
      if number > 1 { page.listing.unknownColumns.insert("-pager") }
    }
    // What was taken away may be anything short of one page more than the pages that are gone.
    number = last < before ? max(1, number - 1 - (before - last)) : number + 1
  }
}
