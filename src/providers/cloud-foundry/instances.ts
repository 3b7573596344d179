/** Whether an app runs: the instances of its processes. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, settleEach } from '../provider.js'
import { item, type Listed, link, listReadable } from './api.js'
import { type CfRef, failed, optional, type Poll, type Result, state, unreadable } from './status.js'

/** Only the stats say why such instances don't start. */
const NOT_RUNNING = ['DOWN', 'CRASHED']

const process = item.extend({
  type: z.string().catch('a process'),
  instances: z.number().catch(1),
  process_instances: z.array(z.object({ state })).optional().catch(undefined),
  relationships: z.object({ app: link }),
})
type Process = z.infer<typeof process>
const stats = z.object({ resources: z.array(z.object({ state, details: optional })) })
type Stats = z.infer<typeof stats>

export const instances: Poll = {
  by: 'app',
  async read(api, ids) {
    const { found, isWhole } = await listProcesses(api, ids)
    const stopped = found.filter(hasNoneRunning)
    const answers = await settleEach(stopped, ({ guid }) => api.get(`/v3/processes/${guid}/stats`, stats))
    const statsByGuid = new Map(stopped.map(({ guid }, index) => [guid, answers[index]]))
    return (ref) => {
      const own = found.filter(({ relationships }) => relationships.app === ref.app)
      return own.length === 0 && !isWhole ? unreadable('process') : observe(ref, own, statsByGuid)
    }
  },
}

/** With their instances, if the API can list those: since its version 3.212. */
async function listProcesses(api: Api, app_guids: string): Promise<Listed<Process>> {
  try {
    return await listReadable(api, '/v3/processes', process, { app_guids, embed: 'process_instances' })
  } catch (error) {
    if (!(error instanceof UserError && error.status === 400)) throw error
    return await listReadable(api, '/v3/processes', process, { app_guids })
  }
}

function hasNoneRunning({ instances, process_instances = [] }: Process): boolean {
  return instances !== 0 && process_instances.every(({ state }) => NOT_RUNNING.includes(state))
}

/** An app runs when every process that should have instances has one running. */
function observe(
  ref: CfRef,
  processes: readonly Process[],
  statsByGuid: ReadonlyMap<string, Stats | Error | undefined>,
): Result {
  if (processes.length === 0) return { phase: 'failed', detail: 'the app was deleted, or can no longer be read' }
  const wanted = processes.filter(({ instances }) => instances !== 0)
  for (const { guid, type, process_instances = [] } of wanted) {
    const known = statsByGuid.get(guid)
    if (known instanceof Error) return known
    const states = (known?.resources ?? process_instances).map(({ state }) => state)
    if (states.includes('RUNNING')) continue
    const details = known?.resources.find((one) => one.details)?.details
    const detail = `${type}: ${states.join(', ') || 'no instances yet'}${details ? ` (${details})` : ''}`
    const isCrashed = states.length > 0 && states.every((state) => state === 'CRASHED')
    return isCrashed ? failed(ref, detail) : { phase: 'working', detail }
  }
  return wanted.length > 0 ? { phase: 'done' } : { phase: 'done', detail: 'started, but set to run no instances' }
}
