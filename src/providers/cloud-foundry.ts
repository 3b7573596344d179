/** Cloud Foundry: clones an app into a new one, or copies the code of one app over that of another. */
import { z } from 'zod'
import { unlessNotFound } from '../errors.js'
import { classify, list, messageOf } from './cloud-foundry/api.js'
import { connection, createLogin } from './cloud-foundry/login.js'
import * as steps from './cloud-foundry/steps.js'
import { type CfRef, ref } from './cloud-foundry/watch.js'
import { defineOperation, defineProvider, describedOption, maskIds, sentence } from './provider.js'

const deadlineMs = 30 * 60_000

const guid = z.guid('Choose from the list, or paste a guid.')
const app = (title: string, description: string) => guid.meta({ title, description, picker: 'apps' })
const yes = (title: string, description: string) => z.boolean().default(true).meta({ title, description })
const text = (most: number, rule: string) => z.string().trim().min(1, rule).max(most, rule)
const NAME = 'Use 1 to 255 printable characters.'
const HOST = 'Use 1 to 63 letters, digits, hyphens or underscores.'
const cloneFields = z.object({
  app: app('App', 'Its newest uploaded code is copied.'),
  space: guid.meta({ title: 'Target space', description: 'Of any organization.', picker: 'spaces' }),
  name: text(255, NAME)
    .regex(/^\P{C}*$/u, NAME)
    .meta({ title: 'Name of the clone', description: 'Not yet taken in the target space, in capitals or not.' }),
  host: text(63, HOST)
    .regex(/^[\w-]*$/, HOST)
    .optional()
    .meta({ title: 'Host name', description: 'Of a new address in the default domain. Left empty: no address.' }),
  environment: yes('Copy environment variables', 'With the secrets in them.'),
  size: yes('Copy the size', 'Instances, memory, disk and health check of each process.'),
  services: z
    .array(guid)
    .default([])
    .meta({
      title: 'Services to share',
      description: 'The clone is bound to the same ones and works on the data of the original.',
      picker: 'services',
      dependsOn: ['app'],
    }),
  fastPath: z.boolean().default(false).meta({
    title: 'Copy the staged build',
    description: 'What is deployed now, to the byte. The clone cannot be staged anew without an upload.',
  }),
  start: yes('Start the clone', 'Otherwise it stays stopped.'),
})
const copyFields = z
  .object({
    app: app('App to copy from', 'Its newest uploaded code is copied.'),
    target: app('App to overwrite', 'It keeps all but its code.'),
    restart: yes('Stage and restart it', 'With a short interruption. Otherwise its old code runs on.'),
  })
  .refine(({ app, target }) => app !== target, { path: ['target'], message: 'Choose another app than the source.' })
export type CloneParams = z.infer<typeof cloneFields>
export type CopyParams = z.infer<typeof copyFields>

const cloneApp = defineOperation<CloneParams, CfRef>({
  title: 'Clone an app',
  fields: cloneFields,
  ref,
  // Names are unique within a space, in capitals or not.
  lock: ({ space, name }) => `clone:${space}/${name.toLowerCase()}`,
  summary: ({ app = '', name = '', space = '' }) => ({ from: maskIds(app), to: maskIds(`${name} in ${space}`) }),
  preview: ({ fastPath, environment, size, services, host }) => ({
    copied: sentence(
      fastPath ? 'The staged build that is deployed now' : 'The newest uploaded code, staged anew',
      environment && 'environment variables with their secrets',
      size && 'size and health checks',
    ),
    notCopied: sentence(
      `Addresses${host ? ` (${host} is a new one)` : ''}`,
      services.length === 0 && 'service bindings',
      'start commands, sidecars, tasks, network policies, labels, registry passwords of Docker images',
    ),
    ...(services.length > 0 && {
      warning: 'The clone shares the services you chose: what it writes or deletes there, the original loses too.',
    }),
  }),
  deadlineMs,
  steps: [
    steps.create,
    steps.reserve,
    steps.bind,
    steps.copyCode,
    { ...steps.stage, when: ({ fastPath }) => !fastPath },
    steps.assign,
    steps.resize,
    steps.map,
    steps.launch('Start the clone', 'start'),
  ],
  async remove(api, { app, route }) {
    // An app leaves its addresses behind. Ours may lead to other apps by now.
    const isOurs = route && (await steps.destinationsOf(api, route)).every((one) => one === app)
    if (isOurs) await unlessNotFound(api.delete(`/v3/routes/${route}`, z.unknown()))
    await unlessNotFound(api.delete(`/v3/apps/${app}`, z.unknown()))
  },
})

const copyBits = defineOperation<CopyParams, CfRef>({
  title: 'Copy code to an app',
  fields: copyFields,
  ref,
  lock: ({ target }) => `app:${target}`,
  summary: ({ app = '', target = '' }) => ({ from: maskIds(app), to: maskIds(target) }),
  preview: (_params, { target = 'the target' }) => ({
    copied: 'The newest uploaded code.',
    notCopied: 'Environment variables, size, services, addresses.',
    warning: maskIds(`The code of ${target} is overwritten.`),
  }),
  deadlineMs,
  steps: [
    steps.overwrite,
    { ...steps.stage, when: ({ restart }) => restart },
    { ...steps.assign, when: ({ restart }) => restart },
    steps.launch('Restart the app', 'restart'),
  ],
})

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
  pickers: {
    async apps(api) {
      const { rows, others } = await list(api, '/v3/apps', { include: 'space.organization', order_by: 'name' })
      return rows.map(({ guid, name, state, lifecycle, relationships }) => {
        const space = others.get(relationships.space ?? '')
        const organization = others.get(space?.relationships.organization ?? '')
        const place = [organization?.name, space?.name].filter(Boolean).join(' / ')
        return describedOption(guid, name, place, state?.toLowerCase(), lifecycle?.type)
      })
    },

    async spaces(api) {
      const { rows, others } = await list(api, '/v3/spaces', { include: 'organization', order_by: 'name' })
      return rows.flatMap(({ guid, name, suspended, relationships }) => {
        const organization = others.get(relationships.organization ?? '')
        return suspended || organization?.suspended ? [] : [describedOption(guid, name, organization?.name)]
      })
    },

    async services(api, { app }) {
      if (!app) return []
      const query = { app_guids: app, type: 'app', include: 'service_instance' }
      const { rows, others } = await list(api, '/v3/service_credential_bindings', query)
      return rows
        .flatMap(({ relationships }) => others.get(relationships.service_instance ?? '') ?? [])
        .map(({ guid, name, type }) => describedOption(guid, name, type))
    },
  },
  operations: { clone: cloneApp, 'copy-bits': copyBits },
})
