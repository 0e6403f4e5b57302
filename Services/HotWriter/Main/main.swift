import HotWriterService
import ServiceKit

await HotWriterCommand.main()
