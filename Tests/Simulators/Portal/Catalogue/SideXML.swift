/// The other files: stores and promotions. Readers of prices skip them.
enum SideXML {
  static func stores(_ file: PortalFile, count: Int, dice: Dice) -> [UInt8] {
    let upper = file.chain.dialect == .e
    var xml = XMLText(file.chain, capacity: 800 + count * 400)
    xml.open("Root")
    xml.element(upper ? "ChainID" : "ChainId", file.chain.chainID)
    xml.element("ChainName", file.chain.hebrewName)
    xml.element("LastUpdateDate", file.time.text("Y-M-D"))
    xml.element("LastUpdateTime", file.time.text("h:m:s"))
    xml.open("SubChains")
    xml.open("SubChain")
    xml.element(upper ? "SubChainID" : "SubChainId", "1")
    xml.element("SubChainName", file.chain.hebrewName)
    xml.open("Stores")
    for store in 0..<count {
      let city = Lexicon.cities[dice.pick(Lexicon.cities.count, .city, file.chain.ordinal, store)]
      let street = Lexicon.streets[dice.pick(Lexicon.streets.count, .street, file.chain.ordinal, store)]
      xml.open("Store")
      xml.element(upper ? "StoreID" : "StoreId", file.chain.storeID(store))
      xml.element("BikoretNo", String(store % 10))
      xml.element("StoreType", "1")
      xml.element("StoreName", storeName(file.chain, store, dice))
      xml.element("Address", "\(street) \(store * 7 + 1)")
      xml.element("City", city)
      xml.element("ZipCode", "unknown")
      xml.close("Store")
    }
    xml.close("Stores")
    xml.close("SubChain")
    xml.close("SubChains")
    xml.close("Root")
    return xml.bytes
  }

  static func storeName(_ chain: ChainProfile, _ store: Int, _ dice: Dice) -> String {
    "\(chain.hebrewName) \(Lexicon.cities[dice.pick(Lexicon.cities.count, .city, chain.ordinal, store)])"
  }

  /// The promotion about a row: its number and the price it is sold at, in agorot.
  static func sale(
    of row: CatalogueGenerator.Row, in file: PortalFile, dice: Dice
  ) -> (id: String, agorot: Int) {
    let percent = 60 + dice.pick(35, .sale, row.product.index, file.chain.ordinal, file.store)
    return (String(1_300_000 + row.product.index), row.price * percent / 100)
  }

  static func promotions(_ file: PortalFile, rows: [CatalogueGenerator.Row], dice: Dice) -> [UInt8] {
    var xml = XMLText(file.chain, capacity: 800 + rows.count * 1_500)
    xml.open("Root")
    xml.element(file.chain.dialect == .e ? "ChainID" : "ChainId", file.chain.chainID)
    xml.element(file.chain.dialect == .e ? "SubChainID" : "SubChainId", "1")
    xml.element(file.chain.dialect == .e ? "StoreID" : "StoreId", file.storeID)
    xml.element("BikoretNo", "4")
    xml.open("Promotions", attributes: file.chain.dialect == .a ? " Count=\"\(rows.count)\"" : "")
    for row in rows {
      let sale = sale(of: row, in: file, dice: dice)
      xml.open("Promotion")
      xml.element("PromotionId", sale.id)
      xml.element("PromotionDescription", "\(row.product.name) במבצע")
      xml.element("PromotionUpdateDate", file.time.text("Y-M-D h:m"))
      xml.element("PromotionStartDate", file.time.text("Y-M-D"))
      xml.element("PromotionStartHour", "00:00:00")
      xml.element("PromotionEndDate", (file.time + 14 * 86_400).text("Y-M-D"))
      xml.element("PromotionEndHour", "23:59:00")
      xml.element("RewardType", "1")
      xml.element("AllowMultipleDiscounts", "1")
      xml.element("MinQty", "1.00")
      xml.element("DiscountedPrice", file.chain.priceText(sale.agorot))
      xml.open("PromotionItems")
      xml.open("Item")
      xml.element("ItemCode", row.code)
      xml.element("ItemType", "1")
      xml.element("IsGiftItem", "0")
      xml.close("Item")
      xml.close("PromotionItems")
      xml.close("Promotion")
    }
    xml.close("Promotions")
    xml.close("Root")
    return xml.bytes
  }
}
