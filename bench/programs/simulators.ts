/** Five simulated providers in a process of their own, so that their work isn't counted as the bot's. Started by bench/fleet.ts. */
import { starters } from '../../sandbox/providers/index.js'

const count = Number(process.argv[2])
const simulators = await Promise.all(starters.map((start) => start({ count })))
// Rainbond has no list: each job takes a call of its own.
const listed = simulators.filter(({ id }) => id !== 'rainbond')
// A job with an unknown status is polled on, so every job stays live.
for (const simulator of listed) simulator.setSwitch('unknown-status', true)
process.on('message', ({ isSlow }: { isSlow: boolean }) => {
  for (const simulator of listed) simulator.setSwitch('slow', isSlow)
})
process.on('disconnect', () => process.exit(0))
process.send?.(listed.map(({ id, connection }) => ({ id, connection })))
