import CrawlerService
import ServiceKit

await CrawlerCommand.main()
