/** All simulated providers. The demo starts each of them. */
import { startCloudFoundry } from './cloud-foundry.js'
import { startCoolify } from './coolify.js'
import { startHoody } from './hoody.js'
import { startMiget } from './miget.js'
import { startQovery } from './qovery.js'
import { startRainbond } from './rainbond.js'
import type { StartOptions } from './server.js'
import type { Simulator } from './simulator.js'

export const starters: readonly ((options?: StartOptions) => Promise<Simulator>)[] = [
  startCloudFoundry,
  startCoolify,
  startHoody,
  startMiget,
  startQovery,
  startRainbond,
]
