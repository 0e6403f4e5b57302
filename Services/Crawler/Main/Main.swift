import CrawlerService
import ServiceKit

@main
enum Main {
  static func main() async { await CrawlerCommand.main() }
}
