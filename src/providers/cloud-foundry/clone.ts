/** The clone of an app: a new one with the code, and with as much of the rest as was asked for. */
import { z } from 'zod'
import { UserError, unlessNotFound } from '../../errors.js'
import { cut } from '../../lib/text.js'
import { type Api, defineOperation, maskIds, sentence } from '../provider.js'
import { destinationsOf, hostOf, MAX_HOST_LENGTH, map, reserve, wantsAddress } from './address.js'
import { refuseHopeless } from './checks.js'
import { item, list, MAX_NAME_LENGTH } from './client.js'
import {
  app,
  appField,
  assign,
  codeOf,
  consoleLink,
  copyInto,
  DEADLINE_MS,
  firstStep,
  guid,
  labelled,
  launch,
  type Made,
  owned,
  type Space,
  space,
  stage,
  step,
  withRole,
  yesField,
} from './code.js'
import { bind, bindingsOf } from './services.js'
import { resize, sizeWeb } from './size.js'
import { environmentOf, lifecycleOf } from './source.js'
import { type CfRef, ref } from './status.js'
import { validateClone } from './validate.js'

const text = (most: number, rule: string) => z.string().trim().min(1, rule).max(most, rule)
const NAME = 'Use 1 to 255 printable characters.'
const HOST = 'Use 1 to 63 letters, digits, hyphens or underscores.'
const fields = z
  .object({
    app: appField('App', 'Its newest uploaded code is copied.'),
    space: guid.meta({ title: 'Target space', description: 'Of any organization.', picker: 'spaces' }),
    name: text(255, NAME)
      .regex(/^\P{C}*$/u, NAME)
      .meta({ title: 'Name of the clone', description: 'Must be unused in the target space (case doesn’t matter).' }),
    address: yesField(
      'Give it an address',
      'In the default domain, if the original has one or you type a host name below.',
    ),
    host: text(MAX_HOST_LENGTH, HOST)
      .regex(/^[\w-]*$/, HOST)
      .optional()
      .meta({
        title: 'Host name',
        description: 'The first part of the address. Leave it empty to use the name of the clone.',
      }),
    environment: yesField('Copy environment variables', 'Including the secrets in them.'),
    size: yesField('Copy the size', 'Instances, memory, disk and health checks of each process.'),
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
      description: 'Exactly what is deployed now. To stage the clone again, its code has to be uploaded.',
    }),
    start: yesField('Start the clone', 'Otherwise it stays stopped.'),
  })
  .refine(({ address, host }) => address || host === undefined, {
    path: ['host'],
    message: 'Tick "Give it an address", or leave this empty.',
  })
type CloneParams = z.infer<typeof fields>

const create = firstStep<CloneParams>('create', 'Create the app', (params) => `/v3/spaces/${params.space}`, {
  async write(api, params, _, { job }) {
    const source = await api.get(`/v3/apps/${params.app}`, app)
    const target = await api.get(`/v3/spaces/${params.space}`, space)
    await refuseHopeless(api, params, source, target)
    const json = {
      name: params.name,
      lifecycle: await lifecycleOf(api, params.app, params.fastPath),
      ...(params.environment && { environment_variables: await environmentOf(api, params.app) }),
      ...owned({ space: target.guid }, job),
    }
    const { guid } = await withRole(api, [target.guid], api.post('/v3/apps', item, { json }))
    return clone(api, params, target, guid)
  },
  async find(api, params, _, { job }) {
    const mine = await labelled(api, '/v3/apps', item, params.space, job)
    return mine && clone(api, params, await api.get(`/v3/spaces/${params.space}`, space), mine.guid)
  },
})

function clone(api: Api, { name, start }: CloneParams, target: Space, guid: string): Made {
  return {
    app: guid,
    url: consoleLink(api, target, guid),
    note: start ? undefined : 'not started, as asked',
    left: `The app ${cut(name, MAX_NAME_LENGTH)} stays in ${target.name} and can be deleted.`,
  }
}

const copyCode = step<CloneParams>('copy', 'Copy the code', {
  async write(api, { app: original, space, fastPath }, { app: to }) {
    const from = await api.get(`/v3/apps/${original}`, app)
    const code = await codeOf(api, from, fastPath)
    const copied = copyInto(api, fastPath ? 'droplet' : 'package', code.guid, to)
    return await withRole(api, [from.relationships.space, space], copied)
  },
  // The app is new, so that whatever is in it is ours.
  async find(api, { fastPath }, { app }) {
    const look = fastPath ? 'droplet' : 'package'
    const [made] = await list(api, `/v3/${look}s`, item, { app_guids: app })
    return made && { look, guid: made.guid }
  },
})

/** Deletes the app and its own address. */
async function remove(api: Api, { app, route }: CfRef): Promise<void> {
  // An app leaves its addresses behind. Ours may lead to other apps by now.
  const isOurs = route && (await destinationsOf(api, route)).every((one) => one === app)
  if (isOurs) await unlessNotFound(api.delete(`/v3/routes/${route}`, z.unknown()))
  await unlessNotFound(api.delete(`/v3/apps/${app}`, z.unknown()))
  // The address of the job is told in a header alone. But what a job before it failed at is still to be read: a service
  // that did not let go of the app.
  const stuck = (await bindingsOf(api, app)).find(
    ({ last_operation }) => last_operation?.type === 'delete' && last_operation.state === 'failed',
  )
  if (!stuck) return
  const reason = maskIds(stuck.last_operation?.description || 'Cloud Foundry does not say why.')
  throw new UserError(`It is tried once more. The last time a service could not be unbound from the app: ${reason}`)
}

/** The address the clone gets instead, in brackets; empty if it gets none. */
function ownAddress(params: Pick<CloneParams, 'name' | 'address' | 'host'>): string {
  if (!wantsAddress(params)) return ''
  const host = hostOf(params)
  if (params.host) return ` (the clone gets ${host} in the default domain)`
  return host && ` (if the original has one, the clone gets ${host} in the default domain)`
}

export const cloneApp = defineOperation<CloneParams, CfRef>({
  title: 'Clone an app',
  fields,
  ref,
  // Names are unique within a space, in capitals or not.
  lock: ({ space, name }) => `clone:${space}/${name.toLowerCase()}`,
  summary: ({ app = '', 'app.from': source = app, name = '', space = '' }) => ({
    from: maskIds(source),
    to: `${name} in ${maskIds(space)}`,
  }),
  preview: ({ fastPath, environment, size, services, ...params }) => ({
    copied: sentence(
      fastPath ? 'The staged build that is deployed now' : 'The newest uploaded code, staged again',
      environment && 'environment variables with their secrets',
      size && 'size and health checks',
    ),
    notCopied: sentence(
      `Addresses${ownAddress(params)}`,
      services.length === 0 && 'service bindings',
      'start commands, sidecars, tasks, network policies, labels, registry passwords of Docker images',
    ),
    ...(services.length > 0 && {
      warning: 'The clone shares the services you chose: what it writes or deletes there, the original loses too.',
    }),
  }),
  validate: validateClone,
  copiesData: true,
  deadlineMs: DEADLINE_MS,
  steps: [
    create,
    sizeWeb,
    reserve,
    bind,
    copyCode,
    { ...stage, when: ({ fastPath }) => !fastPath },
    assign,
    resize,
    map,
    launch('Start the clone', 'start'),
  ],
  remove,
})
