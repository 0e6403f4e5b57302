import DownloaderService
import ServiceKit

await DownloaderCommand.main()
