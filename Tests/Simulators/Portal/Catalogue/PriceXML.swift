import Core

/// Price and full files in the three dialects the simulated chains speak.
enum PriceXML {
  static func document(_ file: PortalFile, rows: [CatalogueGenerator.Row]) -> [UInt8] {
    var xml = XMLText(file.chain, capacity: 800 + rows.count * 1_000)
    xml.open("Root")
    switch file.chain.dialect {
    case .a:
      xml.element("XmlDocVersion", "19")
      xml.element("ChainId", file.chain.chainID)
      xml.element("SubChainId", "1")
      xml.element("StoreId", file.storeID)
      xml.element("BikoretNo", "8")
      xml.element("DllVerNo", "9.4.0.50")
      xml.open("Items", attributes: " Count=\"\(rows.count)\"")
    case .b:
      xml.element("ChainId", file.chain.chainID)
      xml.element("SubChainId", "1")
      xml.element("StoreId", String(file.storeID.drop { $0 == "0" }))
      xml.element("BikoretNo", "1")
      xml.open("Items")
    case .e:
      xml.element("ChainID", file.chain.chainID)
      xml.element("SubChainID", "001")
      xml.element("StoreID", file.storeID)
      xml.element("BikoretNo", "7")
      xml.open("Items")
    }
    for row in rows {
      xml.open("Item")
      switch file.chain.dialect {
      case .a: dialectA(row, file.chain, &xml)
      case .b: dialectB(row, file.chain, &xml)
      case .e: dialectE(row, file.chain, &xml)
      }
      xml.close("Item")
    }
    xml.close("Items")
    xml.close("Root")
    return xml.bytes
  }

  private static func dialectA(_ row: CatalogueGenerator.Row, _ chain: ChainProfile, _ xml: inout XMLText) {
    let product = row.product
    let name = product.name(in: chain)
    xml.element("PriceUpdateDate", row.updated.text("Y-M-D h:m:s"))
    xml.element("ItemCode", row.code)
    xml.element("ItemType", "1")
    xml.element("ItemName", name)
    xml.element("ManufacturerName", product.manufacturer)
    xml.element("ManufactureCountry", product.country)
    xml.element("ManufacturerItemDescription", name)
    xml.element("UnitQty", product.unitName(plural: true))
    xml.element("Quantity", "\(product.amount).00")
    xml.element("UnitOfMeasure", product.unitOfMeasure)
    xml.element("bIsWeighted", product.weighted ? "1" : "0")
    xml.element("QtyInPackage", "לא ידוע")
    xml.element("ItemPrice", chain.priceText(row.price))
    xml.element("UnitOfMeasurePrice", product.unitPrice(row.price, decimals: 4))
    xml.element("AllowDiscount", "1")
    xml.element("ItemStatus", "1")
    xml.element("ItemId", String(1_000_000 + product.index))
  }

  private static func dialectB(_ row: CatalogueGenerator.Row, _ chain: ChainProfile, _ xml: inout XMLText) {
    let product = row.product
    let name = product.name(in: chain)
    xml.element("PriceUpdateDate", row.updated.text("Y-M-D h:m:00"))
    xml.element("ItemCode", row.code)
    xml.element("ItemType", "1")
    xml.element("ItemNm", name)
    xml.element("ManufacturerName", product.manufacturer)
    xml.element("ManufactureCountry", product.country)
    xml.element("ManufacturerItemDescription", name)
    xml.element("UnitQty", product.unitName(plural: false))
    xml.element("Quantity", String(product.amount))
    xml.element("UnitOfMeasure", product.unitOfMeasure + "  ")
    xml.element("bIsWeighted", product.weighted ? "1" : "0")
    xml.element("QtyInPackage", "1.0000")
    xml.element("ItemPrice", chain.priceText(row.price))
    xml.element("UnitOfMeasurePrice", product.unitPrice(row.price, decimals: 4))
    xml.element("AllowDiscount", "1")
    xml.element("ItemStatus", "1")
  }

  private static func dialectE(_ row: CatalogueGenerator.Row, _ chain: ChainProfile, _ xml: inout XMLText) {
    let product = row.product
    let name = product.name(in: chain)
    xml.element("PriceUpdateTime", row.updated.text("Y-M-DTh:m:s") + (product.index % 3 == 0 ? "" : ".000"))
    xml.element("ItemCode", row.code)
    xml.element("LastSaleDateTime", (row.updated + -86_400).text("Y-M-DTh:m:s.000"))
    xml.element("ItemType", "1")
    xml.element("ItemName", name)
    xml.element("ManufactureName", product.manufacturer)
    xml.element("ManufactureCountry", product.country)
    xml.element("ManufactureItemDescription", name)
    xml.element("UnitQty", product.unitName(plural: false))
    xml.element("Quantity", "\(product.amount).00")
    xml.element("UnitOfMeasure", product.unitOfMeasure)
    xml.element("bIsWeighted", product.weighted ? "1" : "0")
    xml.element("QtyInPackage", "לא ידוע")
    xml.element("ItemPrice", chain.priceText(row.price))
    xml.element("UnitOfMeasurePrice", product.unitPrice(row.price, decimals: 2))
    xml.element("AllowDiscount", "1")
    xml.element("ItemStatus", "")
  }
}

extension Product {
  func unitName(plural: Bool) -> String {
    switch measure {
    case .grams: plural ? "גרמים" : "גרם"
    case .millilitres: plural ? "מיליליטרים" : "מ\"ל"
    case .pieces: plural ? "יחידות" : "יח'"
    }
  }

  var unitOfMeasure: String {
    switch measure {
    case .grams: "100 גרם"
    case .millilitres: "100 מ\"ל"
    case .pieces: "1 יח'"
    }
  }

  /// Shekels for one unit of measure, truncated to `decimals` digits.
  func unitPrice(_ agorot: Int, decimals: Int) -> String {
    let scale = decimals == 4 ? 10_000 : 100
    let scaled = agorot * (measure == .pieces ? 1 : 100) * scale / (100 * max(1, amount))
    return "\(scaled / scale).\(zeroPadded(scaled % scale, decimals))"
  }
}
