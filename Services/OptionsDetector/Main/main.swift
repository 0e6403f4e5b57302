import OptionsDetectorService
import ServiceKit

await OptionsDetectorCommand.main()
