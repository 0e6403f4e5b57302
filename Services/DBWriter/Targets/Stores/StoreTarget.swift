import Catalogue
import Messages
import Postgres

/// `gogobe.stores.ingest`: chains, sub-chains and stores.
package struct StoreTarget: WriteTarget {
  package let name = "stores"
  package let topics = [Topics.storesIngest]
  package let elements: String? = "stores"
  package let staging = [StoreSQL.files, StoreSQL.stores]

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { StoreSQL.merge }

  private final class Reader: TargetReader {
    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      let message: StoresIngest
      do {
        message = try StoresIngest(decoding: value, limits: JSONReader.Limits())
      } catch {
        // One invalid store fails the whole message: reads every store separately.
        guard error.item != nil, let singles = JSONExcerpt.ofAll(in: "stores", of: value) else { throw error }
        try read(singles, into: &rows)
        return
      }
      try addHeader(message, &rows)
      for (index, store) in message.stores.enumerated() { add(store, index, &rows) }
    }

    private func read(_ singles: [[UInt8]], into rows: inout MessageRows) throws(DecodingFailure) {
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

    private func addHeader(_ message: StoresIngest, _ rows: inout MessageRows) throws(DecodingFailure) {
      try StagingLimits.checkKey(Array(message.chain.utf8).span.bytes, "chain")
      try StagingLimits.checkFileTime(message.fileTime)
      let id = try StagingLimits.id(Array(message.fileID.utf8).span.bytes)
      rows.tables[0].beginRow(fields: StoreSQL.files.columns.count)
      rows.tables[0].int4(rows.batch)
      rows.tables[0].text(message.chain)
      rows.tables[0].time(message.fileTime)
      rows.tables[0].id(id)
      var closes: Set<String> = []
      if message.isLast { closes = Set(message.chainIDs + message.stores.map { $0.chainID ?? "" }) }
      for chainID in closes { try StagingLimits.checkText(chainID, "chain_id", limit: StagingLimits.keyBytes) }
      rows.tables[0].texts(closes.sorted())
      rows.tables[0].texts([])
      rows.headerCounts = !closes.isEmpty
    }

    private func add(_ store: StoresIngest.Store, _ index: Int, _ rows: inout MessageRows) {
      do {
        try check(store, index)
      } catch {
        rows.refuse(index, error)
        return
      }
      rows.tables[1].beginRow(fields: StoreSQL.stores.columns.count)
      rows.tables[1].int4(rows.batch)
      rows.tables[1].int4(Int32(index))
      rows.tables[1].text(store.chainID ?? "")
      rows.tables[1].textOrNull(store.chainName)
      rows.tables[1].text(store.subChainID ?? "")
      rows.tables[1].textOrNull(store.subChainName)
      rows.tables[1].text(store.storeID)
      rows.tables[1].textOrNull(store.name)
      rows.tables[1].integerOrNull(store.type)
      rows.tables[1].textOrNull(store.address)
      rows.tables[1].textOrNull(store.city)
      rows.tables[1].textOrNull(store.zip)
      rows.tables[1].decimalOrNull(store.latitude)
      rows.tables[1].decimalOrNull(store.longitude)
      rows.keep()
    }

    private func check(_ store: StoresIngest.Store, _ index: Int) throws(DecodingFailure) {
      try StagingLimits.checkKey(Array(store.storeID.utf8).span.bytes, "store_id", index)
      let keys: [(String?, StaticString)] = [(store.chainID, "chain_id"), (store.subChainID, "sub_chain_id")]
      for (text, field) in keys {
        try StagingLimits.checkText(text, field, index, limit: StagingLimits.keyBytes)
      }
      let texts: [(String?, StaticString)] = [
        (store.chainName, "chain_name"), (store.subChainName, "sub_chain_name"), (store.name, "name"),
        (store.address, "address"), (store.city, "city"), (store.zip, "zip"),
      ]
      for (text, field) in texts { try StagingLimits.checkText(text, field, index) }
    }
  }
}
