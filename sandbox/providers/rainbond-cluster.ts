/** The simulated Rainbond's components over time: how a copy is built and started, and the events of that. */
import { type App, type BuildEvent, type Component, newId } from './rainbond-world.js'
import type { SimulatorServer } from './server.js'

const FAILURE = 'The image could not be pulled.'

interface Cluster {
  now(): number
  cloneMs: number
  server: SimulatorServer
  /** The state that all copies report; undefined for their real one. */
  stateOfCopies(): string | null | undefined
}

export function startCluster({ now, cloneMs, server, stateOfCopies }: Cluster) {
  const copies: Component[] = []
  let made = 0

  function duplicate({ name, source }: Component, target: App, at: number): Component {
    const one: Component = {
      id: newId('d', ++made),
      name: `${name}-copy`,
      source,
      createStatus: 'complete',
      isCopy: true,
      createdAt: at,
      changes: [{ at, status: source === 'third_party' ? 'running' : 'undeploy' }],
      events: [],
    }
    target.components.push(one)
    copies.push(one)
    return one
  }

  function addEvent(one: Component, kind: string, at: number, endsAt: number): BuildEvent {
    const event: BuildEvent = { id: newId('e', ++made), kind, at, endsAt, outcome: 'success', message: '' }
    one.events.push(event)
    return event
  }

  /** Starts a build: the component is `closed` during it and starts after it. Returns the event's id. */
  function build(one: Component, at: number): string {
    const endsAt = at + cloneMs / 2
    one.changes.push(
      { at, status: 'closed' },
      { at: endsAt, status: 'waiting' },
      { at: endsAt + cloneMs / 4, status: 'starting' },
      { at: at + cloneMs, status: 'running' },
    )
    server.changed(cloneMs / 2)
    server.changed(cloneMs)
    return addEvent(one, 'build-service', at, endsAt).id
  }

  /** A scan of the source before the build, so long that the build seems to be missing. Returns when it ends. */
  function scan(one: Component, at: number): number {
    return addEvent(one, 'source-scan', at, at + 40_000).endsAt
  }

  /** Starts the builds of a copy, unless a switch prevents that. */
  function dispatch(parts: Component[], at: number): void {
    const isSwallowed = server.isOn('swallow-build')
    const isScanned = server.isOn('scan-source')
    const isOnlyScanned = server.isOn('scan-only')
    for (const [index, one] of parts.entries()) {
      const builtAt = isScanned || isOnlyScanned ? scan(one, at) : at
      if (!isOnlyScanned && !(isSwallowed && index === 0)) build(one, builtAt)
    }
  }

  /** The switch `fail-next` makes a build fail as soon as there is one. */
  function failOpenBuild(): void {
    for (const one of copies) {
      const open = one.events.find(({ kind, at, endsAt }) => kind === 'build-service' && at <= now() && endsAt > now())
      if (!open || !server.isOn('fail-next')) continue
      Object.assign(open, { outcome: 'failure', message: FAILURE })
      one.changes = one.changes.filter(({ at }) => at < open.endsAt)
    }
  }

  function statusOf({ changes, isCopy }: Component): string | null {
    if (server.isOn('region-down')) return null
    const status = changes.findLast(({ at }) => at <= now())?.status ?? 'undeploy'
    if (!isCopy) return status
    const forced = stateOfCopies()
    if (forced !== undefined) return forced
    if (status === 'running') return server.isOn('crash') ? 'abnormal' : status
    return status !== 'undeploy' && server.isOn('unknown-status') ? 'hibernating' : status
  }

  /** Newest first. Pods have events here too, which never end. */
  function eventsOf(one: Component) {
    const reached = one.events.filter(({ at }) => at <= now()).toReversed()
    const pod = {
      event_id: newId('e', 0),
      opt_type: 'Unhealthy',
      status: '',
      final_status: 'emptycomplete',
      message: '',
    }
    const events = reached.map(({ id, kind, at, endsAt, outcome, message }) => {
      const end_time = new Date(endsAt).toISOString()
      const end = { status: outcome, final_status: 'complete', message, end_time }
      const open = { status: '', final_status: '', message: '', end_time: '' }
      const create_time = new Date(at).toISOString()
      return { event_id: id, opt_type: kind, target_id: one.id, create_time, ...(endsAt <= now() ? end : open) }
    })
    if (server.isOn('new-events')) return [pod, ...events].map((one) => ({ event: one }))
    return server.isOn('old-events') ? [pod, ...events].map(inOldSpelling) : [pod, ...events]
  }

  function show(one: Component) {
    const { id, name, source, createStatus } = one
    const known = { service_id: id, service_cname: name, service_alias: `gr${id.slice(-6)}`, service_source: source }
    return { ...known, create_status: createStatus, status: statusOf(one), access_infos: [], arch: 'amd64' }
  }

  return { duplicate, build, dispatch, failOpenBuild, statusOf, show, eventsOf }
}

/** `opt_type` as `OptType`: the spelling of consoles before 6.0. */
function inOldSpelling(event: Record<string, unknown>): Record<string, unknown> {
  const capital = (word: string) => (word === 'id' ? 'ID' : `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
  return Object.fromEntries(Object.entries(event).map(([key, value]) => [key.split('_').map(capital).join(''), value]))
}
