/** How the simulated Cloud Foundry shows what it holds. */
import type { Context } from './cloud-foundry-access.js'
import type { Code } from './cloud-foundry-code.js'
import { iso } from './cloud-foundry-lists.js'
import { type App, type Artifact, failedAt } from './cloud-foundry-world.js'

const COPY_FAILURE = 'failed to copy - the blobstore is full'
const STAGING_FAILURE = 'NoAppDetectedError - An app was not successfully detected by any available buildpack'
const STARVED = 'StagingError - Staging error: staging failed: out of memory'

export function createViews({ world, server, now, cloneMs }: Context, code: Code) {
  function showApp({ guid, name, space, state, createdAt, lifecycle, labels, droplet }: App) {
    return {
      guid,
      name,
      state,
      created_at: iso(createdAt),
      lifecycle: name === 'loom' && server.isOn('cnb-credentials') ? blanked(lifecycle) : lifecycle,
      metadata: { labels, annotations: {} },
      relationships: { space: linked(space), current_droplet: linked(droplet) },
    }
  }

  function showSpaceRow({ guid, name, suspended, organization }: (typeof world.spaces)[number]) {
    return {
      guid,
      name,
      suspended,
      created_at: iso(0),
      // Each has one of its own, known by the same guid.
      relationships: { organization: linked(organization), quota: linked(guid) },
    }
  }

  function showArtifact(one: Artifact) {
    const { guid, kind, app, createdAt, readyAt, fails, isStarved } = one
    const failed = fails && now() >= readyAt
    const broken = isStarved ? STARVED : STAGING_FAILURE
    const reason = failed ? (kind === 'build' || one.package ? broken : COPY_FAILURE) : null
    const state = code.stateOf(one)
    return {
      guid,
      created_at: iso(createdAt),
      state,
      relationships: { app: linked(app) },
      ...(kind === 'package'
        ? { type: 'bits', data: { error: reason, checksum: { type: 'sha256', value: null } } }
        : { error: reason }),
      ...(kind === 'build' && {
        droplet: state === 'STAGED' ? { guid: one.droplet } : null,
        package: { guid: one.package },
      }),
    }
  }

  function instanceState({ state, startedAt, crashes }: App): string {
    if (state === 'STOPPED') return 'DOWN'
    if (now() < startedAt + cloneMs * 0.2) return server.isOn('unknown-status') ? 'HIBERNATING' : 'STARTING'
    return crashes ? 'CRASHED' : 'RUNNING'
  }

  function showRoute({ guid, host, domain, space, createdAt, labels, destinations }: (typeof world.routes)[number]) {
    const url = `${host}.${world.domains.find((one) => one.guid === domain)?.name}`
    return {
      guid,
      host,
      url,
      protocol: 'http',
      created_at: iso(createdAt),
      metadata: { labels },
      destinations: destinations.map((guid) => ({ app: { guid, process: { type: 'web' } } })),
      relationships: { space: linked(space), domain: linked(domain) },
    }
  }

  function showBinding(one: (typeof world.bindings)[number]) {
    const { guid, app, service, createdAt, readyAt, fails, stays } = one
    const deletionFailedAt = failedAt(one, now())
    const isOpen = stays ? deletionFailedAt === undefined : now() < readyAt
    const state = isOpen ? 'in progress' : fails || stays ? 'failed' : 'succeeded'
    const type = stays ? 'delete' : 'create'
    const reason = stays ? 'The broker does not let go of it.' : 'The broker has no more credentials to give.'
    const description = state === 'failed' ? reason : ''
    return {
      guid,
      name: null,
      type: 'app',
      created_at: iso(createdAt),
      last_operation: { type, state, description, updated_at: iso(deletionFailedAt ?? createdAt) },
      relationships: { app: linked(app), service_instance: linked(service) },
    }
  }

  return { showApp, showSpaceRow, showArtifact, instanceState, showRoute, showBinding }
}

/** As the API shows the credentials of a registry. */
function blanked({ type, data }: App['lifecycle']): App['lifecycle'] {
  return { type, data: { ...data, credentials: '***' } }
}

export function linked(guid: string | null): { data: { guid: string } | null } {
  return { data: guid === null ? null : { guid } }
}
