import Catalogue
import Messages
import Postgres
import Values

/// `gogobe.files.parsed`: the parser's part of the view `files`.
package struct FileTarget: WriteTarget {
  package let name = "files"
  package let topics = [Topics.filesParsed]
  package let staging = [FileSQL.files]

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { [FileSQL.merge] }

  private final class Reader: TargetReader {
    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      let file = try FileParsed(decoding: value, limits: JSONReader.Limits())
      let id = try StagingLimits.id(Array(file.fileID.utf8).span.bytes)
      try check(file)
      rows.tables[0].beginRow(fields: FileSQL.files.columns.count)
      rows.tables[0].int4(rows.batch)
      rows.tables[0].id(id)
      for text in [
        file.chain, file.chainID, file.subChainID, file.storeID, file.fileName, file.kind?.rawValue, file.dialect,
        file.outcome, file.reason,
      ] { rows.tables[0].textOrNull(text) }
      for count in [
        file.rows, file.distinctCodes, file.duplicates, file.rejected, file.itemReferences, file.batches,
      ] { rows.tables[0].int8(count) }
      rows.tables[0].jsonb(object(file.unknownElements))
      rows.tables[0].textOrNull(file.compression?.rawValue)
      rows.tables[0].textOrNull(file.encoding)
      rows.tables[0].int8(file.bytes)
      rows.tables[0].int8(file.xmlBytes)
      rows.tables[0].time(file.fileTime)
      for time in [file.discoveredAt, file.downloadedAt, file.parsedAt] { rows.tables[0].timeOrNull(time) }
      for count in [file.parseMilliseconds, file.newMasters, file.matched] { rows.tables[0].int8(count) }
      rows.tables[0].jsonb(object(file.defects))
      rows.tables[0].jsonb(object(file.unknownWords))
      rows.keep()
    }

    private func check(_ file: FileParsed) throws(DecodingFailure) {
      try StagingLimits.checkKey(Array(file.chain.utf8).span.bytes, "chain")
      for (text, field) in [(file.chainID, "chain_id"), (file.subChainID, "sub_chain_id"), (file.storeID, "store_id")]
        as [(String?, StaticString)] {
        try StagingLimits.checkText(text, field, limit: StagingLimits.keyBytes)
      }
      for (text, field) in [
        (file.fileName, "file_name"), (file.dialect, "dialect"), (file.outcome, "outcome"), (file.reason, "reason"),
        (file.encoding, "encoding"),
      ] as [(String?, StaticString)] { try StagingLimits.checkText(text, field) }
      for counts in [file.unknownElements, file.defects, file.unknownWords] {
        for name in counts.keys { try StagingLimits.checkText(name, "counts") }
      }
    }

    private func object(_ counts: [String: Int64]) -> [UInt8] {
      var json = JSONWriter()
      counts.write(to: &json)
      return json.array()
    }
  }
}

/// The staging table and the merge of parsed files. Of a file that is parsed again the last record counts.
enum FileSQL {
  static let files = StagingTable("staged_files", .element, [
    "batch int NOT NULL", "file_id uuid NOT NULL", "chain text NOT NULL", "chain_id text", "sub_chain_id text",
    "store_id text", "file_name text NOT NULL", "kind text", "dialect text", "outcome text NOT NULL", "reason text",
    "rows bigint NOT NULL", "distinct_codes bigint NOT NULL", "duplicates bigint NOT NULL", "rejected bigint NOT NULL",
    "item_refs bigint NOT NULL", "batches bigint NOT NULL", "unknown_elements jsonb NOT NULL", "compression text",
    "encoding text", "bytes bigint NOT NULL", "xml_bytes bigint NOT NULL", "file_time timestamptz NOT NULL",
    "discovered_at timestamptz", "downloaded_at timestamptz", "parsed_at timestamptz", "parse_ms bigint NOT NULL",
    "new_masters bigint NOT NULL", "matched bigint NOT NULL", "defects jsonb NOT NULL", "unknown_words jsonb NOT NULL",
  ])

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
