/** Coolify: clones an application, a service or a database, moves the clone to its environment, and deploys it. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError, unlessNotFound } from '../errors.js'
import {
  type Api,
  defineOperation,
  defineProvider,
  findSurely,
  foundByName,
  lookUpEach,
  mapEach,
  type Observation,
  placed,
  placedOption,
  readFor,
  refusal,
  rows,
  runChecks,
  yesNo,
} from './provider.js'

/** A proxy may hold a request for this long before Coolify gets it. */
const ABSENT_AFTER_MS = 120_000
/** Coolify saves a clone part by part within one request. What is missing this much later never comes. */
const COPYING_MS = 30_000

const text = z.string().trim()
const word = text.nullish().catch(null)
const id = text.regex(/^[a-z0-9]{24}$/, 'Choose from the list, or paste an ID (24 characters, a-z and 0-9).')
const place = text.regex(/^[a-z0-9]{24}\/[a-z0-9]{24}$/, 'Choose from the list, or paste two IDs: project/environment.')
const name = text.regex(/^[\w.-]{1,100}$/, 'Use 1 to 100 letters, digits, dots, hyphens or underscores.')
const named = z.object({ uuid: id, name: text })
const candidate = z.object({ uuid: word, name: word }).catch({ uuid: null, name: null })
/** A deployment, or a thing that starts without one. Its status may be a minute old. */
const watched = z.object({
  uuid: word,
  deployment_url: word,
  status: text.catch('unknown'),
  pull_request_id: z.number().catch(0),
})
/** A clone has the previews of its source, which pull requests deploy. */
const isOwn = ({ pull_request_id }: Watched) => pull_request_id === 0
const watchedLast = z.object({ deployments: z.array(watched) }).transform((all) => all.deployments.find(isOwn) ?? null)
/** `page` is its path in Coolify. `seen` is set once it was seen on its way up. */
const ref = z.object({ id, page: z.string(), seen: z.literal('up').optional() })
type CoolifyRef = z.infer<typeof ref>
type Watched = z.infer<typeof watched>

const fieldsOf = (picker: string, title: string) =>
  z.object({
    source: id.meta({ title, description: 'It keeps running unless you copy its data.', picker }),
    // Without one Coolify makes up a name, and a lost clone couldn't be found.
    name: name.meta({ title: 'Name of the clone', description: 'Must be unused in the team.' }),
    environment: place.meta({ title: 'Target environment', description: 'Where it goes.', picker: 'environments' }),
    destination: id.meta({ title: 'Target server', description: 'Where it runs.', picker: 'destinations' }),
    deploy: yesNo('Deploy the clone', "Otherwise it stays stopped: Coolify doesn't start clones by itself.", true),
    volumes: yesNo('Copy data in volumes', 'Stops the source during the copy. You deploy the clone afterwards.'),
  })
type Params = z.infer<ReturnType<typeof fieldsOf>>

function cloneOf(title: string, copied: string, notCopied: string) {
  const one = title.toLowerCase()
  const kind = `${one}s`
  const isBuilt = kind === 'applications'
  const restarts = isBuilt ? 'deploys its latest commit' : 'starts it again'
  // Nothing tells when the data is there, and what starts earlier starts without it.
  const isDeployed = ({ deploy, volumes }: Params) => deploy && !volumes
  const everything = (api: Api) => api.get(`/${kind}`, z.array(candidate))
  const made = (id: string, { environment }: Params): CoolifyRef => {
    return { id, page: `/project/${environment.replace('/', '/environment/')}/${one}/${id}` }
  }
  const moved = (ref: CoolifyRef, params: Params) => {
    const detail = `It isn't started. Deploy it in Coolify ${params.volumes ? 'once its data is there' : 'when you need it'}.`
    return { ref, ended: 'done' as const, ...(!isDeployed(params) && { detail }) }
  }
  /** The newest deployment, which may be that of a push, or the thing itself where it starts without one. */
  const last = (api: Api, id: string): Promise<Watched | null> =>
    unlessNotFound(
      isBuilt ? api.get(`/deployments/applications/${id}`, watchedLast) : api.get(`/${kind}/${id}`, watched),
    )
  const check = (api: Api, refs: readonly CoolifyRef[]) => {
    // Coolify sorts its deployments, which may leave an object with numbers for keys.
    const list = z.preprocess((body) => Object.values(Object(body)), rows(api, watched))
    const lookup = {
      list: () => api.get(isBuilt ? '/deployments' : `/${kind}`, list),
      id: (one: Watched) => (isOwn(one) && (isBuilt ? one.deployment_url?.split('/')[6] : one.uuid)) || '',
      one: (id: string) => last(api, id),
    }
    return lookUpEach(refs, ({ id }) => id, lookup, observe(api))
  }
  return defineOperation<Params, CoolifyRef>({
    title: `Clone ${isBuilt ? 'an' : 'a'} ${one}`,
    fields: fieldsOf(kind, title),
    ref,
    // Coolify takes a name twice, and then nothing tells the two apart.
    lock: ({ name }) => `clone:${kind}/${name}`,
    summary: (its) => ({ from: placed(its, 'source'), to: `${its.name} in ${its.environment} on ${its.destination}` }),
    preview: ({ volumes }, { source }) => ({
      copied: `${copied}${volumes ? ' Data in volumes.' : ''}`,
      notCopied: `${volumes ? '' : 'Data in volumes. '}${notCopied}`,
      ...(volumes && {
        warning: `Coolify stops ${source} while it copies the volumes, then ${restarts}. The clone isn't started: deploy it in Coolify once its data is there.`,
      }),
    }),
    validate(api, { source, name, environment }) {
      const found = readFor('source', api.get(`/${kind}/${source}`, z.object({ ports_mappings: word })))
      const isFree = everything(api).then((all) => {
        if (all.some((one) => one.name === name))
          throw refusal('name', `Coolify already has one called ${name}. Choose another name.`)
      })
      const isThere = readFor('environment', api.get(`/projects/${environment}`, z.unknown()))
      // New in 4.3.0, as cloning is. The version itself is plain text.
      const canClone = readFor('source', api.get('/team', z.unknown()))
      const ports = found.then(({ ports_mappings: ports }) =>
        ports ? [`The source uses ports of its server (${ports}). The two can't run there at the same time.`] : [],
      )
      return runChecks([found, canClone, isFree, isThere], [ports])
    },
    copiesData: true,
    deadlineMs: 60 * 60_000,
    pollEveryMs: 5_000,
    steps: [
      {
        id: 'clone',
        title: `Clone the ${one}`,
        doing: `Cloning the ${one}`,
        absentAfterMs: ABSENT_AFTER_MS,
        async run(api, params) {
          const json = { destination_uuid: params.destination, name: params.name, clone_volumes: params.volumes }
          const { uuid } = await api.post(`/${kind}/${params.source}/clone`, z.object({ uuid: id }), { json })
          return { ref: made(uuid, params), ended: 'done' }
        },
        ...foundByName<Params, null, z.infer<typeof candidate>, CoolifyRef>({
          list: everything,
          id: ({ uuid }) => uuid ?? undefined,
          matches: ({ name }, params) => (name ? name === params.name : undefined),
          async made(id, _, { api, params, attempt: { lost, searchedForMs } }) {
            const detail = 'Coolify failed during the copy: variables, volumes or tasks may be missing.'
            if (lost?.status) return { ref: made(id, params), ended: 'incomplete', detail }
            // The variables come last. Without any, only time tells.
            const paths = [params.source, id].map((one) => `/${kind}/${one}/envs`)
            const [all = [], some = []] = await mapEach(paths, (path) => api.get(path, z.array(z.unknown())))
            const isWhole = some.length >= all.length
            if (searchedForMs < COPYING_MS && !(isWhole && all.length > 0))
              throw new TemporaryError('Coolify may still be copying.', { mayHaveHappened: false })
            return isWhole
              ? { ref: made(id, params), ended: 'done' }
              : { ref: made(id, params), ended: 'incomplete', detail }
          },
        }),
        check,
      },
      {
        // Coolify makes a clone in the environment of its source.
        id: 'move',
        title: 'Move it to the environment',
        doing: 'Moving it to the environment',
        // A move that arrives late sets the same environment once more.
        absentAfterMs: 0,
        async run(api, params, ref) {
          const json = { environment_uuid: params.environment.split('/')[1] }
          await api.post(`/${kind}/${ref.id}/move`, z.unknown(), { json }).catch((error: unknown) => {
            if (!(error instanceof UserError && /already in this environment/.test(error.message))) throw error
          })
          return moved(ref, params)
        },
        async find(api, params, ref) {
          const { id } = await api.get(`/projects/${params.environment}`, z.object({ id: z.number() }))
          const clone = await api.get(`/${kind}/${ref.id}`, z.object({ environment_id: z.number() }))
          return clone.environment_id === id ? moved(ref, params) : null
        },
        check,
      },
      {
        id: 'deploy',
        title: 'Deploy the clone',
        doing: 'Deploying the clone',
        absentAfterMs: ABSENT_AFTER_MS,
        when: isDeployed,
        async run(api, _params, ref) {
          const answer = z.object({ deployments: z.tuple([z.object({ message: text.catch('') })], z.unknown()) })
          const { deployments } = await api.post('/deploy', answer, { json: { uuid: ref.id } })
          // Coolify answers 200 even to those who may not deploy.
          if (deployments[0].message.startsWith('Unauthorized'))
            throw new ConnectionError(`Coolify: ${deployments[0].message}`)
          return ref
        },
        async find(api, _params, ref) {
          const isStarted = (one: Watched | null) =>
            one?.status.startsWith('unknown') ? undefined : one?.status.startsWith('exited') === false
          return findSurely([await last(api, ref.id)], isStarted) && ref
        },
        check,
      },
    ],
    // Its volumes, network and folder go with it. By default Coolify would clean up the whole server, too.
    remove: async (api, { id }) =>
      void (await unlessNotFound(api.delete(`/${kind}/${id}`, z.unknown(), { query: { docker_cleanup: false } }))),
  })
}

const observe =
  (api: Api) =>
  async (ref: CoolifyRef, found: Watched | null): Promise<Observation<CoolifyRef>> => {
    if (!found) return { phase: 'failed', detail: 'Coolify no longer has the clone or its deployment.' }
    const consoleUrl = `${api.settings?.dashboard}${found.deployment_url ?? ref.page}`
    const [state = ''] = found.status.split(':')
    if (state === 'running') return { phase: 'done', consoleUrl }
    if (state === 'finished') {
      const found = await api.get(`/applications/${ref.id}`, z.object({ fqdn: word })).catch(() => null)
      const url = found?.fqdn?.split(',').find((one) => URL.canParse(one))
      return { phase: 'done', consoleUrl, ...(url !== undefined && { url }) }
    }
    // What was never started is called exited, too.
    if (['failed', 'cancelled-by-user'].includes(state) || (state === 'exited' && ref.seen))
      return { phase: 'failed', detail: `The start failed (${state}). The log in Coolify says why.`, consoleUrl }
    const isUp = !['exited', 'unknown'].includes(state)
    return { phase: 'working', detail: state, consoleUrl, ...(isUp && { ref: { ...ref, seen: 'up' } }) }
  }

/** All of them: no list has those of several projects. */
async function environments(api: Api) {
  const row = named.extend({ id: z.number() })
  const lists = await mapEach(await api.get('/projects', rows(api, named)), async ({ uuid, name }) => {
    const all = await api.get(`/projects/${uuid}/environments`, rows(api, row))
    return all.map((one) => ({ id: one.id, value: `${uuid}/${one.uuid}`, label: `${name} / ${one.name}` }))
  })
  return lists.flat()
}

const sources = (kind: string) => async (api: Api) => {
  const all = await api.get(`/${kind}`, rows(api, named.extend({ status: word, environment_id: z.number().catch(0) })))
  // Without its place a source can still be chosen, unless a rule asks for that.
  const places = new Map((await environments(api).catch(() => [])).map(({ id, label }) => [id, label]))
  return all.map((one) => placedOption(one.uuid, one.name, places.get(one.environment_id), one.status))
}

/** The networks of all servers but those that only build. */
async function destinations(api: Api) {
  const server = named.extend({ settings: z.object({ is_build_server: z.boolean() }) })
  const servers = new Map((await api.get('/servers', rows(api, server))).map((one) => [one.uuid, one]))
  const all = await api.get('/destinations', rows(api, named.extend({ server_uuid: text })))
  const usable = all.filter(({ server_uuid }) => !servers.get(server_uuid)?.settings.is_build_server)
  return usable.map((one) => ({ value: one.uuid, label: `${servers.get(one.server_uuid)?.name} (${one.name})` }))
}

const url = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))
const errorBody = z.object({ message: text.catch(''), docs: text.optional() }).catch({ message: '' })
export const coolify = defineProvider({
  id: 'coolify',
  name: 'Coolify',
  connection: z.object({ url: url.default('https://app.coolify.io'), token: z.string().min(1) }),
  client: ({ url, token }) => ({
    baseUrl: `${url}/api/v1`,
    headers: { authorization: `Bearer ${token}` },
    settings: { dashboard: url },
    errorMessage: (body) => errorBody.parse(body).message,
    classify({ body }) {
      const { message, docs } = errorBody.parse(body)
      // Said of a route that doesn't exist, as cloning didn't before.
      if (docs) return { blame: 'user', sentence: "It can't clone: that needs Coolify 4.3.0 or newer.", status: 404 }
      if (message.startsWith('Invalid token')) return { blame: 'operator', sentence: "The token's team is gone." }
      return undefined
    },
  }),
  pickers: {
    applications: sources('applications'),
    services: sources('services'),
    databases: sources('databases'),
    environments,
    destinations,
  },
  operations: {
    clone: cloneOf(
      'Application',
      "The code's source, build settings, ports, variables with secrets, scheduled tasks, mounts. Scheduled tasks then run in both, and a push deploys both. A mounted server path is shared: both use the same files.",
      "Linked databases. Its variables still point to the source's databases. With Docker Compose or custom labels it also claims the source's domain; otherwise it gets a new one.",
    ),
    'clone-service': cloneOf(
      'Service',
      'The Compose file, variables with secrets, scheduled tasks, mounts. Scheduled tasks then run in both. A mounted server path is shared: both use the same files.',
      "What its variables point to. Its domains may be the source's: check them in Coolify.",
    ),
    'clone-database': cloneOf(
      'Database',
      'Settings, users and passwords, variables, the backup schedule. A public port works for only one of the two.',
      'Backups. Apps that use the source keep using it.',
    ),
  },
})
