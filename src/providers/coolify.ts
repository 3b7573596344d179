/** Coolify: clones an application, a service or a database, puts the clone where it belongs, and deploys it. */
import { z } from 'zod'
import { ConnectionError, UserError, unlessNotFound } from '../errors.js'
import { destinations, environments, environmentsIn, everything, sources, validate } from './coolify/lists.js'
import { type CoolifyRef, check, findStart, id, read, ref, type Thing, text } from './coolify/status.js'
import { defineOperation, defineProvider, findSurely, foundByName, placed, sentence, yesNo } from './provider.js'

/** A clone is saved part by part within its request. One that is seen has all its parts this much later. */
const COPYING_MS = 30_000
/** A proxy may hold a request for this long before Coolify gets it. */
const ABSENT_AFTER_MS = 120_000

const url = z.url({ protocol: /^https?$/ }).default('https://app.coolify.io')
const place = text.regex(/^[a-z0-9]{24}\/[a-z0-9]{24}$/, 'Choose from the list, or paste two IDs: project/environment.')
const name = text.regex(/^[\w.-]{1,100}$/, 'Use 1 to 100 letters, digits, dots, hyphens or underscores.')
const fieldsFor = (picker: string, title: string) =>
  z
    .object({
      source: id.meta({ title, description: 'It keeps running unless you copy its data.', picker }),
      // Coolify makes up a name when there is none. Without one a lost clone could not be found again.
      name: name.meta({ title: 'Name of the clone', description: 'Must be unused in the team.' }),
      environment: place.meta({
        title: 'Target environment',
        description: 'Where the clone goes.',
        picker: 'environments',
      }),
      destination: id.meta({ title: 'Target server', description: 'Where the clone runs.', picker: 'destinations' }),
      deploy: yesNo('Deploy the clone', "Otherwise it stays stopped: Coolify doesn't start clones by itself.", true),
      volumes: yesNo('Copy data in volumes', 'Stops the source during the copy.'),
    })
    // Nothing tells when the copying ends, and what starts before that writes into what is being copied.
    .refine(({ deploy, volumes }) => !(deploy && volumes), {
      path: ['deploy'],
      error: 'Untick this if you copy data, and deploy the clone in Coolify once its data is there.',
    })
type Params = z.infer<ReturnType<typeof fieldsFor>>
const placeOf = ({ environment }: Params) => environment.split('/') as [project: string, environment: string]

function cloneOf(kind: string, word: string, copied: [string, string], notCopied: [string, string]) {
  const made = (id: string, params: Params) => {
    const [project, environment] = placeOf(params)
    return { kind, id, page: `/project/${project}/environment/${environment}/${word}/${id}` }
  }
  const moved = (ref: CoolifyRef, { deploy }: Params) => {
    const detail = "It isn't started. Deploy it in Coolify when you need it."
    return { ref, ended: 'done' as const, ...(!deploy && { detail }) }
  }
  return defineOperation<Params, CoolifyRef>({
    title: `Clone ${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`,
    fields: fieldsFor(kind, `${word[0]?.toUpperCase()}${word.slice(1)}`),
    ref,
    // Coolify takes a name twice, and then nobody can tell the two apart.
    lock: ({ destination, name }) => `clone:${kind}/${destination}/${name}`,
    summary: (named) => ({
      from: placed(named, 'source'),
      to: `${named.name} in ${named.environment} on ${named.destination}`,
    }),
    preview: ({ volumes }, { source }) => ({
      copied: `${sentence(copied[0], volumes && 'data in volumes')} ${copied[1]}`,
      notCopied: `${sentence(notCopied[0], !volumes && 'data in volumes')} ${notCopied[1]}`,
      ...(volumes && {
        warning: `Coolify stops ${source} while it copies the volumes, then starts it again.`,
      }),
    }),
    validate: (api, params) => validate(api, kind, params),
    copiesData: true,
    deadlineMs: 60 * 60_000,
    pollEveryMs: 5_000,
    steps: [
      {
        id: 'clone',
        title: `Clone the ${word}`,
        absentAfterMs: ABSENT_AFTER_MS,
        async run(api, params) {
          const json = { destination_uuid: params.destination, name: params.name, clone_volumes: params.volumes }
          const { uuid } = await api.post(`/${kind}/${params.source}/clone`, z.object({ uuid: id }), { json })
          return { ref: made(uuid, params), ended: 'done' }
        },
        ...foundByName<Params, null, Thing, CoolifyRef>({
          list: (api) => everything(api, kind),
          id: ({ uuid }) => uuid ?? undefined,
          matches({ name, destination }, params) {
            if ((destination?.uuid ?? params.destination) !== params.destination) return false
            return name ? name === params.name : undefined
          },
          made(id, _row, { params, attempt: { lost, now } }) {
            const detail = `Coolify failed during the copy (${lost?.status}): variables, volumes or tasks may be missing.`
            if (lost?.status) return { ref: made(id, params), ended: 'incomplete', detail }
            return { ...made(id, params), copyingUntil: `${now + COPYING_MS}` }
          },
        }),
        check,
      },
      {
        // A clone begins in the environment of its source, whatever is wanted.
        id: 'move',
        title: 'Move it to the environment',
        absentAfterMs: ABSENT_AFTER_MS,
        async run(api, params, ref) {
          const json = { environment_uuid: placeOf(params)[1] }
          await api.post(`/${kind}/${ref.id}/move`, z.unknown(), { json }).catch((error: unknown) => {
            if (!(error instanceof UserError && /already in this environment/.test(error.message))) throw error
          })
          return moved(ref, params)
        },
        async find(api, params, ref) {
          const all = await environmentsIn(api, placeOf(params)[0])
          const wanted = all.find(({ value }) => value === params.environment)
          const found = findSurely([await read(api, `/${kind}/${ref.id}`)], (clone) =>
            clone?.environment_id && wanted ? clone.environment_id === wanted.id : undefined,
          )
          return found && moved(ref, params)
        },
        check,
      },
      {
        id: 'deploy',
        title: 'Deploy the clone',
        absentAfterMs: ABSENT_AFTER_MS,
        when: ({ deploy }) => deploy,
        async run(api, _params, ref) {
          const answer = z.object({ message: text.catch(''), deployment_uuid: text.default('none') })
          const answers = z.object({ deployments: z.tuple([answer], z.unknown()) })
          const [{ message, deployment_uuid }] = (await api.post('/deploy', answers, { json: { uuid: ref.id } }))
            .deployments
          // Whoever may not deploy is answered with 200 all the same.
          if (message.startsWith('Unauthorized')) throw new ConnectionError(`Coolify: ${message}`)
          return { ...ref, deployment: deployment_uuid }
        },
        find: (api, _params, ref) => findStart(api, ref),
        check,
      },
    ],
    // Its volumes, network and folder go with it, all named after it. By default Coolify would clean its whole server too.
    remove: async (api, { id }) =>
      void (await unlessNotFound(api.delete(`/${kind}/${id}`, z.unknown(), { query: { docker_cleanup: false } }))),
  })
}

const SHARED = 'Scheduled tasks then run in both. A mounted server path is shared: both use the same files.'
const body = z.object({ message: text.catch(''), docs: text.optional() }).catch({ message: '' })
const SWITCH = 'in Coolify under Settings, Advanced'
/** What an operator has to do about a refusal, by status and words. */
const refusals: readonly [number, RegExp, string][] = [
  [403, /^API is disabled/, `Its API is off. Turn it on ${SWITCH}.`],
  [403, /not allowed to access the API/, `It refuses this IP address. Allow it ${SWITCH}.`],
  [403, /team role|exceed your current role/, "The token belongs to an ordinary member of the team. Use an admin's."],
  [403, /^Missing required permissions/, 'Its token needs the abilities read, write and deploy. Create a new one.'],
  [400, /^Invalid token/, "The token's team is gone. Create a new token."],
]

export const coolify = defineProvider({
  id: 'coolify',
  name: 'Coolify',
  connection: z.object({ url, token: z.string().min(1) }),
  client: ({ url, token }) => ({
    baseUrl: `${url.replace(/\/+$/, '')}/api/v1`,
    headers: { authorization: `Bearer ${token}` },
    settings: { dashboard: url.replace(/\/+$/, '') },
    errorMessage: (answer) => body.parse(answer).message,
    classify({ status, body: answer }) {
      const { message, docs } = body.parse(answer)
      // What has no route is answered so, and cloning had none before.
      if (docs) return { blame: 'user', sentence: "It can't clone: that needs Coolify 4.3.0 or newer.", status: 404 }
      const [, , todo] = refusals.find(([known, words]) => known === status && words.test(message)) ?? []
      return todo === undefined ? undefined : { blame: 'operator', sentence: todo }
    },
  }),
  pickers: {
    applications: sources('applications'),
    services: sources('services'),
    databases: sources('databases'),
    environments: (api) => environments(api),
    destinations,
  },
  operations: {
    clone: cloneOf(
      'applications',
      'application',
      ["The code's source, build settings, ports, variables with secrets, scheduled tasks, mounts", SHARED],
      [
        'Linked databases',
        "Its variables still point to the source's databases. With Docker Compose or custom labels it also claims the source's domain; otherwise it gets a new one.",
      ],
    ),
    'clone-service': cloneOf(
      'services',
      'service',
      ['The Compose file, variables with secrets, scheduled tasks, mounts', SHARED],
      ['What its variables point to', "Its domains may be the source's: check them in Coolify."],
    ),
    'clone-database': cloneOf(
      'databases',
      'database',
      ['Settings, users and passwords, variables, the backup schedule', 'A public port works for only one of the two.'],
      ['Backups', 'Apps that use the source keep using it.'],
    ),
  },
})
