/// The words the evaluation's products are made of. Makers are invented.
enum EvaluationWords {
  enum Measure { case grams, millilitres, pieces }
  struct Kind {
    let name: String
    let measure: Measure
    let amounts: [Int]
    let flavours: [String]
    let isHebrew: Bool
  }

  private static let grams = [80, 100, 150, 200, 250, 400, 500, 750, 1_000]
  private static let millilitres = [250, 330, 500, 750, 1_000, 1_500, 2_000]
  private static let pieces = [6, 10, 12, 20, 24, 40]

  /// `name: flavours`
  private static let hebrewGrams = """
    גבינה צהובה פרוסה: 9%|22%|28%|מעושנת|עם זיתים
    קוטג': 3%|5%|9%|עם שום|עם בצל ירוק
    יוגורט: תות|אפרסק|וניל|טבעי|דבש|ענבים
    מעדן חלב: שוקולד|וניל|קרמל|מוקה|אגוז
    שוקולד חלב: אגוזי לוז|שקדים|קרמל מלוח|תפוז|עוגיות|פצפוצי אורז
    שוקולד מריר: 60%|72%|85%|תפוז|פטל
    וופלים: לימון|שוקו|וניל|נוגט
    ביסקוויטים: קקאו|חמאה|תמרים|שיבולת שועל
    חטיף תפוחי אדמה: מלח ים|בצל שמנת|גריל|חמוץ חריף|פפריקה
    חטיף תירס: בוטנים|גבינה|צ'ילי|נקניק
    קפה נמס: מגורען|נטול קפאין|גולד|אספרסו
    קפה טורקי: הל|קלייה כהה|קלייה בהירה|ארומטי
    תה ירוק: נענע|לימונית|יסמין|ג'ינג'ר
    פסטה: פנה|ספגטי|פוזילי|לזניה|רביולי|ניוקי
    אורז: בסמטי|פרסי|יסמין|עגול|מלא|סושי
    קוסקוס: דק|מלא|ירקות|גס
    קמח: לבן|מלא|כוסמין|שיפון|תופח
    סוכר: לבן|חום|דמררה|ג'לי
    טחינה: גולמית|משומשום מלא|אתיופית|שחורה
    חומוס: אסלי|צנובר|חריף|גרגרים
    סלט חצילים: במיונז|קלוי|רומני|טורקי
    זיתים: ירוקים מגולענים|שחורים|סורים דפוקים|ממולאים
    מלפפונים חמוצים: במלח|בחומץ|בייבי|כפריים
    תירס מתוק: גרעינים|עדין|שיפודים|קפוא
    רסק עגבניות: מרוכז|בזיליקום|שום|פיצה
    טונה: בשמן קנולה|במים|בשמן זית|פיקנטית
    נקניקיות: עוף|הודו|וינאיות|מרגז
    פסטרמה: הודו דבש|כתף מעושנת|עוף פלפל|בקר
    שניצל תירס: קלאסי|פריך|ממולא|מיני
    דגני בוקר: כריות נוגט|פתיתי תירס|טבעות דבש|כדורי שוקו
    גרנולה: חמוציות|אגוזים ודבש|שוקולד צ'יפס|ללא תוספת סוכר
    חמאה: מלוחה|ללא מלח|רכה|עזים
    ריבה: תותים|משמש|דובדבנים|תאנים
    ממרח: לוטוס|אגוזים|פרג|חלבה
    אבקת כביסה: צבעוני|לבנים|תינוקות|שחור
    """
  private static let hebrewMillilitres = """
    חלב טרי: 1%|3%|מועשר סידן|ללא לקטוז
    משקה סויה: קלאסי|ללא סוכר|בטעם בננה|קפה
    משקה שקדים: ממותק|לא ממותק|בריסטה|קוקוס
    שמן זית: כתית מעולה|עדין|פיקואל|קורטינה
    שמן צמחי: קנולה|חמניות|סויה|תירס
    מיץ סחוט: תפוזים|גזר|רימונים|אשכולית אדומה|תפוחים
    נקטר: אפרסק|מנגו|משמש|תות בננה
    משקה קולה: רגיל|זירו|דיאט|דובדבן
    מים בטעם: ענבים|לימון|אפרסק|תפוח
    סודה: קלאסית|לימון ליים|אשכולית|ג'ינג'ר
    חומץ: תפוחים|בלסמי|בן יין|אורז
    רוטב סויה: בהיר|כהה|מופחת נתרן|טריאקי
    קטשופ: עדין|חריף|ללא סוכר|ברביקיו
    שמפו: יבש|שומני|קשקשים|קרטין|לתינוק
    מרכך שיער: משקם|לחות|מבריק|תלתלים
    סבון ידיים: לבנדר|אלוורה|חלב ודבש|אנטיבקטריאלי
    נוזל כלים: לימון|תפוח ירוק|קמומיל|בלסם
    מרכך כביסה: רענן|פרחוני|עדין לעור|מרוכז
    אקונומיקה: רגילה|סמיכה|בישום לימון|ספריי
    יין אדום: קברנה סוביניון|מרלו|שיראז|פינו נואר
    """
  private static let hebrewPieces = """
    ביצים: L|M|XL|חופש|אורגניות
    נייר טואלט: דו שכבתי|תלת שכבתי|כותנה|לבנדר
    מגבונים: לחים|לתינוק|אנטיבקטריאליים|לניקוי
    חיתולים: מידה 3|מידה 4|מידה 5|לילה
    """
  private static let englishGrams = """
    Granola: honey almond|cranberry|dark chocolate|maple pecan
    Crackers: sesame|rosemary|sea salt|wholegrain
    Peanut butter: crunchy|smooth|unsweetened|honey
    Dark chocolate: 70%|85%|orange|mint|hazelnut
    Corn flakes: classic|frosted|honey|gluten free
    Protein bar: caramel|cookies cream|brownie|peanut
    Cheddar cheese: mild|mature|smoked|extra mature
    Pasta sauce: arrabbiata|basil|bolognese|four cheese
    Ground coffee: espresso|house blend|decaf|ethiopia
    Muesli: tropical|nuts|bircher|berries
    Gummy candy: bears|worms|sour|cola bottles
    Cat food: salmon|chicken|tuna|beef
    """
  private static let englishMillilitres = """
    Energy drink: original|sugar free|tropical|watermelon
    Iced tea: peach|lemon|raspberry|green
    Olive oil: extra virgin|light|organic|garlic
    Body lotion: shea|argan|coconut|sensitive
    Shower gel: citrus|ocean|vanilla|men sport
    Mouthwash: fresh mint|whitening|alcohol free|total care
    Oat drink: barista|chocolate|unsweetened|vanilla
    Craft beer: pale ale|lager|stout|wheat
    """
  static let hebrewModifiers = ["", "", "אורגני", "לייט", "מארז חיסכון", "מהדורה מוגבלת", "ללא גלוטן", "פרימיום"]
  static let englishModifiers = ["", "", "organic", "light", "family pack", "limited edition", "vegan", "premium"]

  private static func kinds(_ text: String, _ measure: Measure, _ amounts: [Int], _ isHebrew: Bool) -> [Kind] {
    text.split(separator: "\n").map { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      return Kind(
        name: parts[0].drop { $0 == " " }.description, measure: measure, amounts: amounts,
        flavours: parts[1].dropFirst().split(separator: "|").map(String.init), isHebrew: isHebrew)
    }
  }

  static let kinds: [Kind] =
    kinds(hebrewGrams, .grams, grams, true) + kinds(hebrewMillilitres, .millilitres, millilitres, true)
    + kinds(hebrewPieces, .pieces, pieces, true) + kinds(englishGrams, .grams, grams, false)
    + kinds(englishMillilitres, .millilitres, millilitres, false)

  /// Two words each, so that many share one of them.
  static let hebrewBrands: [String] = {
    let first = ["נווה", "בית", "שדות", "כרמי", "משק", "טעמי", "מאפיית", "מחלבות", "פרי", "גני"]
    let second = ["הגליל", "השרון", "כנען", "הנגב", "הברושים", "התבור", "אלונים", "הירדן", "מוריה", "הצפון"]
    return first.flatMap { first in second.map { "\(first) \($0)" } } + ["שחרית", "תלמון", "אורנית", "זהבית", "גלעדי"]
  }()
  static let englishBrands: [String] = {
    let first = ["Oak", "Golden", "Blue", "Silver", "North", "Green", "Royal", "Little"]
    let second = ["Field", "Harbour", "Meadow", "Kitchen", "Valley", "Bakery"]
    return first.flatMap { first in second.map { "\(first) \($0)" } } + ["Verdano", "Kalmora", "Brisella", "Nordika"]
  }()
}
