/** Coolify: clones an application, a service or a database, moves the clone to its environment, and deploys it. */
import { z } from 'zod'
import { classify, errorMessage, type Kind } from './coolify/api.js'
import { fieldsOf, type Params, pickers } from './coolify/form.js'
import { removalOf } from './coolify/removal.js'
import { type CoolifyRef, ref } from './coolify/status.js'
import { stepsOf } from './coolify/steps.js'
import { validateClone } from './coolify/validate.js'
import { defineOperation, defineProvider, placed } from './provider.js'

function cloneOf(kind: Kind, field: string, copied: string, notCopied: string) {
  const isBuilt = kind === 'application'
  return defineOperation<Params, CoolifyRef>({
    title: `Clone ${isBuilt ? 'an' : 'a'} ${kind}`,
    fields: fieldsOf(kind, field),
    ref,
    // Coolify takes a name twice, and then nothing tells the two apart.
    lock: ({ name }) => `clone:${kind}s/${name}`,
    summary: (named) => ({
      from: placed(named, 'source'),
      to: `${named.name} in ${named.environment} on ${named.destination}`,
    }),
    preview: ({ volumes }, { source }) => ({
      copied: `${copied}${volumes ? ' Data in volumes.' : ''}`,
      notCopied: `${volumes ? '' : 'Data in volumes. '}${notCopied}`,
      ...(volumes && {
        warning: `Coolify stops ${source} while it copies the volumes, then ${isBuilt ? 'deploys its latest commit' : 'starts it again'}. The clone isn't started: deploy it in Coolify once its data is there.`,
      }),
    }),
    validate: (api, params) => validateClone(api, kind, params),
    copiesData: true,
    deadlineMs: 60 * 60_000,
    pollEveryMs: 5_000,
    steps: stepsOf(kind),
    removal: removalOf(kind),
  })
}

const url = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))

export const coolify = defineProvider({
  id: 'coolify',
  name: 'Coolify',
  connection: z.object({ url: url.default('https://app.coolify.io'), token: z.string().min(1) }),
  client: ({ url, token }) => ({
    baseUrl: `${url}/api/v1`,
    headers: { authorization: `Bearer ${token}` },
    settings: { dashboard: url },
    errorMessage,
    classify,
  }),
  pickers,
  operations: {
    clone: cloneOf(
      'application',
      'Application',
      "The code's source, build settings, ports, variables with secrets, scheduled tasks, mounts. Scheduled tasks then run in both, and a push deploys both. A mounted server path is shared: both use the same files.",
      "Linked databases. Its variables still point to the source's databases. With Docker Compose or custom labels it also claims the source's domain; otherwise it gets a new one.",
    ),
    'clone-service': cloneOf(
      'service',
      'Service',
      'The Compose file, variables with secrets, scheduled tasks, mounts. Scheduled tasks then run in both. A mounted server path is shared: both use the same files.',
      "What its variables point to. Its domains may be the source's: check them in Coolify.",
    ),
    'clone-database': cloneOf(
      'database',
      'Database',
      'Settings, users and passwords, variables, the backup schedule. A public port works for only one of the two.',
      'Backups. Apps that use the source keep using it.',
    ),
  },
})
