import SoukService
import ServiceKit

@main
enum Main {
  static func main() async { await SoukCommand.main() }
}
