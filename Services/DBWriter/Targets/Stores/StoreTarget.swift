import Catalogue
import Messages
import Postgres

extension WriteTarget {
  /// `gogobe.stores.ingest`: chains, sub-chains and stores.
  static let stores = WriteTarget(
    name: "stores", topics: [Topics.storesIngest], elements: "stores", staging: [StoreSQL.files, StoreSQL.stores],
    merge: StoreSQL.merge
  ) { StoreRows.read }
}

private enum StoreRows {
  static func read(_ value: RawSpan, _ rows: inout MessageRows) throws(DecodingFailure) {
    let message: StoresIngest
    do {
      message = try StoresIngest(decoding: value, limits: JSONReader.Limits())
    } catch {
      // One invalid store fails the whole message: reads every store separately.
      guard error.item != nil, let singles = JSONExcerpt.ofAll(in: "stores", of: value) else { throw error }
      try read(singles, &rows)
      return
    }
    try addHeader(message, &rows)
    for (index, store) in message.stores.enumerated() { add(store, index, &rows) }
  }

  private static func read(_ singles: [[UInt8]], _ rows: inout MessageRows) throws(DecodingFailure) {
    for (index, single) in singles.enumerated() {
      let message: StoresIngest
      do {
        message = try StoresIngest(decoding: single)
      } catch {
        guard error.item != nil else { throw error }
        var failure = error
        failure.item = index
        rows.refuse(index, failure)
        continue
      }
      if rows.kept == 0 { try addHeader(message, &rows) }
      for store in message.stores { add(store, index, &rows) }
    }
  }

  private static func addHeader(_ message: StoresIngest, _ rows: inout MessageRows) throws(DecodingFailure) {
    var closes: Set<String> = []
    if message.isLast { closes = Set(message.chainIDs + message.stores.map { $0.chainID ?? "" }) }
    for chainID in closes { try StagingLimits.checkText(chainID, "chain_id", limit: StagingLimits.keyBytes) }
    try rows.tables[0].file(
      batch: rows.batch, chain: message.chain, time: message.fileTime, fileID: message.fileID, closes: closes.sorted())
    rows.headerCounts = !closes.isEmpty
  }

  private static func add(_ store: StoresIngest.Store, _ index: Int, _ rows: inout MessageRows) {
    let mark = rows.tables[1].mark
    do {
      try rows.tables[1].append(store, StoreSQL.columns, rows.batch, Int32(index))
      rows.keep()
    } catch {
      rows.tables[1].rewind(to: mark)
      var failure = error
      failure.item = index
      rows.refuse(index, failure)
    }
  }
}
