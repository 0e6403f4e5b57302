import SoukService
import ServiceKit

await SoukCommand.main()
