import FetcherService
import ServiceKit

await FetcherCommand.main()
