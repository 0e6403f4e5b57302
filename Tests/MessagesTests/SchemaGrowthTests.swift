import Foundation
import Messages
import TestSupport
import Testing
import Values

/// A schema may only grow: the fields of version 1 stay, with their names and JSON types, and what
/// it wrote is read for ever. Lines may be added to this file; none may be changed or removed.
@Suite struct SchemaGrowthTests {
  private static let discovered: [String: String] = [
    "chain": "string", "url": "string", "timestamp": "string", "file_name": "string", "file_type": "string",
    "store_id": "string", "size": "number", "fingerprint": "string", "file_time": "string",
  ]
  private static let downloaded: [String: String] = [
    "chain": "string", "s3_path": "string", "local_path": "null", "url": "string", "file_name": "string",
    "file_type": "string", "store_id": "string", "file_time": "string", "sha256": "string", "bytes": "number",
    "compression": "string", "discovered_at": "string", "downloaded_at": "string",
  ]
  private static let ingest: [String: String] = [
    "batch_id": "string", "chain": "string", "chain_id": "string", "sub_chain_id": "string", "store_id": "string",
    "file_id": "string", "file_name": "string", "file_type": "string", "file_time": "string", "sequence": "number",
    "first_row": "number", "items": "array",
  ]
  private static let item: [String: String] = [
    "ean": "string", "price": "string", "master_id": "string", "name": "string", "manufacturer": "string",
    "unit_qty": "string", "quantity": "string", "unit_of_measure": "string", "unit_price": "string",
    "is_weighted": "bool", "price_updated_at": "string", "row": "number",
  ]

  private func types(_ object: [String: Any]) -> [String: String] {
    object.mapValues { value in
      switch value {
      case is NSNull: "null"
      case is String: "string"
      case is [Any]: "array"
      case let number as NSNumber: CFBoolean(number) ? "bool" : "number"
      default: "object"
      }
    }
  }

  private func CFBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

  private func object(_ bytes: [UInt8]) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }

  private func expectKept(_ frozen: [String: String], in object: [String: Any], _ schema: String) {
    let now = types(object)
    for (field, type) in frozen {
      #expect(now[field] == type, "\(schema).\(field) was \(type) in version 1")
    }
  }

  @Test func everyFieldOfVersion1IsStillWritten() throws {
    expectKept(Self.discovered, in: try object(Samples.discovered.encoded()), "gogobe.files.discovered")
    expectKept(Self.downloaded, in: try object(Samples.downloaded.encoded()), "gogobe.files.downloaded")
    let ingest = try object(Samples.ingest.encoded())
    expectKept(Self.ingest, in: ingest, "gogobe.products.ingest")
    let items = try #require(ingest["items"] as? [[String: Any]])
    expectKept(Self.item, in: try #require(items.first), "gogobe.products.ingest.items")
  }

  @Test func theSmallestMessagesOfVersion1AreRead() throws {
    let discovered = try FileDiscovered(decoding: Array("""
      {"chain":"c","url":"https://h/d/Price%31.gz?sig=a/b","timestamp":"2025-01-20T01:05:00Z"}
      """.utf8))
    #expect(discovered == FileDiscovered(
      chain: "c", url: "https://h/d/Price%31.gz?sig=a/b", timestamp: time("2025-01-20T01:05:00Z"),
      fileName: "Price1.gz"))

    let downloaded = try FileDownloaded(
      decoding: Array(#"{"chain":"c","s3_path":"s3://b/k/n.gz","local_path":null}"#.utf8))
    #expect(downloaded == FileDownloaded(chain: "c", s3Path: "s3://b/k/n.gz", localPath: nil, fileName: "n.gz"))
    let local = try FileDownloaded(decoding: Array(#"{"chain":"c","s3_path":null,"local_path":"/k/n"}"#.utf8))
    #expect(local == FileDownloaded(chain: "c", s3Path: nil, localPath: "/k/n", fileName: "n"))

    let ingest = try ProductsIngest(decoding: Array("""
      {"batch_id":"b","items":[{"ean":"1","price":12.90,"master_id":"m"},{"ean":"2","price":"3.5","master_id":"m"}],\
      "chain":"c","store_id":"1","file_id":"f","file_time":"2025-01-20T01:05:00Z"}
      """.utf8))
    #expect(ingest.items.map(\.row) == [0, 1])
    #expect(ingest.items.map(\.price.description) == ["12.90", "3.5"])
    #expect(ingest.header.fileType == nil && ingest.header.chainID == nil)
  }

  @Test func fieldsOfALaterVersionAreIgnored() throws {
    func grown(_ bytes: [UInt8]) -> [UInt8] {
      let later = #"{"later":{"a":[1,-2.5e+3,"\u05d0",null,true,{}]},"#
      let text = String(decoding: bytes, as: UTF8.self)
      // Into every object: the message and its items.
      return Array(text.replacingOccurrences(of: "{", with: later).utf8)
    }
    #expect(try FileDiscovered(decoding: grown(Samples.discovered.encoded())) == Samples.discovered)
    #expect(try FileDownloaded(decoding: grown(Samples.downloaded.encoded())) == Samples.downloaded)
    #expect(try ProductsIngest(decoding: grown(Samples.ingest.encoded())) == Samples.ingest)
  }
}
