import Core

/// A part of a text that is made by a program, between two comments:
///
///     <!-- begin generated: settings -->
///     ...
///     <!-- end generated: settings -->
///
/// or, in YAML, a Dockerfile and the Makefile, `# begin generated: services, by ...` and `# end generated: services`.
package struct GeneratedBlock: Hashable, Sendable {
  package enum Comment: Hashable, Sendable {
    /// Not shown in Markdown.
    case html
    /// Behind so many spaces.
    case hash(Int)
  }

  package var name: String
  package var comment: Comment
  /// Without empty lines around it.
  package var content: String

  package init(_ name: String, _ content: String, _ comment: Comment = .html) {
    self.name = name
    self.content = content.trimmingNewlines
    self.comment = comment
  }

  private var opening: String {
    comment == .html ? "<!-- begin generated: \(name) -->"
      : "# begin generated: \(name), by `make reference` from the catalogue of services: change that"
  }
  private var closing: String { comment == .html ? "<!-- end generated: \(name) -->" : "# end generated: \(name)" }

  package var text: String {
    switch comment {
    case .html: "\(opening)\n\n\(content)\n\n\(closing)"
    case .hash(let spaces): "\(opening)\n\(content)\n\(String(repeating: " ", count: spaces))\(closing)"
    }
  }

  /// The text with this block in the place of the one of its name.
  ///
  /// - Parameter heading: under it the block is added at the end where the text has none; nil: that is an error.
  /// - Throws: class `data` when the comments are not there in pairs.
  package func replaced(in document: String, orUnder heading: String? = nil) throws(Failure) -> String {
    let openings = document.ranges(of: opening)
    let closings = document.ranges(of: closing)
    if openings.isEmpty, closings.isEmpty, let heading {
      return document.trimmingNewlines + "\n\n## \(heading)\n\n\(text)\n"
    }
    guard openings.count == 1, closings.count == 1, openings[0].upperBound <= closings[0].lowerBound else {
      throw Failure(
        .data, code: "generated_block", "there must be one '\(opening)' and, behind it, one '\(closing)'")
    }
    return document.replacingCharacters(in: openings[0].lowerBound..<closings[0].upperBound, with: text)
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    String(drop { $0.isNewline }.reversed().drop { $0.isNewline }.reversed())
  }

  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + self[range.upperBound...]
  }
}
