/**
 * Five simulated providers whose clones stay at work for ever, in a process of their own, so that their work isn't counted as the
 * bot's. Started by bench/fleet.ts.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'

const count = Number(process.argv[2])
// What Qovery's jobs wait for never comes, because nothing was deployed.
const simulators = {
  'cloud-foundry': {
    simulator: await startCloudFoundry({ count }),
    done: '"state":"READY"',
    atWork: '"state":"COPYING"',
  },
  hoody: { simulator: await startHoody({ count }), done: '"status":"running"', atWork: '"status":"copying"' },
  'hoody-two': { simulator: await startHoody({ count }), done: '"status":"running"', atWork: '"status":"copying"' },
  qovery: { simulator: await startQovery({ count }), done: '', atWork: '' },
  'qovery-two': { simulator: await startQovery({ count }), done: '', atWork: '' },
}
const all = await Promise.all(
  Object.entries(simulators).map(async ([name, { simulator, done, atWork }]) => {
    const { id, connection } = simulator
    const url = await startProxy(simulator, (body) => (done === '' ? body : body.replaceAll(done, atWork)))
    return { name, id, connection: { ...connection, url }, plain: connection }
  }),
)
process.on('message', ({ isSlow }: { isSlow: boolean }) => {
  for (const { simulator } of Object.values(simulators)) simulator.setSwitch('slow', isSlow)
})
process.on('disconnect', () => process.exit(0))
process.send?.(all)

/** Passes requests on to a simulator, and changes its answers. Returns its address, as the connection has it. */
async function startProxy({ connection }: Simulator, change: (body: string) => string): Promise<string> {
  const { origin } = new URL(connection.url ?? '')
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { authorization = '', 'content-type': type = '' } = request.headers
    const body = chunks.length > 0 && { body: new Uint8Array(Buffer.concat(chunks)) }
    const headers = { authorization, ...(type && { 'content-type': type }) }
    const answer = await fetch(origin + path, { method, headers, redirect: 'manual', ...body })
    const text = change((await answer.text()).replaceAll(origin, url))
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return (connection.url ?? '').replace(origin, url)
}
