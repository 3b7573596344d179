/** What is copied is named with its place, at every provider, so that rules can protect a place. */
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startMiget } from '../../sandbox/providers/miget.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import { startRainbond } from '../../sandbox/providers/rainbond.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { decide } from '../../src/access/rules.js'
import { sourceOf } from '../../src/commands/authorize.js'
import { TemporaryError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import * as providers from '../../src/providers/index.js'
import { type Api, type Option, operationOf, type Provider, UNKNOWN_PLACE } from '../../src/providers/provider.js'
import { setPicked } from '../../src/slack/form/answers.js'
import { fieldsOf } from '../../src/slack/form/fields.js'

const anybody = { id: 'U1', membership: 'member', groups: [], channel: 'C1' } as const
const everything = { who: ['members'], may: ['*'], on: ['*'], target: ['*'], from: ['*'] }
const notFrom = (glob: string) => [{ ...everything, may: [], from: [glob] }, everything]

const opened: Simulator[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((simulator) => simulator.close()))
})

async function connect(provider: Provider, start: () => Promise<Simulator>): Promise<Api> {
  const simulator = await start()
  opened.push(simulator)
  return createApi('one', provider.client(provider.connection.parse(simulator.connection)), 1)
}

/** The words of a form in which this was chosen from the field's list. */
function chosen(provider: Provider, operation: string, key: string, option: Option) {
  const declared = operationOf(provider, operation)
  const field = declared && fieldsOf(declared).find((one) => one.key === key)
  if (!declared || !field) throw new Error(`There is no ${operation} with a field ${key}.`)
  const answers = { values: {}, named: {} as Record<string, string>, picked: {} }
  setPicked(answers, field, [option])
  return { operation: declared, named: { name: 'x', ...answers.named } }
}

function mayCopy(what: string, source: string | null, glob: string): boolean {
  const act = { connection: 'one', what, source, target: 'x in staging' }
  return decide(notFrom(glob), anybody, act).isAllowed
}

interface Row {
  provider: string
  operation: string
  start: () => Promise<Simulator>
  key: string
  picker: string
  place: RegExp
  /** Sources in production, and some elsewhere. */
  inside: string[]
  outside: string[]
}

const rows: Row[] = [
  {
    ...{ provider: 'cloud-foundry', operation: 'clone', start: startCloudFoundry, key: 'app', picker: 'apps' },
    place: / in \S+ \(\S+\)$/,
    ...{ inside: ['shop-web in production (woolworks)'], outside: ['shop-api-staging in staging (woolworks)'] },
  },
  {
    ...{ provider: 'cloud-foundry', operation: 'copy-bits', start: startCloudFoundry, key: 'app', picker: 'apps' },
    place: / in \S+ \(\S+\)$/,
    ...{ inside: ['shop-web in production (woolworks)'], outside: ['shop-api-staging in staging (woolworks)'] },
  },
  {
    ...{ provider: 'hoody', operation: 'copy', start: startHoody, key: 'container', picker: 'containers' },
    place: / in woolworks-\S+$/,
    inside: ['shop-api in woolworks-production', 'mailer in woolworks-production'],
    outside: ['shop-api-staging in woolworks-staging', 'wool-price-feed in woolworks-staging'],
  },
  {
    ...{ provider: 'hoody', operation: 'sync', start: startHoody, key: 'container', picker: 'copies' },
    place: / in woolworks-\S+$/,
    ...{ inside: ['shop-api in woolworks-production'], outside: [] },
  },
  {
    ...{ provider: 'miget', operation: 'clone', start: startMiget, key: 'app', picker: 'apps' },
    place: / in woolworks-\S+$/,
    inside: ['shop-api in woolworks-production', 'mailer in woolworks-production'],
    outside: ['shop-api-staging in woolworks-staging', 'wool-price-feed in woolworks-staging'],
  },
  {
    ...{ provider: 'qovery', operation: 'clone', start: startQovery, key: 'service', picker: 'services' },
    place: / \(\S+ \/ \S+\)$/,
    ...{ inside: ['shop-api (Shop / production)'], outside: ['shop-api (Shop / staging)'] },
  },
  {
    provider: 'qovery',
    ...{ operation: 'clone-environment', start: startQovery, key: 'environment', picker: 'environments' },
    place: / \(\S+\)$/,
    ...{ inside: ['production (Shop)'], outside: ['staging (Shop)', 'tools (Internal)'] },
  },
  {
    ...{ provider: 'rainbond', operation: 'copy', start: startRainbond, key: 'app', picker: 'apps' },
    place: /^\S+ \/ \S+ \/ /,
    inside: ['Production / Frankfurt / shop', 'Production / Helsinki / search'],
    outside: ['Staging / Frankfurt / shop-staging'],
  },
]

describe('a source', () => {
  test.each(rows)('of $provider $operation is named with its place, and a rule for that place fits', async (row) => {
    const provider = Object.values<Provider>(providers).find(({ id }) => id === row.provider)
    if (!provider) throw new Error(`There is no ${row.provider}.`)
    const api = await connect(provider, row.start)
    const options = (await provider.pickers[row.picker]?.(api, {})) ?? []
    const sources = options.map((option) => {
      const { operation, named } = chosen(provider, row.operation, row.key, option)
      expect(sourceOf(operation, named)).toBe(operation.summary(named).from)
      return operation.summary(named).from
    })
    for (const source of sources) expect(source).toMatch(row.place)
    expect(sources).toEqual(expect.arrayContaining([...row.inside, ...row.outside]))
    const allowed = (source: string) => mayCopy(row.operation, source, '*production*')
    expect([row.inside, row.outside].map((some) => some.map(allowed))).toEqual([
      row.inside.map(() => false),
      row.outside.map(() => true),
    ])
  })
})

describe('a source of unknown place', () => {
  const { cloudFoundry, hoody, miget } = providers

  test("is still listed if Miget's projects can't be read, and no rule with sources allows it", async () => {
    const api = await connect(miget, startMiget)
    const blind: Api = {
      ...api,
      get: async (path, schema, more) => {
        if (path === '/projects') throw new TemporaryError('down', { mayHaveHappened: false })
        return await api.get(path, schema, more)
      },
    }
    const [known, unknown] = await Promise.all([miget.pickers.apps?.(api, {}), miget.pickers.apps?.(blind, {})])
    const labels = (options: Option[] | undefined) => options?.map(({ label }) => label)
    expect(labels(unknown)).toEqual(labels(known))
    expect(unknown?.length).toBeGreaterThan(5)
    for (const option of unknown ?? []) {
      const { operation, named } = chosen(miget, 'clone', 'app', option)
      expect(operation.summary(named).from).toBe(`${option.label} in ${UNKNOWN_PLACE}`)
      expect(sourceOf(operation, named)).toBeNull()
      expect(mayCopy('clone', sourceOf(operation, named), '*production*')).toBe(false)
    }
  })

  test.each([null, 7, 'c0ffee', undefined])('is a Miget app whose project reads %j', async (project_id) => {
    const api = await connect(miget, startMiget)
    const odd: Api = {
      ...api,
      get: async (path, schema, more) => {
        const body = await api.get(path, z.unknown(), more)
        const alter = (one: object) => ({ ...one, project_id })
        return schema.parse(path === '/apps' ? z.array(z.looseObject({})).parse(body).map(alter) : body)
      },
    }
    const options = (await miget.pickers.apps?.(odd, {})) ?? []
    expect(options.length).toBeGreaterThan(5)
    for (const { place } of options) expect(place).toBe(UNKNOWN_PLACE)
  })

  test('is an app in a Miget project that has no name but its ID', async () => {
    const api = await connect(miget, startMiget)
    const odd: Api = {
      ...api,
      get: async (path, schema, more) => {
        const body = await api.get(path, z.unknown(), more)
        const alter = (one: object) => ({ ...one, label: null, name: '' })
        return schema.parse(path === '/projects' ? z.array(z.looseObject({})).parse(body).map(alter) : body)
      },
    }
    const options = (await miget.pickers.apps?.(odd, {})) ?? []
    expect(options.length).toBeGreaterThan(5)
    for (const { place } of options) expect(place).toBe(UNKNOWN_PLACE)
  })

  test.each(['spaces', 'organizations'])("is a Cloud Foundry app if the %s can't be read", async (rows) => {
    const api = await connect(cloudFoundry, startCloudFoundry)
    const blind: Api = {
      ...api,
      get: async (path, schema, more) => {
        const body = z.looseObject({ included: z.looseObject({}) }).parse(await api.get(path, z.unknown(), more))
        return schema.parse({ ...body, included: { ...body.included, [rows]: [] } })
      },
    }
    const options = (await cloudFoundry.pickers.apps?.(blind, {})) ?? []
    expect(options.length).toBeGreaterThan(5)
    for (const option of options) {
      for (const what of ['clone', 'copy-bits']) {
        const { operation, named } = chosen(cloudFoundry, what, 'app', option)
        expect(operation.summary(named).from).toMatch(/^[\w-]+ in an unknown place$/)
        expect(sourceOf(operation, named)).toBeNull()
      }
    }
  })

  test.each(['containers', 'copies'])(
    'is a Hoody container on the list of %s if no project is reported',
    async (picker) => {
      const api = await connect(hoody, startHoody)
      const blind: Api = {
        ...api,
        get: async (path, schema, more) => {
          const body = JSON.stringify(await api.get(path, z.unknown(), more))
          return schema.parse(JSON.parse(body.replaceAll(/"project_alias":"[^"]*"/g, '"project_alias":null')))
        },
      }
      const options = (await hoody.pickers[picker]?.(blind, {})) ?? []
      expect(options.length).toBeGreaterThan(0)
      const what = picker === 'copies' ? 'sync' : 'copy'
      for (const option of options) {
        const { operation, named } = chosen(hoody, what, 'container', option)
        expect(operation.summary(named).from).toMatch(/^[\w-]+ in an unknown place$/)
        for (const words of [named, { ...named, snapshot: 'nightly' }]) {
          expect(sourceOf(operation, words)).toBeNull()
          expect(mayCopy(what, sourceOf(operation, words), '*production*')).toBe(false)
        }
      }
    },
  )
})
