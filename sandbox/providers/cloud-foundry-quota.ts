/** How much memory the simulated Cloud Foundry lets a space and an organization use. */
import type { Context } from './cloud-foundry-access.js'
import { notFound, unprocessable } from './cloud-foundry-lists.js'
import type { App } from './cloud-foundry-world.js'

/** The limit of everything without its own quota. */
const AMPLE_MB = 1_000_000
/** What is left in the space "staging", or in the organization around it, while the switch for that is on. */
const LEFT_MB = 128
/** Staging always gets this much; no quota is checked below it. */
const LEAST_STAGING_MB = 1024

export type Quotas = ReturnType<typeof createQuotas>

export function createQuotas({ world, server, now, exists }: Context) {
  const memoryOf = ({ processes }: App) =>
    processes.reduce((sum, { instances, memory_in_mb }) => sum + instances * memory_in_mb, 0)

  /** What runs or is staged in these spaces. */
  function used(spaces: readonly string[]): number {
    const apps = world.apps.filter((app) => spaces.includes(app.space) && exists(app))
    const running = apps.filter(({ state }) => state === 'STARTED').reduce((sum, app) => sum + memoryOf(app), 0)
    const builds = world.artifacts.filter(
      (one) => one.kind === 'build' && now() < one.readyAt && apps.some(({ guid }) => guid === one.app),
    )
    return running + builds.reduce((sum, { memoryMb = 0 }) => sum + memoryMb, 0)
  }

  function scopes(guid: string) {
    const space = world.spaces.find((one) => one.guid === guid)
    const all = world.spaces.filter((one) => one.organization === space?.organization).map((one) => one.guid)
    return { isStaging: space?.name === 'staging', organization: space?.organization ?? '', all }
  }

  // The limit is fixed when the switch is first read: what is used then, plus what is left.
  const limits = new Map<string, number>()

  function limitOf(home: string, spaces: readonly string[], isFull: boolean): number {
    if (!isFull) {
      limits.delete(home)
      return AMPLE_MB
    }
    const limit = limits.get(home) ?? used(spaces) + LEFT_MB
    limits.set(home, limit)
    return limit
  }

  /** The limit and the use of a space, by its guid. */
  function ofSpace(guid: string): { limit: number; used: number } {
    const isFull = scopes(guid).isStaging && server.isOn('space-full')
    return { limit: limitOf(guid, [guid], isFull), used: used([guid]) }
  }

  /** The limit and the use of an organization, by its guid. */
  function ofOrganization(guid: string): { limit: number; used: number } {
    const spaces = world.spaces.filter((one) => one.organization === guid)
    const all = spaces.map((one) => one.guid)
    const isFull = spaces.some(({ name }) => name === 'staging') && server.isOn('organization-full')
    return { limit: limitOf(guid, all, isFull), used: used(all) }
  }

  function demand(space: string, memoryMb: number, sentence: (whose: string) => string): void {
    const { limit, used } = ofSpace(space)
    if (used + memoryMb > limit) throw unprocessable(sentence('space'))
    const organization = ofOrganization(scopes(space).organization)
    if (organization.used + memoryMb > organization.limit) throw unprocessable(sentence('organization'))
  }

  /** The memory that a build may use: that of the newest "web". @throws Refusal if that exceeds a quota. */
  function stagingMb(app: App): number {
    const wanted = app.processes.findLast(({ type }) => type === 'web')?.memory_in_mb ?? 0
    if (wanted < LEAST_STAGING_MB) return LEAST_STAGING_MB
    demand(app.space, wanted, (whose) => `${whose}'s memory limit exceeded: staging requires ${wanted}M memory`)
    return wanted
  }

  /** @throws Refusal if there isn't enough memory to start or scale an app. */
  function demandForRun(app: App, beforeMb: number): void {
    const more = memoryOf(app) - beforeMb
    if (more > 0) demand(app.space, more, (whose) => `memory ${whose}_quota_exceeded`)
  }

  /** What it takes to stage the code of an app: half of what it runs with. */
  function neededMb(origin: string): number {
    const app = world.apps.find(({ guid }) => guid === origin)
    return (app?.processes.find(({ type }) => type === 'web')?.memory_in_mb ?? 0) / 2
  }

  /** A quota as the API shows it, by the guid of its space or organization. */
  function show(guid: string) {
    const isSpace = world.spaces.some((one) => one.guid === guid)
    if (!isSpace && !world.organizations.some((one) => one.guid === guid)) throw notFound('Quota')
    const { limit } = isSpace ? ofSpace(guid) : ofOrganization(guid)
    return { guid, name: 'usual', apps: { total_memory_in_mb: limit, per_process_memory_in_mb: null } }
  }

  function usage(home: { used: number }) {
    return { usage_summary: { started_instances: 0, memory_in_mb: home.used } }
  }

  return {
    stagingMb,
    demandForRun,
    neededMb,
    memoryOf,
    show,
    usageOfSpace: (guid: string) => usage(ofSpace(guid)),
    usageOfOrganization: (guid: string) => usage(ofOrganization(guid)),
  }
}
