/// The words of product names. Amounts are in grams, millilitres or pieces; prices in agorot.
enum Lexicon {
  enum Measure: Sendable { case grams, millilitres, pieces }

  struct Kind: Sendable {
    let name: String
    let measure: Measure
    let amounts: [Int]
    /// A plausible price for the middle amount.
    let price: Int
    let flavours: [String]

    /// Dairies do not make soap.
    var isCare: Bool { Lexicon.careNames.contains(name) }
  }

  struct Brand: Sendable {
    let name: String
    /// The first digits of the maker's article numbers.
    let prefix: String
    let country: String
  }

  static let kinds: [Kind] = [
    Kind(name: "חלב טרי", measure: .millilitres, amounts: [1_000, 1_500, 2_000], price: 720,
         flavours: ["3%", "1%", "ללא לקטוז", "מועשר בסידן"]),
    Kind(name: "קוטג'", measure: .grams, amounts: [200, 250, 500], price: 640,
         flavours: ["5%", "9%", "3%", "עם זיתים"]),
    Kind(name: "גבינה צהובה פרוסה", measure: .grams, amounts: [150, 200, 400], price: 1_990,
         flavours: ["28%", "9%", "עמק", "גאודה"]),
    Kind(name: "יוגורט", measure: .grams, amounts: [125, 150, 200], price: 490,
         flavours: ["טבעי", "תות", "אפרסק", "וניל", "3%"]),
    Kind(name: "שוקולד חלב", measure: .grams, amounts: [85, 100, 200], price: 790,
         flavours: ["קלאסי", "אגוזים", "עוגיות", "תפוז", "מריר 60%"]),
    Kind(name: "קפה נמס", measure: .grams, amounts: [50, 100, 200], price: 2_690,
         flavours: ["מגורען", "נטול", "גולד", "טורקי"]),
    Kind(name: "פסטה", measure: .grams, amounts: [400, 500, 1_000], price: 590,
         flavours: ["פנה", "ספגטי מס' 5", "פוזילי", "לזניה", "כוסמין"]),
    Kind(name: "אורז", measure: .grams, amounts: [500, 1_000, 2_000], price: 1_090,
         flavours: ["בסמטי", "פרסי", "יסמין", "עגול", "מלא"]),
    Kind(name: "שמן זית כתית מעולה", measure: .millilitres, amounts: [500, 750, 1_000], price: 3_990,
         flavours: ["עדין", "ברנע", "קורטינה", "אורגני"]),
    Kind(name: "טחינה גולמית", measure: .grams, amounts: [350, 500, 1_000], price: 1_790,
         flavours: ["משומשום מלא", "אתיופית", "דלת מלח", "לבנה"]),
    Kind(name: "חומוס", measure: .grams, amounts: [400, 750, 1_000], price: 1_590,
         flavours: ["אבו גוש", "עם צנובר", "גרגרים", "אסלי"]),
    Kind(name: "משקה קולה", measure: .millilitres, amounts: [330, 500, 1_500], price: 690,
         flavours: ["רגיל", "זירו", "דיאט", "לימון"]),
    Kind(name: "מים מינרליים", measure: .millilitres, amounts: [500, 1_500, 2_000], price: 420,
         flavours: ["טבעיים", "מוגזים", "אפרסק", "ענבים"]),
    Kind(name: "במבה", measure: .grams, amounts: [25, 60, 80, 200], price: 490,
         flavours: ["בוטנים", "נוגט", "אגוזי לוז", "מתוקה"]),
    Kind(name: "קורנפלקס", measure: .grams, amounts: [375, 500, 750], price: 1_990,
         flavours: ["קלאסי", "דבש", "שוקו", "דגנים מלאים"]),
    Kind(name: "לחם פרוס", measure: .grams, amounts: [500, 750], price: 1_290,
         flavours: ["אחיד", "מחמצת", "דגנים", "שיפון", "קל"]),
    Kind(name: "נקניקיות", measure: .grams, amounts: [400, 750], price: 2_290,
         flavours: ["עוף", "הודו", "וינה", "בקר"]),
    Kind(name: "טונה בשמן", measure: .grams, amounts: [140, 160, 640], price: 890,
         flavours: ["קנולה", "זית", "במים", "בהירה"]),
    Kind(name: "רסק עגבניות", measure: .grams, amounts: [100, 260, 580], price: 550,
         flavours: ["22%", "28%", "עם בצל", "אורגני"]),
    Kind(name: "גלידה", measure: .millilitres, amounts: [500, 1_000, 1_330], price: 2_490,
         flavours: ["וניל", "שוקולד", "פיסטוק", "תות שדה", "קוקוס"]),
    Kind(name: "ביצים L", measure: .pieces, amounts: [6, 12, 18], price: 1_390,
         flavours: ["חופש", "אורגני", "אומגה 3", "רגיל"]),
    Kind(name: "שמפו", measure: .millilitres, amounts: [400, 700, 1_000], price: 1_990,
         flavours: ["יבש", "שומני", "קשקשים", "תינוקות", "קרטין"]),
    Kind(name: "סבון כלים", measure: .millilitres, amounts: [500, 750, 1_000], price: 990,
         flavours: ["לימון", "אלוורה", "תפוח", "אולטרה"]),
    Kind(name: "אבקת כביסה", measure: .grams, amounts: [1_250, 3_000, 6_000], price: 3_490,
         flavours: ["לבנים", "צבעוני", "עדין", "אקטיב"]),
    Kind(name: "נייר טואלט", measure: .pieces, amounts: [16, 32, 48], price: 3_290,
         flavours: ["דו שכבתי", "תלת שכבתי", "לבנדר", "קמומיל"]),
    Kind(name: "Energy drink", measure: .millilitres, amounts: [250, 355, 473], price: 790,
         flavours: ["Original", "Sugar free", "Tropical", "M&M edition"]),
    Kind(name: "Granola", measure: .grams, amounts: [350, 500, 750], price: 2_190,
         flavours: ["Honey & nuts", "Cranberry", "Dark chocolate", "Maple"]),
    Kind(name: "Body lotion", measure: .millilitres, amounts: [250, 400, 500], price: 2_490,
         flavours: ["Shea", "Argan", "\"Sensitive\"", "Coconut"]),
  ]

  /// Goods sold by weight or baked in the store: they carry the chain's own short codes.
  static let own: [(name: String, price: Int)] = [
    ("עגבניות", 690), ("מלפפונים", 590), ("תפוחי אדמה", 490),
    ("בצל יבש", 450), ("בננות", 890), ("תפוח פינק ליידי", 1_290),
    ("אבוקדו", 1_690), ("לימון", 790), ("גזר ארוז", 550), ("חציל", 690), ("פלפל אדום", 990), ("סלמי במשקל", 8_990),
    ("גבינת עמק במשקל", 5_290), ("זיתים סוריים במשקל", 3_990), ("חזה עוף טרי", 3_790), ("בשר טחון טרי", 5_990),
    ("פילה סלמון", 9_990), ("חלה לשבת", 890), ("פיתות מהתנור", 990),
    ("בורקס גבינה במשקל", 4_490), ("שקדים במשקל", 6_990),
    ("גרעיני חמנייה במשקל", 2_990), ("תמר מג'הול במשקל", 3_490), ("רוגלך שוקולד במשקל", 4_990),
  ]

  static let careNames: Set<String> = ["שמפו", "סבון כלים", "אבקת כביסה", "נייר טואלט", "Body lotion"]

  /// Invented makers.
  static let foodBrands: [Brand] = [
    Brand(name: "טל הבוקר", prefix: "7290004", country: "IL"),
    Brand(name: "נווה שדה", prefix: "7290000", country: "IL"),
    Brand(name: "שדות הגליל", prefix: "7290006", country: "IL"),
    Brand(name: "בית הטעם", prefix: "7290112", country: "IL"),
    Brand(name: "כרם המעיין", prefix: "7290010", country: "IL"),
    Brand(name: "משק האחים", prefix: "7290017", country: "IL"),
    Brand(name: "Casa Verdone", prefix: "8076809", country: "IT"),
    Brand(name: "Oakfield's", prefix: "5053827", country: "GB"),
    Brand(name: "Prairie & Fils", prefix: "3033490", country: "FR"),
    Brand(name: "מותג פרטי", prefix: "7290103", country: "IL"),
    Brand(name: "לא ידוע", prefix: "7290115", country: "לא ידוע"),
  ]
  static let careBrands: [Brand] = [
    Brand(name: "נקי ובהיר", prefix: "7290108", country: "IL"),
    Brand(name: "ענן לבן", prefix: "7290019", country: "IL"),
    Brand(name: "Blauwald", prefix: "4005900", country: "DE"),
    Brand(name: "מותג פרטי", prefix: "7290103", country: "IL"),
    Brand(name: "לא ידוע", prefix: "7290115", country: "לא ידוע"),
  ]

  static let cities = [
    "תל אביב-יפו", "חיפה", "ירושלים", "באר שבע", "נתניה", "כרמיאל",
    "אילת", "רחובות", "כפר סבא", "עפולה", "חדרה", "אשדוד",
  ]
  static let streets = ["הרצל", "ויצמן", "ז'בוטינסקי", "הנביאים", "בן גוריון", "ההסתדרות", "רוטשילד", "העצמאות"]
}
