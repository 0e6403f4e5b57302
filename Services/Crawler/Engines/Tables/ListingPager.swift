import Foundation
import HTML

/// How a portal says how many pages its listing has.
enum ListingPager: Hashable, Sendable {
  /// Links with a page number in this parameter of their query, inside what the path selects.
  case links(parameters: Set<String>, inside: String)
  /// `data-page` attributes inside what the path selects.
  case buttons(inside: String)
  /// There is one page.
  case none

  /// The highest page named; nil when none is.
  func lastPage(in page: HTMLDocument) throws -> Int? {
    switch self {
    case .none: return nil
    case .buttons(let path):
      return try page.select("\(path)//@data-page").compactMap { Int($0.text) }.max()
    case .links(let parameters, let path):
      let framed = try page.select("\(path)//a/@href")
      // Without the usual frame, any link with a page number counts.
      let links = framed.isEmpty ? try page.select("//a/@href") : framed
      return links.compactMap { Self.number($0.text, parameters) }.max()
    }
  }

  private static func number(_ href: String, _ parameters: Set<String>) -> Int? {
    URLComponents(string: href)?.queryItems?.lazy.filter { parameters.contains($0.name) }
      .compactMap { $0.value.flatMap { Int($0) } }.first
  }
}
