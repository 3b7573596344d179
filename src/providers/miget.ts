/** Miget: clones an app into a project, and deploys the clone if it has an image to run. */
import { z } from 'zod'
import { UserError } from '../errors.js'
import { type Entry, errorMessage, listDeployments, listEntries, readApp, text, unwrapped } from './miget/api.js'
import { type CloneParams, fields, pickers } from './miget/form.js'
import { removal } from './miget/removal.js'
import { check, type MigetRef, ref, STARTING } from './miget/status.js'
import { hasName, validateClone } from './miget/validate.js'
import {
  defineOperation,
  defineProvider,
  findSurely,
  foundByName,
  type Named,
  type Preview,
  placed,
  sentence,
} from './provider.js'

const cloned = z.object({ uuid: ref.shape.id, name: text })

const clone = defineOperation<CloneParams, MigetRef>({
  title: 'Clone an app',
  fields,
  ref,
  // The name without its suffix is unique in the whole workspace, which is the connection.
  lock: ({ name }) => `clone:${name}`,
  summary: (named) => ({
    from: placed(named, 'app'),
    to: `${named.name} in ${named.project} on ${named.resource}`,
  }),
  preview,
  validate: validateClone,
  copiesData: true,
  deadlineMs: 60 * 60_000,
  pollEveryMs: 10_000,
  steps: [
    {
      id: 'clone',
      title: 'Clone the app',
      doing: 'Cloning the app',
      absentAfterMs: 30_000,
      async run(api, params) {
        const { app, project: project_id, resource: resource_id, deploy: _, addons, addonsWithData, ...rest } = params
        const withChoice = (uuid: string) => ({ uuid, clone_data: addonsWithData.includes(uuid) })
        const json = { ...rest, project_id, resource_id, addons: [...addons, ...addonsWithData].map(withChoice) }
        return refOf(params, await api.post(`/apps/${app}/clone`, unwrapped(cloned), { json }))
      },
      ...foundByName({
        list: listEntries,
        id: ({ uuid }) => uuid ?? undefined,
        matches: isCloneOf,
        made: (uuid, { name }, { params }) => refOf(params, { uuid, name }),
      }),
      check,
    },
    {
      id: 'deploy',
      title: 'Deploy the clone',
      doing: 'Deploying the clone',
      absentAfterMs: 30_000,
      when: ({ deploy, use_parent_image }) => deploy && use_parent_image,
      async run(api, _params, { id, name }) {
        const { state } = await readApp(api, id)
        // Miget doesn't say whether it deploys a clone by itself. 409: a deployment began just now.
        if (!['running', ...STARTING].includes(state))
          await api.post(`/apps/${id}/deploy`, z.unknown(), { json: {} }).catch((error) => {
            if (!(error instanceof UserError && error.status === 409)) throw error
          })
        return { id, name, next: 'deployed' }
      },
      async find(api, _params, { id, name }, { since }) {
        const found = findSurely(await listDeployments(api, id), ({ created_at: at }) =>
          at === 0 || at === Infinity ? undefined : at >= since.getTime(),
        )
        return found && { id, name, next: 'deployed' }
      },
      check,
    },
  ],
  removal,
})

export const miget = defineProvider({
  id: 'miget',
  name: 'Miget',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://app.miget.com/api/v1'),
    token: z.string().min(1),
    // Always sent: without it Miget takes the workspace that was opened last.
    workspace: z.guid('expected the UUID of a workspace'),
  }),
  client: ({ url, token, workspace }) => ({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}`, 'x-workspace-id': workspace },
    errorMessage,
  }),
  pickers,
  operations: { clone },
})

function preview(params: CloneParams, named: Named): Preview {
  const { use_parent_image: hasImage, clone_variables: hasVariables } = params
  const withData = params.addonsWithData.length > 0 && named.addonsWithData
  const flagsSetTo = (value: boolean) =>
    Object.entries(params).flatMap(([key, is]) =>
      key.startsWith('clone_') && is === value ? key.slice('clone_'.length).replaceAll('_', ' ') : [],
    )
  const warnings = [
    !hasImage && "The clone has no source: it can't run until you give it one in Miget.",
    withData && `All data in ${withData} is copied, and everyone with access to the clone can read it.`,
    hasImage && !hasVariables && 'Without its variables the clone may not start.',
  ].filter(Boolean)
  const copied = sentence(
    'Settings such as ports and limits',
    hasImage && 'the image',
    hasVariables && 'variables (they still point to what the source app uses)',
    ...flagsSetTo(true).filter((flag) => flag !== 'variables'),
    params.addons.length > 0 && `${named.addons} without data`,
    withData && `${withData} with all data`,
    params.cronjobs.length > 0 && `the cron jobs ${named.cronjobs}`,
  )
  return {
    copied: `${copied} ${hasImage && params.deploy ? 'Then the clone is deployed.' : "The clone isn't deployed."}`,
    notCopied: sentence("The code's source", ...flagsSetTo(false), "domains, and everything you didn't choose"),
    ...(warnings.length > 0 && { warning: warnings.join(' ') }),
  }
}

/** Whether an app is the clone these params ask for; undefined if that can't be read. */
function isCloneOf(one: Entry, { name, label, project }: CloneParams): boolean | undefined {
  return (one.label ?? label) === label && (one.project_id ?? project) === project && hasName(one, name)
}

function refOf(params: CloneParams, { uuid: id, name }: { uuid: string; name?: string | null | undefined }): MigetRef {
  const next = params.deploy ? 'deployment' : 'not deployed'
  return { id, name: name ?? params.name, next: params.use_parent_image ? next : 'not deployed: it has no source yet' }
}
