/** The code in the simulated Cloud Foundry: packages, droplets and builds, and the old API's way to copy them. */
import { z } from 'zod'
import { type Context, parse } from './cloud-foundry-access.js'
import { iso, notFound, Refusal, unprocessable } from './cloud-foundry-lists.js'
import type { Quotas } from './cloud-foundry-quota.js'
import type { App, Artifact } from './cloud-foundry-world.js'
import type { SimulatedRequest } from './server.js'

const one = z.strictObject({ guid: z.string() })
const copyBody = z.object({ relationships: z.object({ app: z.object({ data: one }) }) })
const buildBody = z.strictObject({ package: one })

export type Code = ReturnType<typeof createCode>

export function createCode(context: Context, quotas: Quotas) {
  const { world, server, now, cloneMs, appOf, changeable, permit, record } = context
  const jobs = new Map<string, string>()

  function artifactOf(guid: string | null, kind: Artifact['kind']): Artifact | undefined {
    return world.artifacts.find((one) => one.guid === guid && one.kind === kind)
  }

  function stateOf({ kind, readyAt, fails, expired, app }: Artifact): string {
    if (now() < readyAt) {
      if (server.isOn('unknown-status')) return 'HIBERNATING'
      return kind === 'build' ||
        world.artifacts.some((one) => one.app === app && one.kind === 'build' && now() < one.readyAt)
        ? 'STAGING'
        : 'COPYING'
    }
    if (fails) return 'FAILED'
    if (expired) return 'EXPIRED'
    return kind === 'package' ? 'READY' : 'STAGED'
  }

  function make(kind: Artifact['kind'], app: string, more: Partial<Artifact>): Artifact {
    const made: Artifact = {
      guid: world.next(5),
      kind,
      app,
      createdAt: now(),
      readyAt: now() + cloneMs * 0.4,
      fails: false,
      ...more,
    }
    world.artifacts.push(made)
    server.changed(made.readyAt - now())
    return made
  }

  function copyPackage(request: SimulatedRequest): Artifact {
    const app = changeable(
      parse(copyBody, request).relationships.app.data.guid,
      unprocessable('App is invalid. Ensure it exists and you have access to it.'),
    )
    const source = artifactOf(request.query.get('source_guid'), 'package')
    if (!source) throw unprocessable('Source package is invalid. Ensure it exists and you have access to it.')
    permit(appOf(source.app).space)
    if (source.app === app.guid) throw unprocessable('Source and destination app cannot be the same')
    const made = startPackage(source, app)
    const package_guid = made.guid
    record('audit.app.package.create', app.guid, { package_guid, request: { source_package_guid: source.guid } })
    return made
  }

  function startPackage(source: Artifact, app: App): Artifact {
    // For a Docker image only its name is copied.
    const isDocker = appOf(source.app).lifecycle.type === 'docker'
    const fails = server.isOn('fail-next') || stateOf(source) !== 'READY'
    return make('package', app.guid, { origin: source.app, ...(isDocker ? { readyAt: now() } : { fails }) })
  }

  function copyDroplet(request: SimulatedRequest): Artifact | null {
    const app = changeable(parse(copyBody, request).relationships.app.data.guid)
    const source = artifactOf(request.query.get('source_guid'), 'droplet')
    if (!source) throw notFound('Droplet')
    if (stateOf(source) !== 'STAGED') throw unprocessable('source droplet is not staged')
    const from = appOf(source.app)
    if (from.lifecycle.type !== app.lifecycle.type) {
      throw unprocessable('source and destination lifecycle types do not match')
    }
    // As in the real API: nothing is made, and the answer is a success.
    if (from.lifecycle.type === 'cnb') return null
    return make('droplet', app.guid, { origin: source.app, fails: server.isOn('fail-next') })
  }

  function stage(request: SimulatedRequest): Artifact {
    const source = artifactOf(parse(buildBody, request).package.guid, 'package')
    if (!source) throw unprocessable('Unable to use package. Ensure that the package exists and you have access to it.')
    const app = changeable(source.app)
    if (stateOf(source) !== 'READY') {
      throw new Refusal(400, 'CF-BadRequest', 1004, 'Bad request: Cannot stage package whose state is not ready.')
    }
    const isBusy = world.artifacts.some((one) => one.app === app.guid && one.kind === 'build' && now() < one.readyAt)
    if (isBusy || server.isOn('staging-busy')) {
      throw new Refusal(422, 'CF-StagingInProgress', 170017, 'Only one build can be STAGING at a time per application.')
    }
    const memoryMb = quotas.stagingMb(app)
    const isStarved = quotas.neededMb(source.origin ?? app.guid) > memoryMb
    const fails = server.isOn('fail-staging') || isStarved
    const more = { fails, package: source.guid, ...(source.origin && { origin: source.origin }) }
    const droplet = make('droplet', app.guid, more)
    return make('build', app.guid, { ...more, droplet: droplet.guid, memoryMb, isStarved })
  }

  /** The old API's copy takes the newest package in any state. */
  function copyBits({ body, headers }: SimulatedRequest, guid: string) {
    const unknown = new Refusal(500, 'UnknownError', 10001, 'An unknown error occurred.')
    const wanted = z.object({ source_app_guid: z.string().optional() }).safeParse(body).data
    // The body is read as JSON whatever its content type says, so a form is refused.
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
    if (!wanted || isForm) throw unknown
    if (!wanted.source_app_guid) {
      throw new Refusal(400, 'CF-AppBitsCopyInvalid', 160002, 'The app copy is invalid: missing source_app_guid')
    }
    const missing = (one: string) => new Refusal(404, 'CF-AppNotFound', 100004, `The app could not be found: ${one}`)
    const source = changeable(wanted.source_app_guid, missing(wanted.source_app_guid))
    const target = changeable(guid, missing(guid))
    const newest = world.artifacts.findLast((one) => one.app === source.guid && one.kind === 'package')
    if (!newest || source === target) throw unknown
    const made = startPackage(newest, target)
    record('audit.app.copy-bits', source.guid, { destination_guid: target.guid })
    record('audit.app.copy-bits', target.guid, { source_guid: source.guid })
    const job = world.next(8)
    if (source.lifecycle.type === 'docker') return showJob('0')
    jobs.set(job, made.guid)
    return showJob(job)
  }

  /** A job that has ended is only known while its failure is kept, and that isn't for long. */
  function showJob(guid: string) {
    const made = server.isOn('forget-jobs') ? undefined : artifactOf(jobs.get(guid) ?? null, 'package')
    const isOpen = made && now() < made.readyAt
    const known = isOpen || made?.fails ? guid : '0'
    const status = isOpen
      ? server.isOn('unknown-status')
        ? 'hibernating'
        : 'queued'
      : made?.fails
        ? 'failed'
        : 'finished'
    const created_at = known === '0' ? iso(0) : iso(made?.createdAt ?? 0)
    const error_details = { error_code: 'UnknownError', description: 'An unknown error occurred.', code: 10001 }
    return {
      metadata: { guid: known, created_at, url: `/v2/jobs/${known}` },
      entity: {
        guid: known,
        status,
        ...(status === 'failed' && { error: 'Use of entity>error is deprecated', error_details }),
      },
    }
  }

  return { artifactOf, stateOf, copyPackage, copyDroplet, stage, copyBits, showJob }
}
