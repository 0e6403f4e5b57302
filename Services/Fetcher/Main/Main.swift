import FetcherService
import ServiceKit

@main
enum Main {
  static func main() async { await FetcherCommand.main() }
}
