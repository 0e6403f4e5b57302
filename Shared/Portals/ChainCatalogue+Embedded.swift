extension ChainCatalogue {
  /// The chains that publish under the Israeli price transparency law. Passwords here are public: the government
  /// publishes them with the list of portals.
  static let embeddedText = """
    engines:
      cerberus: {locator: "https://url.publishedprices.co.il", interval: 10m, user_agent: browser}
      laibcatalog: {locator: "https://laibcatalog.co.il/webapi", interval: 10m, hours: "08:00-24:00"}
    chains:
      # Cerberus. The same files by FTP: engine ftp, locator ftps://url.retail.publishedprices.co.il.
      - {chain: dor_alon, name: Dor Alon, engine: cerberus, user: doralon, ids: [7290492000005]}
      - {chain: keshet, name: Keshet Teamim, engine: cerberus, user: Keshet, ids: [7290785400000]}
      - {chain: osher_ad, name: Osher Ad, engine: cerberus, user: osherad, ids: [7290103152017]}
      - {chain: politzer, name: Politzer, engine: cerberus, user: politzer, ids: [7291059100008]}
      - {chain: rami_levy, name: Rami Levy, engine: cerberus, user: RamiLevi, ids: [7290058140886]}
      - {chain: salach_dabach, name: Salach Dabach, engine: cerberus, user: SalachD, password: "12345",
         ids: [7290526500006]}
      - {chain: stop_market, name: Stop Market, engine: cerberus, user: Stop_Market, ids: [7290639000004],
         secondary_ids: [72906390, "0000072906390"]}
      - {chain: super_yuda, name: Super Yuda, engine: cerberus, user: yuda_ho, password: Yud@147, path: /Yuda,
         ids: [7290058177776, 7290058198450]}
      - {chain: fresh_market, name: Fresh Market and Super Dosh, engine: cerberus, user: freshmarket,
         ids: [7290876100000]}
      - {chain: tiv_taam, name: Tiv Taam, engine: cerberus, user: TivTaam, ids: [7290873255550]}
      - {chain: yellow, name: Yellow, engine: cerberus, user: Paz_bo, password: paz468, ids: [7290644700005]}
      - {chain: yohananof, name: Yohananof, engine: cerberus, user: yohananof, ids: [7290803800003]}
      - {chain: cofix, name: Cofix, engine: cerberus, user: SuperCofixApp, ids: [7291056200008], closed: true}

      # Bina
      - {chain: bareket, name: Bareket, engine: bina, locator: "https://superbareket.binaprojects.com",
         ids: [7290875100001]}
      - {chain: city_market_kiryat_gat, name: City Market Kiryat Gat, engine: bina,
         locator: "https://citymarketkiryatgat.binaprojects.com",
         ids: [7290058288526, 7290058266241, 7290058288090]}
      - {chain: good_pharm, name: Good Pharm, engine: bina, locator: "https://goodpharm.binaprojects.com",
         ids: [7290058197699]}
      - {chain: king_store, name: King Store, engine: bina, locator: "https://kingstore.binaprojects.com",
         ids: [7290058108879]}
      - {chain: maayan_2000, name: Maayan 2000, engine: bina, locator: "https://maayan2000.binaprojects.com",
         ids: [7290058159628]}
      - {chain: meshnat_yosef_2, name: Meshnat Yosef (Keshet Teamim Shivuk), engine: bina,
         locator: "https://ktshivuk.binaprojects.com", ids: [5144744100001], secondary_ids: [7290058289400]}
      - {chain: shefa_barcart_ashem, name: Shefa Barcart Ashem, engine: bina,
         locator: "https://shefabirkathashem.binaprojects.com", ids: [7290058134977]}
      - {chain: shuk_ahir, name: Shuk Ahir, engine: bina, locator: "https://shuk-hayir.binaprojects.com",
         ids: [7290058148776]}
      - {chain: super_sapir, name: Super Sapir, engine: bina, locator: "https://supersapir.binaprojects.com",
         ids: [7290058156016]}
      - {chain: zol_ve_begadol, name: Zol ve-Begadol, engine: bina,
         locator: "https://zolvebegadol.binaprojects.com", ids: [7290058173198]}
      - {chain: city_market_givatayim, name: City Market Givatayim, engine: bina,
         locator: "https://citymarketgivatayim.binaprojects.com", closed: true}
      - {chain: city_market_kiryat_ono, name: City Market Kiryat Ono, engine: bina,
         locator: "https://citymarketkiryatono.binaprojects.com", closed: true}

      # laibcatalog: empty at night; Mahsanei on Saturdays too. Left out, because the portal answers 400 or nothing to
      # them as of 2026-09: 7290058103393 (Victory), 7290633800006 (Mahsanei).
      - {chain: victory, name: Victory, engine: laibcatalog, ids: [7290696200003]}
      - {chain: mahsani_a_shuk, name: Mahsanei Ha-Shuk, engine: laibcatalog, ids: [7290661400001], closed_days: [sat]}
      - {chain: het_cohen, name: Het Cohen, engine: laibcatalog, ids: [7290455000004]}

      # Pages of HTML
      - {chain: shufersal, name: Shufersal, engine: shufersal, locator: "https://prices.shufersal.co.il",
         ids: [7290027600007], user_agent: browser}
      - {chain: super_pharm, name: Super-Pharm, engine: super_pharm, locator: "http://prices.super-pharm.co.il",
         ids: [7290172900007], user_agent: browser}
      - {chain: hazi_hinam, name: Hazi Hinam, engine: hazi_hinam, locator: "https://shop.hazi-hinam.co.il",
         ids: [7290700100008], user_agent: browser}
      - {chain: city_market_shops, name: City Market Shops, engine: city_market_shops,
         locator: "http://www.citymarket-shops.co.il", ids: [7290000000003], user_agent: browser}

      # PublishPrice. Mega's address leads to Carrefour's; Quik left the ministry's list in 2026-08.
      - {chain: carrefour, name: Carrefour and Yeinot Bitan, engine: publish_price,
         locator: "https://prices.carrefour.co.il", ids: [7290055700007], user_agent: browser}
      - {chain: carrefour_shilut, name: Carrefour (second portal), engine: publish_price,
         locator: "https://shilut.carrefour.co.il", ids: [7290055700014], user_agent: browser}
      - {chain: mega, name: Mega, engine: publish_price, closed: true}
      - {chain: quik, name: Quik, engine: publish_price, ids: [7291029710008], closed: true}

      # Each its own way
      - {chain: wolt, name: Wolt Market, engine: wolt,
         locator: "https://wm-gateway.wolt.com/isr-prices/public/v1", ids: [7290058249350]}
      - {chain: netiv_hased, name: Netiv Ha-Hesed, engine: netiv_hased, locator: "https://app.netiv-hesed.com",
         ids: [7290058160839], closed_days: [sat], user_agent: browser}
      - {chain: meshnat_yosef_1, name: Meshnat Yosef, engine: meshnat_yosef,
         locator: "https://list-files.w5871031-kt.workers.dev", ids: [5144744100002]}
    """
}
