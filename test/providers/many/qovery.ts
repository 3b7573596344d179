/** Many live jobs of Qovery. */
import { z } from 'zod'
import { newId } from '../../../sandbox/providers/qovery-world.js'
import { isExtra, type ManyJobs } from '../contract/example.js'

export const many: ManyJobs = {
  operation: 'clone',
  call: 'environments, here three',
  calls: () => 3,
  async refs(provider, api) {
    const services = (await provider.pickers.services?.(api, {})) ?? []
    const clones = services.filter(isExtra).map((one, index) => ({
      id: one.value.split('/')[1] ?? '',
      environment: newId(4, (index % 3) + 1),
    }))
    // Alive: what is seen of each is the end of a deployment before the one that was asked for.
    const status = z.object({ id: z.string(), state: z.string(), last_deployment_date: z.string().nullish() })
    const schema = z.object({ applications: z.array(status) })
    const ends = new Map<string, string>()
    for (const environment of new Set(clones.map((one) => one.environment))) {
      const { applications } = await api.get(`/environment/${environment}/statuses`, schema)
      for (const one of applications) ends.set(one.id, `${one.state} ${one.last_deployment_date ?? ''}`)
    }
    const rest = { kind: 'application', console: 'https://console.qovery.com/' }
    return clones.map((one) => ({ ...one, ...rest, previous: ends.get(one.id) }))
  },
}
