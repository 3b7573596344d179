/** The clone of an app: a new one with the code, and with as much of the rest as was asked for. */
import { cut } from '../../lib/text.js'
import { type Api, defineOperation, maskIds, sentence } from '../provider.js'
import { hostOf, map, reserve, wantsAddress } from './address.js'
import { item, list, MAX_NAME_LENGTH } from './api.js'
import { app, assign, codeOf, copyInto, launch, lifecycleOf, stage } from './code.js'
import { type CloneParams, cloneFields } from './form.js'
import { removal } from './removal.js'
import { bind, environmentOf, sizeOthers, sizeWeb } from './settings.js'
import { type CfRef, ref } from './status.js'
import {
  consoleLink,
  DEADLINE_MS,
  firstStep,
  labelled,
  owned,
  type RefUpdate,
  type Space,
  space,
  step,
  withRole,
} from './step.js'
import { refuseImpossible, validateClone } from './validate.js'

const create = firstStep<CloneParams>((params) => `/v3/spaces/${params.space}`, {
  id: 'create',
  title: 'Create the app',
  doing: 'Creating the app',
  async write(api, params, _, { job }) {
    const source = await api.get(`/v3/apps/${params.app}`, app)
    const target = await api.get(`/v3/spaces/${params.space}`, space)
    await refuseImpossible(api, params, source, target)
    const json = {
      name: params.name,
      lifecycle: await lifecycleOf(api, params.app, params.fastPath),
      ...(params.environment && { environment_variables: await environmentOf(api, params.app) }),
      ...owned({ space: target.guid }, job),
    }
    const { guid } = await withRole(api, [target.guid], api.post('/v3/apps', item, { json }))
    return refOf(api, params, target, guid)
  },
  async find(api, params, _, { job }) {
    const mine = await labelled(api, '/v3/apps', item, params.space, job)
    return mine && refOf(api, params, await api.get(`/v3/spaces/${params.space}`, space), mine.guid)
  },
})

function refOf(api: Api, { name, start }: CloneParams, target: Space, guid: string): RefUpdate {
  return {
    app: guid,
    space: target.guid,
    page: consoleLink(api, target, guid),
    note: start ? undefined : 'not started, as requested',
    left: `The app ${cut(name, MAX_NAME_LENGTH)} stays in ${target.name} and can be deleted.`,
  }
}

const copyCode = step<CloneParams>({
  id: 'copy',
  title: 'Copy the code',
  doing: 'Copying the code',
  async write(api, { app: original, space, fastPath }, { app: to }) {
    const from = await api.get(`/v3/apps/${original}`, app)
    const code = await codeOf(api, from, fastPath)
    const copied = copyInto(api, fastPath ? 'droplet' : 'package', code.guid, to)
    return await withRole(api, [from.relationships.space, space], copied)
  },
  // The app is new, so whatever is in it is ours.
  async find(api, { fastPath }, { app }) {
    const kind = fastPath ? 'droplet' : 'package'
    const [made] = await list(api, `/v3/${kind}s`, item, { app_guids: app })
    return made && { waitFor: kind, guid: made.guid }
  },
})

/** The address that the clone gets instead, in brackets; empty if it gets none. */
function ownAddress(params: Pick<CloneParams, 'name' | 'address' | 'host'>): string {
  if (!wantsAddress(params)) return ''
  const host = hostOf(params)
  if (params.host) return ` (the clone gets ${host} in the default domain)`
  return host && ` (if the source has one, the clone gets ${host} in the default domain)`
}

export const cloneApp = defineOperation<CloneParams, CfRef>({
  title: 'Clone an app',
  fields: cloneFields,
  ref,
  // Names are unique within a space, whatever their case.
  lock: ({ space, name }) => `clone:${space}/${name.toLowerCase()}`,
  summary: ({ app = '', 'app.from': source = app, name = '', space = '' }) => ({
    from: maskIds(source),
    to: `${name} in ${maskIds(space)}`,
  }),
  preview: ({ fastPath, environment, size, services, ...params }) => ({
    copied: `${sentence(
      fastPath ? 'The staged build that is deployed now' : 'The newest uploaded code, staged again',
      environment && 'environment variables with their secrets',
      size && 'size and health checks',
    )} ${params.start ? 'Then the clone is started.' : 'The clone stays stopped.'}`,
    notCopied: sentence(
      `Addresses${ownAddress(params)}`,
      services.length === 0 && 'service bindings',
      'start commands, sidecars, tasks, network policies, labels, registry passwords of Docker images',
    ),
    ...(services.length > 0 && {
      warning:
        'The clone shares the services you chose. Whatever it changes or deletes there changes for the source too.',
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
    sizeOthers,
    map,
    launch('start', 'Start the clone', 'Starting the clone'),
  ],
  removal,
})
