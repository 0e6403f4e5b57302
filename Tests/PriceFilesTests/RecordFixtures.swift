/// Small promotion and store files of each dialect, written by hand after the published ones.
enum RecordFixtures {
  /// A: flat, one list of clubs beside the items.
  static let promotionsFlat = """
    \u{FEFF}<Root>\r
      <ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>029</StoreId>\r
      <Promotions Count="2">\r
        <Promotion>\r
          <PromotionId>1142</PromotionId>\r
          <PromotionDescription>חלב &quot;טרי&quot; 3 ב 10 </PromotionDescription>\r
          <PromotionUpdateDate>2023-12-03 07:30</PromotionUpdateDate>\r
          <PromotionStartDate>2023-12-03</PromotionStartDate><PromotionStartHour>06:00:00</PromotionStartHour>\r
          <PromotionEndDate>2024-07-02</PromotionEndDate><PromotionEndHour>23:59:00</PromotionEndHour>\r
          <RewardType>1</RewardType>\r
          <AllowMultipleDiscounts>1</AllowMultipleDiscounts>\r
          <IsWeightedPromo>0</IsWeightedPromo>\r
          <AdditionalRestrictions><AdditionalIsCoupon>0</AdditionalIsCoupon>\
    <AdditionalGiftCount>0</AdditionalGiftCount></AdditionalRestrictions>\r
          <MinQty>3.00</MinQty><MaxQty>9</MaxQty><DiscountType>0</DiscountType>\
    <DiscountedPrice>10.00</DiscountedPrice><DiscountedPricePerMida>3.33</DiscountedPricePerMida>\r
          <MinPurchaseAmnt>50.00</MinPurchaseAmnt><MinNoOfItemOfered>10</MinNoOfItemOfered>\r
          <Remarks><Remark>once a day</Remark></Remarks>\r
          <PromotionItems>\r
            <Item><ItemCode>7290000000017</ItemCode><ItemType>1</ItemType><IsGiftItem>0</IsGiftItem></Item>\r
            <Item><ItemCode>7290000000017</ItemCode><ItemType>1</ItemType><IsGiftItem>1</IsGiftItem>\
    <GiftItemPrice>0.00</GiftItemPrice></Item>\r
            <Item><ItemCode>0000000000000</ItemCode><ItemType>0</ItemType><IsGiftItem>0</IsGiftItem></Item>\r
          </PromotionItems>\r
          <Clubs><ClubId>0</ClubId><ClubId>2</ClubId></Clubs>\r
        </Promotion>\r
        <Promotion><PromotionId>1143</PromotionId><PromotionItems/></Promotion>\r
      </Promotions>\r
    </Root>
    """

  /// B: the clubs are inside the restrictions, remarks are text, and there is an unknown element.
  static let promotionsBina = """
    <Root><ChainId>7290058108879</ChainId><StoreId>1</StoreId><Promotions><Promotion><PromotionId>7</PromotionId>\
    <AdditionalRestrictions><AdditionalIsCoupon>1</AdditionalIsCoupon><Clubs><ClubId>3</ClubId></Clubs>\
    </AdditionalRestrictions><Remarks>לא כולל &lt;מבצע&gt;</Remarks><Sparkle>9</Sparkle><PromotionItems>\
    <Item><ItemCode>1</ItemCode></Item></PromotionItems></Promotion></Promotions></Root>
    """

  /// C: one row for each item.
  static let promotionsBigID = """
    <Promos><ChainID>7290696200003</ChainID><SubChainID>001</SubChainID><StoreID>097</StoreID><Sales>\
    <Sale><PromotionID>5</PromotionID><ItemCode>11</ItemCode><IsGiftItem>0</IsGiftItem><ClubID>1</ClubID>\
    <PromotionDescription>a</PromotionDescription></Sale>\
    <Sale><ItemCode>12</ItemCode><PromotionID>5</PromotionID><PromotionDescription>a</PromotionDescription></Sale>\
    <Sale><PromotionID>6</PromotionID><ItemCode>13</ItemCode><PromotionDescription>b</PromotionDescription></Sale>\
    <Sale><PromotionID>8</PromotionID><PromotionDescription>c</PromotionDescription></Sale></Sales></Promos>
    """

  /// E: groups of items with conditions of their own.
  static let promotionsGrouped = """
    <Root><ChainID>7290058140886</ChainID><SubChainID>001</SubChainID><StoreID>732</StoreID><Promotions><Promotion>
      <PromotionUpdateTime>2026-08-23T00:00:00.000</PromotionUpdateTime><PromotionID>0001421409</PromotionID>
      <PromotionStartDateTime>2026-08-04T00:00:00.000</PromotionStartDateTime>
      <PromotionEndDateTime>2026-09-01T23:59:00.000</PromotionEndDateTime><PromotionStartHour>08:30</PromotionStartHour>
      <PromotionEndHour/><MinNoOfItemOffered>10</MinNoOfItemOffered><ClubID>0 - כלל הלקוחות</ClubID>
      <IsGiftItem>1</IsGiftItem><AdditionalRestrictions/>
      <Groups>
        <Group><GroupID>1</GroupID><MinPurchaseAmount>0.00</MinPurchaseAmount><DiscountType>1</DiscountType>
          <PromotionItems><PromotionItem><ItemCode>7290000000502</ItemCode><ItemType>1</ItemType>
            <RewardType>10</RewardType><MinQty>0.010</MinQty><MaxQty>9</MaxQty><DiscountRate>46.98</DiscountRate>
            <DiscountedPrice>7.90</DiscountedPrice><bIsWeighted>1</bIsWeighted></PromotionItem></PromotionItems></Group>
        <Group><GroupID>2</GroupID><MinPurchaseAmount>20</MinPurchaseAmount><PromotionItems><PromotionItem>
          <ItemCode>7290000000502</ItemCode><RewardType>10</RewardType></PromotionItem></PromotionItems></Group>
      </Groups></Promotion></Promotions></Root>
    """

  /// A, B: branches inside sub-chains.
  static let storesNested = """
    <Root><ChainId>7290058140886</ChainId><ChainName>רמי לוי</ChainName><LastUpdateDate>2022-11-02</LastUpdateDate>\
    <SubChains><SubChain><SubChainId>001</SubChainId><SubChainName>one</SubChainName><Stores>\
    <Store><StoreId>039</StoreId><BikoretNo>3</BikoretNo><StoreType>2</StoreType><StoreName>תלפיות &amp; co</StoreName>\
    <Address/><City>3000</City><ZipCode>unknown</ZipCode></Store></Stores></SubChain>\
    <SubChain><SubChainId>2</SubChainId><Stores><Store><StoreId>39</StoreId><City>Unknown</City></Store></Stores>\
    </SubChain></SubChains></Root>
    """

  /// C: several chains in one file, coordinates.
  static let storesBigID = """
    <?xml version="1.0"?><Store Date="02/11/22" Time="06:00:01"><Branches>\
    <Branch><ChainID>7290058103393</ChainID><SubChainID>001</SubChainID><StoreID>087</StoreID><ChainName>ויקטורי</ChainName>\
    <StoreName>צמח</StoreName><ZIPCode>1510501</ZIPCode><LastUpdateDate>27/07/2022 10:03:26</LastUpdateDate>\
    <Latitude>32.70</Latitude><Longitude>35.58</Longitude></Branch>\
    <Branch><ChainID>7290696200003</ChainID><SubChainID>001</SubChainID><StoreID>001</StoreID><StoreName>b</StoreName>\
    <Latitude /><Longitude /></Branch></Branches></Store>
    """

  static let storesUpperCase = """
    \u{FEFF}<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0"><asx:values><CHAINID>7290027600007</CHAINID>\
    <STORES><STORE><SUBCHAINID>7</SUBCHAINID><STOREID>223</STOREID><BIKORETNO>7</BIKORETNO><STORETYPE>1</STORETYPE>\
    <CHAINNAME>שופרסל</CHAINNAME><STORENAME>אקספרס</STORENAME><ZIPCODE/></STORE></STORES>\
    <LASTUPDATEDATE>2022-11-02</LASTUPDATEDATE></asx:values></asx:abap>
    """

  static let storesSuperPharm = """
    <OrderXml xmlns:xsi="x"><Envelope><ChainId>7290172900007</ChainId><SubChainId>100</SubChainId><Header><Details>\
    <Line><StoreId>1</StoreId><BikoretNo>100</BikoretNo><StoreType>1</StoreType><ChainName>סופר פארם</ChainName>\
    <StoreName>צמרות</StoreName><ZipCode>0</ZipCode></Line>\
    <Line><StoreId>2</StoreId><StoreType>1</StoreType><StoreName>ניות</StoreName></Line>\
    </Details></Header></Envelope></OrderXml>
    """

  static let storesLowerCase = """
    <root><XmlDocVersion/><ChainId/><Stores><store><SubChainId>1</SubChainId><StoreId>1</StoreId><ChainName>קואופ</ChainName>\
    <StoreName>מרכז</StoreName></store></Stores></root>
    """

  static let storesChainRoot = """
    <Chain><ChainID>7290027600007</ChainID><ChainName>שופרסל</ChainName><SubChains><SubChain><SubChainID>1</SubChainID>\
    <SubChainName>שלי</SubChainName><Stores><Store><StoreID>756</StoreID><StoreName>באר יעקב</StoreName>\
    <ZIPCode>7030336</ZIPCode></Store></Stores></SubChain></SubChains></Chain>
    """

  static let storesCityMarket = """
    <Root><ChainId>7290000000003</ChainId><SubChainsXMLObject><SubChainXMLObject><SubChainId>1</SubChainId>\
    <SubChainStoresXMLObject><Store><StoreId>4</StoreId><StoreName>city</StoreName></Store></SubChainStoresXMLObject>\
    </SubChainXMLObject></SubChainsXMLObject></Root>
    """

  static let storesDataSet = """
    <NewDataSet><xs:schema id="NewDataSet" xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="item"/></xs:schema>\
    <item><ChainId>7290873255550</ChainId><SubChainId>1</SubChainId><StoreId>5</StoreId><BikoretNo>1</BikoretNo>\
    <StoreType>1</StoreType><StoreName>tiv taam</StoreName></item>\
    <item><ChainId>7290873255550</ChainId><StoreId>6</StoreId><StoreName>two</StoreName></item></NewDataSet>
    """

  static let promotions = [promotionsFlat, promotionsBina, promotionsBigID, promotionsGrouped]
  static let stores = [
    storesNested, storesBigID, storesUpperCase, storesSuperPharm, storesLowerCase, storesChainRoot, storesCityMarket,
    storesDataSet,
  ]
}
