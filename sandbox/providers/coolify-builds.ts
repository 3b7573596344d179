/** The build queue of the simulated Coolify: what is deployed when, two builds at once on each server. */
import { Refusal } from './coolify-shapes.js'
import { type Change, type Deployment, iso, newId, type Resource, type seed, statusAt } from './coolify-world.js'
import type { SimulatorServer } from './server.js'

const MAX_QUEUED = 25
const MAX_BUILDS = 2
const ENDED: readonly string[] = ['finished', 'failed', 'cancelled-by-user']

/**
 * @param buildMs how long a build takes, in milliseconds.
 * @param now the provider's clock, in milliseconds.
 */
export function createBuilds(
  { resources, deployments }: ReturnType<typeof seed>,
  server: () => Pick<SimulatorServer, 'isOn' | 'changed'>,
  buildMs: number,
  now: () => number,
) {
  // They go with their application.
  const exists = ({ application: { goneAt } }: Deployment) => goneAt === null || goneAt > now()
  const all = () => [...deployments.values()].filter(exists)
  const on = (application: Resource) =>
    all().filter((one) => one.application.destination.server === application.destination.server)
  const of = (application: Resource) => all().filter((one) => one.application === application)
  const statusOf = (deployment: Deployment) => statusAt(deployment, now())
  const hasEnded = (deployment: Deployment) => ENDED.includes(statusOf(deployment))

  function isFull(application: Resource): boolean {
    return (
      server().isOn('queue-full') || on(application).filter((one) => statusOf(one) === 'queued').length >= MAX_QUEUED
    )
  }

  /** A build that finds no free slot waits for the end of one. */
  function add(application: Resource): Deployment {
    const ends = on(application)
      .map(({ changes }) => changes.at(-1)?.at ?? 0)
      .filter((at) => at > now())
      .sort((one, other) => other - one)
    const beginsAt = (ends[MAX_BUILDS - 1] ?? now()) + 1
    const endsAt = beginsAt + buildMs
    const isFailing = server().isOn('fail-next') || hasTakenPort(application)
    const end = server().isOn('cancel-next') ? 'cancelled-by-user' : isFailing ? 'failed' : 'finished'
    const id = deployments.size + 1
    const changes: Change[] = [{ at: now(), status: 'queued' }]
    const deployment = { id, uuid: newId('q', id), application, changes, createdAt: now() }
    deployments.set(deployment.uuid, deployment)
    if (server().isOn('stuck-deploy')) return deployment
    changes.push({ at: beginsAt, status: 'in_progress' }, { at: endsAt, status: end })
    if (end === 'finished') application.changes.push({ at: endsAt, status: 'running:healthy' })
    for (const at of [beginsAt, endsAt]) server().changed(at - now())
    return deployment
  }

  function hasTakenPort({ uuid, ports, destination }: Resource): boolean {
    const others = [...resources.values()].filter((one) => one.uuid !== uuid && one.goneAt === null)
    return ports !== null && others.some((one) => one.ports === ports && one.destination.server === destination.server)
  }

  /** Puts a deployment into the queue and answers its id. */
  function deploy(application: Resource): { message: string; deployment_uuid: string } {
    if (isFull(application)) {
      const message = 'Deployment queue is full. Please wait for existing deployments to complete.'
      throw new Refusal(429, message, {}, { 'retry-after': '60' })
    }
    const running = of(application).find((one) => !hasEnded(one))
    // A new id is answered all the same, under which nothing was stored.
    if (running) {
      return { message: 'Deployment already queued for this commit.', deployment_uuid: newId('q', 1e6 + running.id) }
    }
    const message = `Application ${application.name} deployment queued.`
    return { message, deployment_uuid: add(application).uuid }
  }

  /** The older way, which does not notice a full queue: the answer is the same, and nothing comes of it. */
  function start(application: Resource): string {
    return isFull(application) ? newId('q', 2e6) : add(application).uuid
  }

  function cancel(uuid: string): void {
    const deployment = find(uuid)
    if (hasEnded(deployment)) throw new Refusal(400, 'Deployment cannot be cancelled.')
    const { changes, application } = deployment
    for (const list of [changes, application.changes]) {
      list.splice(0, list.length, ...list.filter(({ at }) => at <= now()))
    }
    changes.push({ at: now(), status: 'cancelled-by-user' })
  }

  function find(uuid: string): Deployment {
    const found = deployments.get(uuid)
    if (!found || !exists(found)) throw new Refusal(404, 'Deployment not found.')
    return found
  }

  function show(deployment: Deployment) {
    const { application, uuid: deployment_uuid, id, createdAt } = deployment
    const status = statusOf(deployment)
    const { uuid, project } = application.environment
    const link = `/project/${project.uuid}/environment/${uuid}/application/${application.uuid}`
    return {
      ...{ id, application_id: `${application.id}`, deployment_uuid, application_name: application.name },
      status: server().isOn('unknown-status') && !ENDED.includes(status) ? 'hibernating' : status,
      deployment_url: `${link}/deployment/${deployment_uuid}`,
      ...{ server_name: application.destination.server.name, commit: 'HEAD', created_at: iso(createdAt) },
      ...(server().isOn('read-sensitive') && { logs: '[{"output":"npm ci","type":"stdout"}]' }),
    }
  }

  return {
    add,
    deploy,
    start,
    cancel,
    /** All of the team that have not ended; some versions answer with an object in place of a list. */
    active() {
      const shown = all()
        .filter((one) => !hasEnded(one))
        .map(show)
      const keyed = () => Object.fromEntries(shown.map((one, index) => [index + 3, one]))
      return server().isOn('keyed-deployments') ? keyed() : shown
    },
    /** Those of one application, the latest first. */
    of: (application: Resource) => of(application).toReversed().map(show),
    one: (uuid: string) => show(find(uuid)),
  }
}
