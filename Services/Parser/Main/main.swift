import ParserService
import ServiceKit

await ParserCommand.main()
