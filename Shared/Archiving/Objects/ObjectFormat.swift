import ArgumentParser
import Core

/// How bars become objects.
package enum ObjectLayout: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// Many bars of one day and symbol in one object, as JSON Lines.
  case batch
  /// One object per bar, named by its time.
  case record
}

/// How an object of lines is compressed.
package enum ObjectCodec: String, CaseIterable, Sendable, ExpressibleByArgument {
  case gzip, zstd, none

  /// Follows `.jsonl`.
  package var suffix: String {
    switch self {
    case .gzip: ".gz"
    case .zstd: ".zst"
    case .none: ""
    }
  }

  var contentType: String {
    switch self {
    case .gzip: "application/gzip"
    case .zstd: "application/zstd"
    case .none: "application/x-ndjson"
    }
  }
}

/// The settings that determine names and bytes of objects, besides the records. They are written beside a range that is
/// being closed, so that a retry writes the same objects.
package struct ObjectFormat: Hashable, Sendable {
  package var layout: ObjectLayout
  /// In the batch layout.
  package var codec: ObjectCodec
  /// The codec's level; 0 is its default.
  package var level: Int

  package init(layout: ObjectLayout, codec: ObjectCodec = .gzip, level: Int = 0) {
    self.layout = layout
    self.codec = codec
    self.level = level
  }

  /// `batch/gzip/1`, `record`
  package var text: String { layout == .record ? "record" : "batch/\(codec.rawValue)/\(level)" }

  /// - Throws: class `configuration` for unknown text, which another version may have written.
  package init(text: String) throws(Failure) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if text == "record" {
      self.init(layout: .record)
    } else if parts.count == 3, parts[0] == "batch", let codec = ObjectCodec(rawValue: String(parts[1])),
      let level = Int(parts[2])
    {
      self.init(layout: .batch, codec: codec, level: level)
    } else {
      throw Failure(
        .configuration, code: "unknown_object_format",
        "a range of offsets was begun as '\(text)', which this version does not know; let the version that began it "
          + "finish it")
    }
  }
}
