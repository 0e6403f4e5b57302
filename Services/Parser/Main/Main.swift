import ParserService
import ServiceKit

@main
enum Main {
  static func main() async { await ParserCommand.main() }
}
