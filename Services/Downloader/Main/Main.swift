import DownloaderService
import ServiceKit

@main
enum Main {
  static func main() async { await DownloaderCommand.main() }
}
