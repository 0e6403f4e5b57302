import Messages
import Values

extension ProductMaster {
  /// The record of a new master, from the row it was first met in.
  ///
  /// - Parameters:
  ///   - text: of the same row; decides the size that other rows are compared with.
  package init(
    new key: MasterKey, name: String, brand: String?, text: ProductText, sourceFileID: String, mintedAt: Timestamp
  ) {
    self.init(
      masterID: key.text, gtin: key.isName ? nil : String(key.text.dropFirst(MasterKey.gtinPrefix.utf8.count)),
      name: name, brand: brand, quantity: text.size?.quantity, unit: text.size?.unit, sourceFileID: sourceFileID,
      mintedAt: mintedAt)
  }
}
