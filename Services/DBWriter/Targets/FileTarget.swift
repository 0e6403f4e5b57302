import Catalogue
import Messages
import Postgres
import Values

extension WriteTarget {
  /// `gogobe.files.parsed`: the parser's part of the view `files`.
  static let files = messages(
    "files", of: [Topics.filesParsed], into: FileSQL.files, FileSQL.columns, merge: [FileSQL.merge]
  ) { file throws(DecodingFailure) in
    for counts in [file.unknownElements, file.defects, file.unknownWords] {
      for name in counts.keys { try StagingLimits.checkText(name, "counts") }
    }
    return true
  }
}

/// The staging table and the merge of parsed files. Of a file that is parsed again the last record counts.
enum FileSQL {
  static let columns: [Column<FileParsed>] = [
    .id("file_id", \.fileID), .key("chain", \.chain),
    .text("chain_id", limit: StagingLimits.keyBytes, \.chainID),
    .text("sub_chain_id", limit: StagingLimits.keyBytes, \.subChainID),
    .text("store_id", limit: StagingLimits.keyBytes, \.storeID), .text("file_name", \.fileName),
    .text("kind", \.kind?.rawValue), .text("dialect", \.dialect), .text("outcome", \.outcome),
    .text("reason", \.reason), .integer("rows", \.rows), .integer("distinct_codes", \.distinctCodes),
    .integer("duplicates", \.duplicates), .integer("rejected", \.rejected), .integer("item_refs", \.itemReferences),
    .integer("batches", \.batches), .json("unknown_elements", \.unknownElements),
    .text("compression", \.compression?.rawValue), .text("encoding", \.encoding),
    .integer("bytes", \.bytes), .integer("xml_bytes", \.xmlBytes), .time("file_time", \.fileTime),
    .time("discovered_at", \.discoveredAt), .time("downloaded_at", \.downloadedAt),
    .time("parsed_at", \.parsedAt), .integer("parse_ms", \.parseMilliseconds),
    .integer("new_masters", \.newMasters), .integer("matched", \.matched), .json("defects", \.defects),
    .json("unknown_words", \.unknownWords),
  ]
  static let files = StagingTable("staged_files", .element, columns)

  static let merge = MergeStatement("merge files", into: "parsed_files", """
    INSERT INTO parsed_files AS p (\(files.names.listed()))
    SELECT DISTINCT ON (file_id) \(files.names.listed())
    FROM staged_files
    ORDER BY file_id, parsed_at DESC NULLS LAST, batch
    ON CONFLICT (file_id) DO UPDATE SET
      \(files.names.dropFirst().takenOver)
    WHERE EXCLUDED.parsed_at > p.parsed_at OR p.parsed_at IS NULL
    """)
}
