/** The services that a clone shares with its original. */
import { z } from 'zod'
import type { Api } from '../provider.js'
import { link, list } from './api.js'
import type { CloneParams } from './fields.js'
import { owned, step } from './step.js'

export const bind = step<CloneParams>(
  'bind',
  'Bind the services',
  {
    // Several writes, but it leaves out what is bound already, so it's harmless to run again.
    async write(api, { services }, { app }) {
      for (const service_instance of await unbound(api, app, services)) {
        const json = { type: 'app', ...owned({ app, service_instance }) }
        await api.post('/v3/service_credential_bindings', z.unknown(), { json })
      }
      return { waitFor: 'binding' }
    },
    async find(api, { services }, { app }) {
      return (await unbound(api, app, services)).length === 0 && { waitFor: 'binding' }
    },
  },
  ({ services }) => services.length > 0,
)

const some = z.string().nullish().catch(undefined)
const binding = z.object({
  last_operation: z.object({ type: some, state: some, description: some }).nullish().catch(undefined),
  relationships: z.object({ service_instance: link }),
})

/** An app's bindings to services. */
export async function bindingsOf(api: Api, app_guids: string): Promise<z.infer<typeof binding>[]> {
  return await list(api, '/v3/service_credential_bindings', binding, { app_guids, type: 'app' })
}

async function unbound(api: Api, app: string, services: readonly string[]): Promise<string[]> {
  const bound = (await bindingsOf(api, app)).map(({ relationships }) => relationships.service_instance)
  return services.filter((one) => !bound.includes(one))
}
