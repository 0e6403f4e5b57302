/// Small files of each dialect, written by hand after the published ones.
enum Fixtures {
  static let cerberus = """
    \u{FEFF}<Root>\r
      <XmlDocVersion>1.0</XmlDocVersion>\r
      <ChainId>7290058140886</ChainId>\r
      <SubChainId>001</SubChainId>\r
      <StoreId>029</StoreId>\r
      <BikoretNo>2</BikoretNo>\r
      <DllVerNo>8.0.1.3</DllVerNo>\r
      <Items Count="2">\r
        <Item>\r
          <PriceUpdateDate>2023-10-02 09:15:30</PriceUpdateDate>\r
          <ItemCode>7290000149844</ItemCode>\r
          <ItemType>1</ItemType>\r
          <ItemName>גבינה &quot;עמק&quot; 28%  </ItemName>\r
          <ManufacturerName>תנובה</ManufacturerName>\r
          <ManufactureCountry>IL</ManufactureCountry>\r
          <ManufacturerItemDescription>גבינה</ManufacturerItemDescription>\r
          <UnitQty>גרם</UnitQty>\r
          <Quantity>200.00</Quantity>\r
          <bIsWeighted>0</bIsWeighted>\r
          <UnitOfMeasure>100 גרם  </UnitOfMeasure>\r
          <QtyInPackage>לא ידוע</QtyInPackage>\r
          <ItemPrice>19.90</ItemPrice>\r
          <UnitOfMeasurePrice>9.9500</UnitOfMeasurePrice>\r
          <AllowDiscount>1</AllowDiscount>\r
          <ItemStatus>1</ItemStatus>\r
          <ItemId>123</ItemId>\r
        </Item>\r
        <Item>\r
          <PriceUpdateDate>2023-01-02 09:15</PriceUpdateDate>\r
          <ItemCode>0042</ItemCode>\r
          <ItemType>0</ItemType>\r
          <ItemName>עגבניות</ItemName>\r
          <ManufacturerName/>\r
          <ManufactureCountry/>\r
          <ManufacturerItemDescription/>\r
          <UnitQty>ק"ג</UnitQty>\r
          <Quantity>1</Quantity>\r
          <bIsWeighted>1</bIsWeighted>\r
          <UnitOfMeasure>ק"ג</UnitOfMeasure>\r
          <QtyInPackage>0</QtyInPackage>\r
          <ItemPrice>7.9</ItemPrice>\r
          <UnitOfMeasurePrice>7.9</UnitOfMeasurePrice>\r
          <AllowDiscount>1</AllowDiscount>\r
          <ItemStatus>1</ItemStatus>\r
          <ItemId>124</ItemId>\r
        </Item>\r
      </Items>\r
    </Root>
    """

  static let bina = """
    <Root>\r
      <ChainId>7290058108879</ChainId>\r
      <SubChainId>1</SubChainId>\r
      <StoreId>28</StoreId>\r
      <BikoretNo>1</BikoretNo>\r
      <Items>\r
        <Item>\r
          <PriceUpdateDate>2024-10-26 14:31:00</PriceUpdateDate>\r
          <ItemCode>13006</ItemCode>\r
          <ItemType>1</ItemType>\r
          <ItemNm>מלפפון</ItemNm>\r
          <ManufacturerName>לא ידוע</ManufacturerName>\r
          <UnitQty>גרם</UnitQty>\r
          <Quantity>1000</Quantity>\r
          <UnitOfMeasure>100 גרם  </UnitOfMeasure>\r
          <bIsWeighted>1</bIsWeighted>\r
          <QtyInPackage>1.0000</QtyInPackage>\r
          <ItemPrice>99</ItemPrice>\r
          <UnitOfMeasurePrice>99.0000</UnitOfMeasurePrice>\r
          <AllowDiscount>1</AllowDiscount>\r
          <ItemStatus>1</ItemStatus>\r
        </Item>\r
      </Items>\r
    </Root>
    """

  static let bigID = """
    <?xml version="1.0" encoding="utf-8"?>
    <Prices>
      <ChainID>7290875100001</ChainID>
      <SubChainID>001</SubChainID>
      <StoreID>002</StoreID>
      <Products>
        <Product>
          <PriceUpdateDate>2022/08/29 10:42</PriceUpdateDate>
          <ItemCode>1</ItemCode>
          <ItemName>אבוקדו</ItemName>
          <ManufactureName>ביכורי השדה</ManufactureName>
          <ManufactureCountry />
          <ManufactureItemDescription />
          <UnitQty>ק"ג</UnitQty>
          <Quantity>1</Quantity>
          <UnitMeasure />
          <BisWeighted>1</BisWeighted>
          <QtyInPackage>1</QtyInPackage>
          <ItemPrice>14.90</ItemPrice>
          <UnitOfMeasurePrice>14.90</UnitOfMeasurePrice>
          <AllowDiscount>1</AllowDiscount>
          <itemStatus>1</itemStatus>
          <LastUpdateDate />
          <LastUpdateTime />
        </Product>
      </Products>
    </Prices>
    """

  static let shufersal = """
    <?xml version="1.0" encoding="utf-8"?><root><ChainId>7290027600007</ChainId><SubChainId>001</SubChainId>\
    <StoreId>001</StoreId><BikoretNo>6</BikoretNo><Items Count="1"><Item><PriceUpdateDate>2015-01-06 07:24\
    </PriceUpdateDate><ItemCode>11210000094</ItemCode><ItemName>רוטב טבסקו 60 מ"ל</ItemName><ManufacturerName>ניצן\
    </ManufacturerName><UnitQty>מיליליטרים</UnitQty><Quantity>60.00</Quantity><bIsWeighted>0</bIsWeighted>\
    <UnitOfMeasure>100 מיליליטר</UnitOfMeasure><ItemPrice>9.99</ItemPrice><UnitOfMeasurePrice>16.6500\
    </UnitOfMeasurePrice><ItemStatus>1</ItemStatus></Item></Items></root>
    """

  static let common2026 = """
    <Root>
      <ChainID>7290058140886</ChainID>
      <SubChainID>001</SubChainID>
      <StoreID>732</StoreID>
      <BikoretNo>7</BikoretNo>
      <Items>
        <Item>
          <PriceUpdateTime>2026-08-23T06:56:41.250</PriceUpdateTime>
          <ItemCode>8719326034096</ItemCode>
          <LastSaleDateTime>2026-08-20T08:14:10.000</LastSaleDateTime>
          <ItemType>1</ItemType>
          <ItemName>תמר מג'הול 500 גרם</ItemName>
          <ManufactureName>לא ידוע</ManufactureName>
          <ManufactureCountry>לא ידוע</ManufactureCountry>
          <ManufactureItemDescription>תמר</ManufactureItemDescription>
          <UnitQty>גרם</UnitQty>
          <Quantity>500.00</Quantity>
          <UnitOfMeasure>100 גרם</UnitOfMeasure>
          <bIsWeighted>0</bIsWeighted>
          <QtyInPackage>לא ידוע</QtyInPackage>
          <ItemPrice>14.40</ItemPrice>
          <UnitOfMeasurePrice>2.88</UnitOfMeasurePrice>
          <AllowDiscount>1</AllowDiscount>
          <ItemStatus />
        </Item>
      </Items>
    </Root>
    """

  static let superPharm = """
    <?xml version="1.0" encoding="ISO-8859-8" standalone="no" ?>
    <OrderXml xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    \t<Envelope>
    \t\t<ChainId>7290172900007</ChainId>
    \t\t<SubChainId>100</SubChainId>
    \t\t<StoreId>83</StoreId>
    \t\t<Header>
    \t\t\t<Details>
    \t\t\t\t<Line>
    \t\t\t\t\t<PriceUpdateDate>2024-03-03</PriceUpdateDate>
    \t\t\t\t\t<ItemCode>7290000149844</ItemCode>
    \t\t\t\t\t<ItemName>סינטבון</ItemName>
    \t\t\t\t\t<ManufacturerName>החברה הדרומית</ManufacturerName>
    \t\t\t\t\t<UnitQty></UnitQty>
    \t\t\t\t\t<Quantity>0</Quantity>
    \t\t\t\t\t<blsWeighted>0</blsWeighted>
    \t\t\t\t\t<ItemPrice>13.9</ItemPrice>
    \t\t\t\t\t<ItemStatus>0</ItemStatus>
    \t\t\t\t</Line>
    \t\t\t</Details>
    \t\t</Header>
    \t</Envelope>
    </OrderXml>
    """

  static let all: [(name: String, text: String)] = [
    ("cerberus", cerberus), ("bina", bina), ("bigid", bigID), ("shufersal", shufersal), ("common_2026", common2026),
    ("super_pharm", superPharm),
  ]

  /// A file of `count` rows in the Cerberus form; `row` may replace the text of a row.
  static func many(_ count: Int, row: (Int) -> String? = { _ in nil }) -> String {
    var text = "<Root><ChainId>7290058140886</ChainId><StoreId>29</StoreId><Items>\n"
    for index in 0..<count {
      text += row(index) ?? """
          <Item>
            <PriceUpdateDate>2025-01-0\(index % 9 + 1) 10:00</PriceUpdateDate>
            <ItemCode>\(1_000 + index)</ItemCode>
            <ItemName>מוצר \(index)</ItemName>
            <ItemPrice>\(index % 50).90</ItemPrice>
          </Item>

        """
    }
    return text + "</Items></Root>"
  }

  /// windows-1255, as Foundation decodes it.
  static func windows1255(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { scalar in
      switch scalar.value {
      case 0..<0x80: UInt8(scalar.value)
      case 0x5D0...0x5EA: UInt8(scalar.value - 0x5D0 + 0xE0)
      default: UInt8(ascii: "?")
      }
    }
  }

  static func utf16(_ text: String, bigEndian: Bool, marked: Bool) -> [UInt8] {
    let plain = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    return ((marked ? "\u{FEFF}" : "") + plain).utf16.flatMap { unit -> [UInt8] in
      bigEndian ? [UInt8(unit >> 8), UInt8(unit & 0xFF)] : [UInt8(unit & 0xFF), UInt8(unit >> 8)]
    }
  }
}
