/** What people ask for: how, which writes a provider must not see twice, and how to see that it is live. */
import { z } from 'zod'
import type { Exchange } from './proxy.js'

/** What a person puts into one form. */
export interface FormInput {
  /** Identifies its writes. Only follow-ups and rivals share one. */
  target: string
  /** Said with the command: field → text. */
  typed: Readonly<Record<string, string>>
  /** Picked from live lists, in this order: field and label. */
  picked: readonly (readonly [field: string, label: string])[]
}

/** What the judge knows of one submission. */
export interface Asked {
  target: string
  /** The provider's own id of the target, where `idField` says which list has it. */
  id?: string | undefined
}

export interface Scenario {
  provider: string
  operation: string
  /** As the root message begins. */
  title: string
  /** The form's field that picks the target, where the writes name that by its id only. */
  idField?: string
  /** Asked for by the other person on the same target, as soon as that scenario's job with the same number has ended. */
  after?: Scenario
  input(number: number): FormInput
  /**
   * How often the provider carried out each write that must not be made twice, by what it made. Left out are writes that
   * set a value, which change nothing when they are made again; each scenario says which.
   */
  writes(asked: Asked, exchanges: readonly Exchange[]): Readonly<Record<string, number>>
  /** Whether what was asked for is there and live. `rows` is the provider's own list of what exists. */
  isLive(asked: Asked, rows: readonly (readonly string[])[], exchanges: readonly Exchange[]): boolean
}

const made = z.looseObject({ id: z.string(), uuid: z.string(), guid: z.string(), ID: z.number() }).partial()
const sent = z
  .looseObject({
    name: z.string(),
    uuid: z.string(),
    app_name: z.string(),
    host: z.string(),
    target_app_id: z.number(),
    package: z.object({ guid: z.string() }),
    relationships: z.record(z.string(), z.object({ data: z.object({ guid: z.string() }) })),
  })
  .partial()
const bodyOf = ({ body }: Exchange) => sent.safeParse(body).data ?? {}
const answerOf = ({ answer }: Exchange) => made.safeParse(answer).data ?? {}
const pathOf = ({ path }: Exchange) => path.split('?')[0] ?? ''
const appOf = (one: Exchange) => bodyOf(one).relationships?.app?.data.guid

/** The writes on these paths that the provider carried out. */
function done(exchanges: readonly Exchange[], path: RegExp, fits: (one: Exchange) => boolean = () => true): Exchange[] {
  return exchanges.filter((one) => one.method === 'POST' && one.status < 300 && path.test(pathOf(one)) && fits(one))
}

/** Counts by what was written to; nothing if there was none. */
function counted(
  what: string,
  some: readonly Exchange[],
  by: (one: Exchange) => string = () => '',
): [string, number][] {
  const counts = new Map<string, number>()
  for (const one of some) counts.set(`${what} ${by(one)}`.trim(), (counts.get(`${what} ${by(one)}`.trim()) ?? 0) + 1)
  return [...counts]
}

/** Of a fixed length, so that none is the beginning of another. */
const childName = (of: string, number: number) => `${of}-lamb-${String(number).padStart(4, '0')}`
const extra = (number: number) => String(number + 1).padStart(4, '0')

const hoodyCopy: Scenario = {
  provider: 'hoody',
  operation: 'copy',
  title: 'Copy a container',
  input: (number) => ({
    target: childName('hoody', number),
    typed: { name: childName('hoody', number) },
    picked: [
      ['container', 'shop-api'],
      ['project', 'woolworks-staging'],
      // A server has room for a handful of containers.
      ['server', `fold-${extra(Math.floor(number / 4) + 1)}`],
    ],
  }),
  writes: ({ target }, exchanges) =>
    Object.fromEntries(
      counted(
        'copy',
        done(exchanges, /\/copy$/, (one) => bodyOf(one).name === target),
      ),
    ),
  isLive: ({ target }, rows) => rows.some(([name, , , status]) => name === target && status === 'running'),
}

const syncOf = (target: string, project: string): FormInput => ({
  target,
  typed: {},
  picked: [['container', `${target} in ${project}`]],
})

const hoodySync: Scenario = {
  provider: 'hoody',
  operation: 'sync',
  title: 'Sync a copy',
  idField: 'container',
  input: (number) => syncOf(`shop-api-${extra(number)}`, `customer-${extra(number)}`),
  // A second sync overwrites what was changed in the copy since the first one.
  writes: ({ id }, exchanges) => Object.fromEntries(counted('sync', done(exchanges, new RegExp(`/${id}/sync$`)))),
  isLive: (asked, rows, exchanges) =>
    rows.some(([name, , , status]) => name === asked.target && status === 'running') &&
    hoodySync.writes(asked, exchanges).sync !== undefined,
}

const migetClone: Scenario = {
  provider: 'miget',
  operation: 'clone',
  title: 'Clone an app',
  input: (number) => ({
    target: childName('miget', number),
    typed: { name: childName('miget', number), label: childName('miget', number) },
    picked: [
      ['app', 'shop-web'],
      ['project', 'woolworks-staging'],
      // 4 GiB each, of which a clone takes a half and the app that is there another.
      ['resource', `miget${extra(Math.floor(number / 6))}`],
    ],
  }),
  writes({ target }, exchanges) {
    const clones = done(exchanges, /\/clone$/, (one) => bodyOf(one).name === target)
    const ids = clones.map((one) => answerOf(one).uuid)
    const deployments = done(exchanges, /\/deploy$/, (one) => ids.includes(pathOf(one).split('/').at(-2)))
    return Object.fromEntries([...counted('clone', clones), ...counted('deploy', deployments)])
  },
  isLive: ({ target }, rows) =>
    rows.some(([name = '', , , status]) => name.replace(/-\w{5}$/, '') === target && status === 'running'),
}

function qoveryWrites({ target }: Asked, exchanges: readonly Exchange[]): Readonly<Record<string, number>> {
  const clones = done(exchanges, /\/clone$/, (one) => bodyOf(one).name === target)
  const ids = clones.map((one) => answerOf(one).id)
  const deployments = done(exchanges, /\/deploy$/, (one) => ids.includes(pathOf(one).split('/').at(-2)))
  return Object.fromEntries([...counted('clone', clones), ...counted('deploy', deployments)])
}

const qoveryClone: Scenario = {
  provider: 'qovery',
  operation: 'clone',
  title: 'Clone a service',
  input: (number) => ({
    target: childName('qovery', number),
    typed: { name: childName('qovery', number) },
    picked: [
      ['service', number % 2 === 0 ? 'shop-api (Shop / production)' : 'shop-web (Shop / production)'],
      ['environment', 'staging (Shop)'],
    ],
  }),
  writes: qoveryWrites,
  isLive: ({ target }, rows) => rows.some(([name, , , status]) => name === target && status === 'DEPLOYED'),
}

const qoveryCloneEnvironment: Scenario = {
  provider: 'qovery',
  operation: 'clone-environment',
  title: 'Clone an environment',
  input: (number) => ({
    target: childName('meadow', number),
    typed: { name: childName('meadow', number) },
    picked: [
      ['environment', 'tools (Internal)'],
      ['project', 'Internal'],
    ],
  }),
  writes: qoveryWrites,
  isLive: qoveryClone.isLive,
}

const rainbondCopy: Scenario = {
  provider: 'rainbond',
  operation: 'copy',
  title: 'Copy an app',
  input: (number) => ({
    target: childName('rainbond', number),
    typed: { name: childName('rainbond', number) },
    picked: [
      ['app', number % 3 === 0 ? 'Production / Frankfurt / shop' : 'Staging / Frankfurt / shop-staging'],
      ['target', 'Staging / Frankfurt'],
    ],
  }),
  writes({ target }, exchanges) {
    const all = done(exchanges, /\/apps$/)
    const apps = all.filter((one) => bodyOf(one).app_name === target)
    // The number of an app that was deleted is given to the next one.
    const isOfTarget = (number: number | undefined, { at }: Exchange) => {
      const made = all.findLast((one) => answerOf(one).ID === number && one.at <= at)
      return made !== undefined && apps.includes(made)
    }
    const copies = done(exchanges, /\/copy$/, (one) => isOfTarget(bodyOf(one).target_app_id, one))
    const builds = done(exchanges, /\/apps\/\d+\/services\/\w+\/build$/, (one) =>
      isOfTarget(Number(/\/apps\/(\d+)\//.exec(pathOf(one))?.[1]), one),
    )
    const componentOf = (one: Exchange) => pathOf(one).split('/').at(-2) ?? ''
    return Object.fromEntries([
      ...counted('app', apps),
      ...counted('copy', copies),
      ...counted('build of', builds, componentOf),
    ])
  },
  isLive: ({ target }, rows) => rows.some(([name, , , status]) => name === target && status === 'running'),
}

const coolifyClone = (operation: string, title: string, source: string): Scenario => ({
  provider: 'coolify',
  operation,
  title,
  input: (number) => ({
    target: childName(operation, number),
    typed: { name: childName(operation, number) },
    picked: [
      ['source', source],
      ['environment', 'Shop / staging'],
      ['destination', 'flock-hel-1 (coolify)'],
    ],
  }),
  // The environment is a value that is set. So is that a service or a database runs: only its status tells whether it was started,
  // and one that is exited, as after a start that failed, is started once more.
  writes({ target }, exchanges) {
    const clones = done(exchanges, /\/clone$/, (one) => bodyOf(one).name === target)
    const ids = clones.map((one) => answerOf(one).uuid)
    const starts = operation !== 'clone' ? [] : done(exchanges, /\/deploy$/, (one) => ids.includes(bodyOf(one).uuid))
    return Object.fromEntries([...counted('clone', clones), ...counted('deploy', starts)])
  },
  isLive: ({ target }, rows) =>
    rows.some(
      ([name, , environment, , status = '']) =>
        name === target && environment === 'Shop / staging' && status.startsWith('running'),
    ),
})

/** A package and its builds. Assigning a droplet sets a value. */
function codeWrites(app: string, exchanges: readonly Exchange[]): [string, number][] {
  const packages = done(exchanges, /^\/v3\/packages$/, (one) => appOf(one) === app)
  const guids = packages.map((one) => answerOf(one).guid)
  const builds = done(exchanges, /^\/v3\/builds$/, (one) => guids.includes(bodyOf(one).package?.guid))
  return [...counted('copy', packages), ...counted('build', builds)]
}

const cloudFoundryClone: Scenario = {
  provider: 'cloud-foundry',
  operation: 'clone',
  title: 'Clone an app',
  input: (number) => ({
    target: childName('cf', number),
    typed: { name: childName('cf', number), host: childName('cf', number) },
    picked: [
      ['app', 'shop-web in production (woolworks)'],
      ['space', 'production (woolworks)'],
    ],
  }),
  // The size, the health checks, where an address leads and that the app is to run are values that are set.
  writes({ target }, exchanges) {
    const apps = done(exchanges, /^\/v3\/apps$/, (one) => bodyOf(one).name === target)
    const routes = done(exchanges, /^\/v3\/routes$/, (one) => bodyOf(one).host === target)
    const code = apps.flatMap((one) => codeWrites(answerOf(one).guid ?? '', exchanges))
    return Object.fromEntries([...counted('app', apps), ...counted('address', routes), ...code])
  },
  isLive: ({ target }, rows) =>
    rows.some(
      ([name, , status, address = '', code]) =>
        name === target && status === 'running' && address.startsWith(`${target}.`) && code === 'staged',
    ),
}

const cloudFoundryCopyBits: Scenario = {
  provider: 'cloud-foundry',
  operation: 'copy-bits',
  title: 'Copy code to an app',
  idField: 'target',
  input: (number) => ({
    target: `customer-${extra(number)}`,
    typed: {},
    picked: [
      ['app', 'shop-web in production (woolworks)'],
      ['target', `customer-${extra(number)} in production (woolworks)`],
    ],
  }),
  writes({ id = '' }, exchanges) {
    // A second restart is a second interruption.
    const restarts = done(exchanges, new RegExp(`^/v3/apps/${id}/actions/restart$`))
    return Object.fromEntries([...codeWrites(id, exchanges), ...counted('restart', restarts)])
  },
  isLive: (asked, rows, exchanges) =>
    rows.some(([name, , status, , code]) => name === asked.target && status === 'running' && code === 'staged') &&
    cloudFoundryCopyBits.writes(asked, exchanges).restart !== undefined,
}

/** All eleven operations, each time with a target of its own. */
export const scenarios = [
  hoodyCopy,
  hoodySync,
  migetClone,
  qoveryClone,
  qoveryCloneEnvironment,
  coolifyClone('clone', 'Clone an application', 'shop-web'),
  coolifyClone('clone-service', 'Clone a service', 'plausible'),
  coolifyClone('clone-database', 'Clone a database', 'shop-cache'),
  rainbondCopy,
  cloudFoundryClone,
  cloudFoundryCopyBits,
] as const satisfies readonly Scenario[]

/** What follows on the same target. */
export const followUps = [
  { ...hoodySync, after: hoodyCopy, input: (number) => syncOf(childName('hoody', number), 'woolworks-staging') },
  { ...hoodySync, after: hoodySync },
  { ...cloudFoundryCopyBits, after: cloudFoundryCopyBits },
] as const satisfies readonly Scenario[]

/** Must be approved. */
export const approved: Scenario = {
  ...qoveryClone,
  input: (number) => {
    const name = `approved-${extra(number)}`
    return { ...qoveryClone.input(number), target: name, typed: { name } }
  },
}

/** Two people ask for it on one target at the same time. */
export const contested: Scenario = {
  ...qoveryClone,
  input: (number) => {
    const name = `contested-${extra(number)}`
    return { ...qoveryClone.input(number), target: name, typed: { name } }
  },
}
