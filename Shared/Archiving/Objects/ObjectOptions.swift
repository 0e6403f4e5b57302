import ArgumentParser
import Core
import Options
import Pipeline

/// How objects are packed, and when they are written.
package struct ObjectOptions: ParsableArguments {
  @Option(help: "How objects of lines are packed.")
  package var codec = ObjectCodec.gzip

  @Option(help: "Effort of the codec: gzip 1...9, zstd 1...19; 0 is 1 for gzip and 3 for zstd.")
  package var codecLevel = 0

  @Option(help: ArgumentHelp(
    "Memory of one partition's records, before packing, that makes its objects be written.", valueName: "size"))
  package var rotateBytes = ByteSize.mib(16)

  @Option(help: "Records of one partition that make its objects be written.")
  package var rotateRecords = 200_000

  @Option(help: ArgumentHelp("Longest time a record waits before its object is written.", valueName: "time"))
  package var rotateInterval = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "Memory of all records that wait, before packing; beyond half of it the largest partitions are written early.",
    valueName: "size"))
  package var bufferBytes = ByteSize.mib(64)

  @Option(help: "Objects that are packed and sent at the same time.")
  package var uploads = 16

  @Flag(inversion: .prefixedNo, help: "Make the bucket or folder when it is missing.")
  package var createStore = true

  package init() {}

  package func validate() throws {
    guard rotateBytes.bytes > 0, rotateRecords > 0, rotateInterval.duration > .zero else {
      throw ValidationError("--rotate-bytes, --rotate-records and --rotate-interval must be above zero")
    }
    guard bufferBytes.bytes >= 1 << 20 else { throw ValidationError("--buffer-bytes must be at least 1MiB") }
    guard (1...256).contains(uploads) else { throw ValidationError("--uploads must be 1 to 256") }
    let levels = codec == .zstd ? 0...19 : 0...9
    guard levels.contains(codecLevel) else {
      throw ValidationError("--codec-level must be \(levels) for \(codec.rawValue)")
    }
  }

  package func format(_ layout: ObjectLayout) -> ObjectFormat {
    ObjectFormat(layout: layout, codec: codec, level: codecLevel)
  }

  package var policy: GenerationPolicy {
    GenerationPolicy(
      records: rotateRecords, bytes: rotateBytes.bytes, age: rotateInterval.duration, budget: bufferBytes.bytes)
  }
}

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
