/**
 * What the suite is worth: mistakes planted one by one in the provider of docs/adding-a-provider.md, each of which must make
 * the check fail that is there to catch it.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Api, Observation, Operation, Option, Provider, Ref, RemovalStep } from '../../src/providers/provider.js'
import { writePageFiles } from '../helpers/page.js'
import { type Check, runCheck } from './contract/checks.js'
import { type AnyStep, removalStepsOf, stepsOf } from './contract/world.js'
import { checksOf, type ProviderExample } from './contract.js'

const page = writePageFiles((path, code) =>
  path.endsWith('.test.ts') ? code.replace(/^describeProvider\(.*\)$/m, 'export { example }') : code,
)
afterAll(() => page.remove())

const { shed }: { shed: Provider } = await import(page.at('src/providers/shed.ts'))
const { example }: { example: ProviderExample } = await import(page.at('test/providers/shed.test.ts'))
const { clone } = shed.operations
if (!clone) throw new Error('The page has an operation "clone".')
const [first, second] = stepsOf(clone)
const [remove] = removalStepsOf(clone)
if (!first || !second || !remove) throw new Error('The page has an operation of two steps and a removal.')

function changed(change: Partial<Operation>, more: Partial<Provider> = {}): Provider {
  return { ...shed, ...more, operations: { clone: { ...(clone as Operation), ...change } } }
}

/** The provider with other parts in its step that clones, or in the one that deploys. */
const cloning = (change: Partial<AnyStep>) =>
  changed({ steps: [{ ...(first as AnyStep), ...change }, second as AnyStep] })
const deploying = (change: Partial<AnyStep>) =>
  changed({ steps: [first as AnyStep, { ...(second as AnyStep), ...change }] })

/** The provider with other parts in the step that deletes. */
const removing = (change: Partial<AnyStep>) =>
  changed({ removal: { loses: 'The app.', steps: [{ ...(remove as AnyStep), ...change } as RemovalStep] } })

const field = (key: string, change: (field: z.ZodType) => z.ZodType) =>
  changed({ fields: clone.fields.extend({ [key]: change(clone.fields.shape[key] as z.ZodType) }) })

/** Both steps with other polls. */
function polling(change: (seen: (Observation | Error)[], api: Api, refs: readonly Ref[]) => unknown): Provider {
  const check: AnyStep['check'] = async (api, refs, now) => {
    const seen = await (first as AnyStep).check(api, refs, now)
    return ((await change(seen, api, refs)) as typeof seen | undefined) ?? seen
  }
  return changed({
    steps: [
      { ...(first as AnyStep), check },
      { ...(second as AnyStep), check },
    ],
  })
}

const listing = (change: (options: Option[]) => Option[]): Provider =>
  changed(
    {},
    {
      pickers: { ...shed.pickers, apps: async (api, values) => change((await shed.pickers.apps?.(api, values)) ?? []) },
    },
  )

const twice = async <T>(work: () => Promise<T>): Promise<T> => {
  await work()
  return await work()
}

const App = z.object({ id: z.string(), name: z.string(), project: z.string() })
const apps = (api: Api) => api.get('/apps', z.array(App))
const without = <T extends object>(object: T, key: keyof T): T =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key)) as T

/** Each mistake with the title of a check that must fail for it. */
const mistakes: readonly [mistake: string, provider: Provider, caughtBy: RegExp][] = [
  // Writes
  [
    'run writes twice',
    deploying({ run: (...args) => twice(() => second.run(...args)) }),
    /exactly one write in its step "deploy"/,
  ],
  [
    'run sends a lost write again',
    deploying({ run: (...args) => second.run(...args).catch(() => second.run(...args)) }),
    /"deploy" did when the answer was lost/,
  ],
  [
    'run takes a lost answer for a success',
    deploying({ run: async (...args) => await second.run(...args).catch(() => ({ id: args[2]?.id })) }),
    /"deploy" did nothing when the write was dropped/,
  ],
  [
    'run writes nothing',
    deploying({ run: async (_api, _params, before) => ({ id: before?.id }) }),
    /exactly one write in its step "deploy"/,
  ],
  [
    'run swallows a refusal',
    cloning({ run: (...args) => first.run(...args).catch(() => ({ id: 'a1' })) }),
    /refusal 1, with 404/,
  ],
  [
    'baseline writes',
    cloning({
      async baseline(api, params, before) {
        await api.post('/apps/a1/deploy', z.unknown())
        return (await first.baseline?.(api, params, before)) ?? ''
      },
    }),
    /exactly one write in its step "clone"/,
  ],
  [
    'check writes',
    polling(
      async (_seen, api, refs) =>
        void (await Promise.all(refs.map(({ id }) => api.post(`/apps/${id}/deploy`, z.unknown())))),
    ),
    /runs and ends/,
  ],
  // Lost writes
  [
    'find ignores the name',
    cloning({
      find: async (api, _params, _before, { baseline }) => {
        const found = (await apps(api)).findLast(
          ({ id }) => !baseline.split(' ').includes(id) && Number(id.slice(1)) > 4,
        )
        return found ? { ref: { id: found.id }, ended: 'done' } : null
      },
    }),
    /that somebody else made meanwhile for what its step "clone" did/,
  ],
  [
    'find has no baseline',
    cloning({ baseline: async () => '' }),
    /that was there before for what its step "clone" did/,
  ],
  [
    'the step has no baseline at all',
    changed({ steps: [without(first, 'baseline'), second] }),
    /that was there before for what its step "clone" did/,
  ],
  ['find never finds', deploying({ find: async () => null }), /finds what its step "deploy" did/],
  [
    'find always finds',
    deploying({ find: async (_api, _params, before) => before }),
    /"deploy" did nothing when the write was dropped/,
  ],
  [
    'find of a later step ignores what came before',
    deploying({
      find: async (api) => {
        const found = (await api.get('/apps', z.array(App.extend({ status: z.string() })))).find(
          ({ id, status }) => Number(id.slice(1)) > 4 && status !== 'stopped',
        )
        return found ? { id: found.id } : null
      },
    }),
    /that somebody else made meanwhile for what its step "deploy" did/,
  ],
  ['absentAfterMs is 0', cloning({ absentAfterMs: 0 }), /sensible times/],
  // Polls
  ['observations in another order', polling((seen) => seen.toReversed()), /in the order of the refs/],
  ['one observation is missing', polling((seen) => seen.slice(1)), /runs and ends/],
  [
    'one call for each job',
    polling(
      async (_seen, api, refs) =>
        void (await Promise.all(refs.slice(0, 20).map(({ id }) => api.get(`/apps/${id}`, z.unknown())))),
    ),
    /of many jobs takes few calls/,
  ],
  ['a call although there are no jobs', polling(async (_seen, api) => void (await apps(api))), /no jobs take no call/],
  [
    'an unknown status ends the job',
    polling((seen) =>
      seen.map((one) =>
        one instanceof Error || one.detail !== 'pondering' ? one : { phase: 'failed', detail: 'pondering' },
      ),
    ),
    /does not know a status/,
  ],
  [
    'a failure is not reported',
    polling((seen) => seen.map((one) => (one instanceof Error || one.phase !== 'failed' ? one : { phase: 'done' }))),
    /tells the reason of a failure/,
  ],
  [
    'a failure has no reason',
    polling((seen) => seen.map((one) => (one instanceof Error || one.phase !== 'failed' ? one : { phase: 'failed' }))),
    /tells the reason of a failure/,
  ],
  ['what was only begun counts as done', polling((seen) => seen.map(() => ({ phase: 'done' }))), /runs and ends/],
  [
    'a secret in a detail',
    polling((seen) => seen.map((one) => ({ ...one, detail: 'token shed-secret-token' }))),
    /runs and ends/,
  ],
  ['a link that is no address', polling((seen) => seen.map((one) => ({ ...one, url: '/apps/a1' }))), /runs and ends/],
  ['the ref loses a key in the database', changed({ ref: z.object({ name: z.string().optional() }) }), /runs and ends/],
  ['deadlineMs is 0', changed({ deadlineMs: 0 }), /sensible times/],
  ['pollEveryMs is 0', changed({ pollEveryMs: 0 }), /sensible times/],
  // Steps
  ['when is always true', deploying({ when: () => true }), /leaves a step out/],
  ['when is always false', deploying({ when: () => false }), /leaves a step out/],
  ['when is inverted', deploying({ when: ({ deploy }) => !deploy }), /leaves a step out/],
  ['two steps with one id', deploying({ id: 'clone' }), /sensible times/],
  ['a step whose progress reads like an order', deploying({ doing: 'Deploy the clone' }), /words for its progress/],
  // Locks
  ['a constant lock', changed({ lock: () => 'shed' }), /have the same lock/],
  ['a lock by source only', changed({ lock: ({ app }) => `${app}` }), /have the same lock/],
  [
    'a lock by source and target',
    changed({ lock: ({ app, project, name }) => `${app} ${project} ${name}` }),
    /have the same lock/,
  ],
  ['a lock that is another each time', changed({ lock: () => `${Math.random()}` }), /have the same lock/],
  // The form and its words
  [
    'a field without its picker',
    field('app', () =>
      z
        .string()
        .regex(/^a\d+$/)
        .meta({ title: 'App', description: 'Copied.' }),
    ),
    /belongs to a field with that picker/,
  ],
  [
    'a field with another picker',
    field('app', (app) => app.meta({ title: 'App', description: 'Copied.', picker: 'projects' })),
    /belongs to a field with that picker/,
  ],
  [
    'a field without a hint',
    field('name', (name) => name.meta({ title: 'Name', description: '' })),
    /a title and a hint/,
  ],
  [
    'a field that takes a label for an id',
    field('app', () => z.string().meta({ title: 'App', description: 'Copied.', picker: 'apps' })),
    /takes the name of what it lists/,
  ],
  ['a picker that cuts its list', listing((options) => options.slice(0, 100)), /picker apps lists everything/],
  [
    'a picker without labels',
    listing((options) => options.map((one) => ({ ...one, label: '' }))),
    /picker apps lists everything/,
  ],
  [
    'a picker that hides a refusal',
    changed({}, { pickers: { apps: () => Promise.resolve([]), projects: () => Promise.resolve([]) } }),
    /without permission/,
  ],
  [
    'a summary without its place',
    changed({ summary: ({ app = '', name = '', project = '' }) => ({ from: app, to: `${name} in ${project}` }) }),
    /names both ends/,
  ],
  [
    'a target without its place',
    changed({ summary: (named) => ({ ...clone.summary(named), to: `${named.name}` }) }),
    /names both ends/,
  ],
  [
    'options that do not say where they live',
    listing((options) => options.map((one) => without(one, 'place'))),
    /names both ends/,
  ],
  [
    'a preview that throws',
    changed({
      preview: () => {
        throw new Error('Nothing to say.')
      },
    }),
    /before anything is done/,
  ],
  [
    'a preview that needs words nobody has',
    changed({
      preview: (_params, named) => ({
        copied: `All of ${named.app?.trim().slice(1) ?? named.app}.`.replace('undefined', ''),
        notCopied: `${named.name?.toUpperCase()}`.replace('undefined', ''),
      }),
    }),
    /before anything is done/,
  ],
  [
    'a warning that nobody chose',
    changed({ preview: (params, named) => ({ ...clone.preview(params, named), warning: 'Mind the sheep.' }) }),
    /warns of nothing/,
  ],
  [
    'a warning about a default',
    changed({
      preview: (params, named) => ({
        ...clone.preview(params, named),
        ...(params.deploy !== undefined && { warning: 'It is deployed.' }),
      }),
    }),
    /warns of nothing/,
  ],
  [
    'a validate that warns of a default',
    changed({ validate: async () => ({ warnings: ['It is deployed.'] }) }),
    /warns of nothing/,
  ],
  [
    'a validate that refuses what is fine',
    changed({ validate: async () => ({ errors: { name: 'No.' } }) }),
    /let the example's answers pass/,
  ],
  [
    'a validate that writes',
    changed({
      validate: (api) =>
        api.post(
          '/apps/a1/deploy',
          z.unknown().transform(() => ({})),
        ),
    }),
    /let the example's answers pass/,
  ],
  // Deleting
  [
    'the removal does nothing',
    removing({ run: async (_api, _params, ref) => ({ ref: ref as Ref, ended: 'done' }) }),
    /deletes what it made/,
  ],
  [
    'the removal deletes the source as well',
    removing({
      async run(api, params, ref, attempt) {
        await remove.run(api, params, { id: 'a1' }, attempt)
        return await remove.run(api, params, ref, attempt)
      },
    }),
    /deletes what it made/,
  ],
  [
    'the removal deletes the source instead',
    removing({ run: (api, params, _ref, attempt) => remove.run(api, params, { id: 'a1' }, attempt) }),
    /deletes what it made/,
  ],
  [
    'the removal is sent twice',
    removing({
      async run(api, params, ref, attempt) {
        const written = await remove.run(api, params, ref, attempt)
        await api.delete(`/apps/${ref?.id}`, z.unknown())
        return written
      },
    }),
    /deletes what it made/,
  ],
  ['there is no removal', { ...shed, operations: { clone: without(clone, 'removal') } }, /deletes what it made/],
  [
    'the removal says that it is done at once',
    removing({
      async run(...args) {
        await remove.run(...args)
        return { ref: args[2] as Ref, ended: 'done' }
      },
    }),
    /deletes what it made/,
  ],
  [
    'the removal wants the answers of the form',
    removing({
      async run(api, { name }, ref, attempt) {
        const found = (await apps(api)).find((one) => one.name === name)
        return await remove.run(api, {}, found ? { id: found.id } : ref, attempt)
      },
      find: (api, { name }, ref, attempt) => {
        if (name === undefined) throw new Error('There is no name.')
        return remove.find?.(api, {}, ref, attempt) ?? Promise.resolve(null)
      },
    }),
    /"Delete the app" did nothing when the write was dropped/,
  ],
  [
    'the removal goes by name',
    removing({
      async run(api, params, ref, attempt) {
        const found = (await apps(api)).find(({ name }) => name === 'shop-web-2')
        return await remove.run(api, params, found ? { id: found.id } : ref, attempt)
      },
    }),
    /somebody else made under its name/,
  ],
  [
    'the removal believes any answer',
    removing({
      async run(api, _params, ref) {
        await api.delete(`/apps/${ref?.id}`, z.unknown())
        return ref as Ref
      },
    }),
    /not provably what it made/,
  ],
  [
    'the removal takes a 404 for a failure',
    removing({
      async run(api, _params, ref) {
        await api.get(`/apps/${ref?.id}`, z.unknown())
        return ref as Ref
      },
    }),
    /already gone, and deletes nothing twice/,
  ],
  [
    'the removal fails for what failed halfway',
    removing({
      async run(api, params, ref, attempt) {
        const { status } = await api.get(`/apps/${ref?.id}`, z.object({ status: z.string() }))
        return status === 'crashed' ? (ref as Ref) : await remove.run(api, params, ref, attempt)
      },
    }),
    /leaves behind that fails at its step "deploy"/,
  ],
  [
    'a lost removal is sent again',
    removing({ run: (...args) => remove.run(...args).catch(() => remove.run(...args)) }),
    /what came of "Delete the app" when the answer was lost/,
  ],
  [
    'a lost removal is never found',
    removing({ find: async () => null }),
    /what came of "Delete the app" when the answer was lost/,
  ],
  [
    'a lost removal always counts as sent',
    removing({ find: async (_api, _params, ref) => ref }),
    /"Delete the app" did nothing when the write was dropped/,
  ],
  [
    'gone counts as gone before it is',
    removing({ check: async (_api, refs) => refs.map(() => ({ phase: 'done' as const })) }),
    /calls it gone only when it is gone/,
  ],
  [
    'what no list shows counts as gone',
    removing({
      async check(api, refs) {
        const listed = await api.get('/apps', z.array(App.nullable()))
        return refs.map(({ id }) => ({
          phase: listed.some((one) => one?.id === id) ? 'working' : 'done',
          detail: '?!a',
        }))
      },
    }),
    /calls it gone only when it is gone/,
  ],
  [
    'a failed read counts as gone',
    removing({
      check: (...args) => remove.check(...args).catch(() => args[1].map(() => ({ phase: 'done' as const }))),
    }),
    /calls it gone only when it is gone/,
  ],
  [
    'polls of deletions in another order',
    removing({ check: async (...args) => (await remove.check(...args)).toReversed() }),
    /calls it gone only when it is gone/,
  ],
  [
    'one call for each deletion',
    removing({
      async check(api, refs, now) {
        for (const { id } of refs.slice(0, 20)) await api.get(`/apps/${id}`, z.unknown())
        return await remove.check(api, refs, now)
      },
    }),
    /many deletions takes few calls/,
  ],
  [
    'a secret in the state of a deletion',
    removing({
      check: async (...args) => (await remove.check(...args)).map((one) => ({ ...one, detail: 'shed-secret-token' })),
    }),
    /deletes what it made/,
  ],
  ['a removal with a `when`', removing({ when: () => true }), /sensible times/],
  [
    'a removal that does not say what is lost',
    changed({ removal: { ...(clone.removal as NonNullable<typeof clone.removal>), loses: '' } }),
    /sensible times/,
  ],
]

/** Title and error of each check that fails for a provider. */
async function failures(
  provider: Provider,
  checks: readonly Check[],
  ofProvider: ProviderExample = example,
): Promise<Map<string, string>> {
  const failed = new Map<string, string>()
  for (const check of checks) {
    await runCheck(provider, ofProvider, check).catch((error: unknown) => failed.set(check.title, String(error)))
  }
  return failed
}

describe('the suite for providers', () => {
  test('passes the provider in which nothing is planted', async () => {
    expect(await failures(shed, checksOf(shed, example))).toEqual(new Map())
  })

  test.each(mistakes)('catches: %s', async (_mistake, provider, caughtBy) => {
    const checks = checksOf(provider, example).filter(({ title }) => caughtBy.test(title))
    const [message, ...others] = (await failures(provider, checks)).values()
    expect([checks.length, others.length]).toEqual([1, 0])
    expect(message).toContain('Look at src/providers/shed.ts')
  })

  test('catches a default that adds to the warning of what is overwritten', async () => {
    const { clone: usual } = example.operations
    if (!usual) throw new Error('The page has an example of "clone".')
    const overwriting: ProviderExample = { ...example, operations: { clone: { ...usual, overwrites: true } } }
    const warned = (warningOf: (isRestarted: boolean) => string) =>
      changed({
        fields: clone.fields.extend({
          restart: z.boolean().default(true).meta({ title: 'Restart', description: 'It.' }),
        }),
        preview: ({ restart }, named) => ({
          ...clone.preview({}, named),
          overwrites: true,
          warning: warningOf(restart === true),
        }),
      })
    const failuresOf = async (provider: Provider) => {
      const checks = checksOf(provider, overwriting).filter(({ title }) => /warns of nothing/.test(title))
      return [...(await failures(provider, checks, overwriting)).values()].join()
    }
    expect(await failuresOf(warned(() => 'It is overwritten.'))).toBe('')
    const mistake = warned((isRestarted) => `It is overwritten.${isRestarted ? ' It restarts.' : ''}`)
    expect(await failuresOf(mistake)).toContain('the warning with another restart')
  })
})
