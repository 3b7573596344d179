/** Cloud Foundry: clones an app into a new one, or copies the code of one app over that of another. */
import { z } from 'zod'
import { classify, connection, createLogin, item, link, listWith, messageOf } from './cloud-foundry/client.js'
import { cloneApp } from './cloud-foundry/clone.js'
import { copyBits } from './cloud-foundry/copy-bits.js'
import { defineProvider, describedOption, placedSource, rows } from './provider.js'

/** A space, or the organization it is in. */
const place = item.extend({
  name: z.string(),
  suspended: z.boolean().nullish(),
  relationships: z.object({ organization: link }).optional(),
})
const app = item.extend({
  name: z.string(),
  state: z.string().optional(),
  lifecycle: z.object({ type: z.string() }).optional(),
  relationships: z.object({ space: link }),
})
const binding = z.object({ relationships: z.object({ service_instance: link }) })
const service = item.extend({ name: z.string(), type: z.string().nullish() })
/** A space as it is told from its namesakes. */
const placed = (space: string, organization?: { name: string }) =>
  organization ? `${space} (${organization.name})` : space

export const cloudFoundry = defineProvider({
  id: 'cloud-foundry',
  name: 'Cloud Foundry',
  connection,
  client: (account) => ({
    baseUrl: account.url,
    headers: {},
    authorize: createLogin(account),
    settings: { appUrl: account.appUrl },
    errorMessage: messageOf,
    classify,
    timeoutMs: 30_000,
  }),
  // Nothing can be written where an organization or a space is suspended, not even a copy of what is there.
  pickers: {
    async apps(api) {
      const query = { include: 'space.organization', order_by: 'name' }
      const listed = await listWith(api, '/v3/apps', rows(api, app), rows(api, place), query)
      const { others } = listed
      return listed.rows.flatMap(({ guid, name, state, lifecycle, relationships }) => {
        const space = others.get(relationships.space ?? '')
        const organization = others.get(space?.relationships?.organization ?? '')
        if (space?.suspended || organization?.suspended) return []
        // An app that is overwritten is known by its label alone, to people and to rules.
        const label = space ? `${name} in ${placed(space.name, organization)}` : name
        const option = describedOption(guid, label, state?.toLowerCase(), lifecycle?.type)
        // The row of its space or organization may be one that cannot be read.
        return organization ? option : { ...option, from: placedSource(name, null) }
      })
    },

    async spaces(api) {
      const query = { include: 'organization', order_by: 'name' }
      const listed = await listWith(api, '/v3/spaces', rows(api, place), rows(api, place), query)
      const { others } = listed
      return listed.rows.flatMap(({ guid, name, suspended, relationships }) => {
        const organization = others.get(relationships?.organization ?? '')
        return suspended || organization?.suspended ? [] : [{ value: guid, label: placed(name, organization) }]
      })
    },

    async services(api, { app }) {
      if (!app) return []
      const query = { app_guids: app, type: 'app', include: 'service_instance' }
      const path = '/v3/service_credential_bindings'
      const listed = await listWith(api, path, rows(api, binding), rows(api, service), query)
      const { others } = listed
      return listed.rows
        .flatMap(({ relationships }) => others.get(relationships.service_instance ?? '') ?? [])
        .map(({ guid, name, type }) => describedOption(guid, name, type))
    },
  },
  operations: { clone: cloneApp, 'copy-bits': copyBits },
})
