import MarketStreamerService
import ServiceKit

await MarketStreamerProgram.main()
