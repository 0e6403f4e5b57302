import CXML2

/// libxml2's process-wide state, set up once before its first use by any thread.
enum HTMLLibrary {
  private static let started: Bool = {
    xmlInitParser()
    return true
  }()

  static func start() { _ = started }
}
