/** Many live jobs at once, by provider: what watching them is measured with. */
import { z } from 'zod'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startMiget } from '../../sandbox/providers/miget.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import { newId } from '../../sandbox/providers/qovery-world.js'
import { startRainbond } from '../../sandbox/providers/rainbond.js'
import type { StartOptions } from '../../sandbox/providers/server.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import type { Api, Provider, Ref } from '../../src/providers/provider.js'

export interface Herd {
  /** Starts a simulator with `count` more things than usual in it. */
  start(options: StartOptions): Promise<Simulator>
  operation: string
  /** The answers of its form that the later steps ask for. */
  params?: Readonly<Record<string, unknown>>
  /** The refs of as many live jobs, each of a thing of its own. */
  refs(provider: Provider, api: Api, count: number): Promise<Ref[]>
  /** In how many collections the provider holds them, and so how many calls one look at them all should take. */
  collections(count: number): number
  /** What such a collection is. */
  collection: string
}

/** What a simulator adds to its world has four digits at the end of its name. */
const isExtra = ({ label }: { label: string }) => /-\d{4}( |$)/.test(label)

export const herds: Readonly<Record<string, Herd>> = {
  'cloud-foundry': {
    start: startCloudFoundry,
    operation: 'clone',
    params: { services: [] },
    collection: 'lists of a hundred guids, the longest address that fits',
    collections: (count) => Math.ceil(count / 100),
    async refs(_provider, api, count) {
      const list = z.object({ resources: z.array(z.object({ guid: z.string(), created_at: z.string() })) })
      const { resources } = await api.get('/v3/packages', list, { query: { per_page: 5000, order_by: 'created_at' } })
      return resources.slice(-count).map(({ guid }, index) => ({ app: `app-${index}`, look: 'package', guid }))
    },
  },
  hoody: {
    start: startHoody,
    operation: 'copy',
    collection: 'pages of a hundred containers, latest change first',
    collections: (count) => Math.ceil(count / 100),
    async refs(provider, api) {
      const copies = (await provider.pickers.copies?.(api, {})) ?? []
      return copies.filter(isExtra).map((one) => ({ id: one.value }))
    },
  },
  miget: {
    start: startMiget,
    operation: 'clone',
    collection: 'one list of all apps',
    collections: () => 1,
    async refs(provider, api) {
      const apps = (await provider.pickers.apps?.(api, {})) ?? []
      return apps.filter(isExtra).map((one) => ({ id: one.value, name: one.label, next: 'deployed' }))
    },
  },
  qovery: {
    start: startQovery,
    operation: 'clone',
    collection: 'environments, here three',
    collections: () => 3,
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
      const rest = { kind: 'application', console: 'https://console.qovery.com/', deployment: 'asked' }
      return clones.map((one) => ({ ...one, ...rest, previous: ends.get(one.id) }))
    },
  },
  rainbond: {
    start: startRainbond,
    operation: 'copy',
    collection: 'apps, each job has one of its own',
    collections: (count) => count,
    async refs(_provider, api) {
      const schema = z.array(z.object({ ID: z.number(), group_name: z.string() }))
      const apps = await api.get('/openapi/v1/teams/o19p6wen/regions/frankfurt/apps', schema)
      const extra = apps.filter((one) => isExtra({ label: one.group_name }))
      const since = new Date(0).toISOString()
      return extra.map(({ ID }) => ({
        app: `o19p6wen/frankfurt/${ID}`,
        job: 'k7f3q',
        components: 'c1',
        since,
        stage: 'built',
      }))
    },
  },
}
