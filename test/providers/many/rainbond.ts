/** Many live jobs of Rainbond. */
import { z } from 'zod'
import { isExtra, type ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'copy',
  call: 'apps, each job has one of its own',
  calls: (count) => count,
  // All of them are in one team and region.
  removalCalls: () => [1],
  async refs(_provider, api) {
    const schema = z.array(z.object({ ID: z.number(), group_name: z.string() }))
    const apps = await api.get('/openapi/v1/teams/o19p6wen/regions/frankfurt/apps', schema)
    const extra = apps.filter((one) => isExtra({ label: one.group_name }))
    return extra.map(({ ID }) => ({
      app: `o19p6wen/frankfurt/${ID}`,
      job: 'k7f3q',
      components: 'c1',
      stageMs: 60_000,
      stage: 'built',
    }))
  },
}
