import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { starters } from '../../sandbox/providers/index.js'
import * as providers from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'
import { fieldsOf } from '../../src/slack/form/fields.js'

const here = (path: string) => new URL(path, import.meta.url)
const NOT_PROVIDERS = [
  'provider.ts',
  'api.ts',
  'fields.ts',
  'job-steps.ts',
  'lookup.ts',
  'paging.ts',
  'removal.ts',
  'validation.ts',
  'wording.ts',
  'http.ts',
  'http-answer.ts',
  'measured.ts',
  'http-errors.ts',
  'index.ts',
]
const ids = Object.values(providers).map((provider) => provider.id)
// A folder holds the parts of the provider that it is named after.
const inFolder = readdirSync(here('../../src/providers/'), { recursive: true }).map(String)
const files = inFolder.filter((file) => file.endsWith('.ts'))

test('the list of providers is the folder', () => {
  const own = files.filter((file) => !file.includes('/') && !NOT_PROVIDERS.includes(file))
  expect(ids.map((id) => `${id}.ts`).sort()).toEqual(own.sort())
  expect(new Set(ids).size).toBe(ids.length)
})

test.each(ids)('%s has a test file', (id) => {
  expect(existsSync(here(`./${id}.test.ts`))).toBe(true)
})

test.each(files)('%s can be read in one go', (file) => {
  const lines = readFileSync(here(`../../src/providers/${file}`), 'utf8').split('\n').length - 1
  expect(lines).toBeLessThanOrEqual(300)
})

const all: readonly Provider[] = Object.values(providers)
const operations = all.flatMap(({ id, operations }) =>
  Object.entries(operations).map(([name, operation]) => ({ name: `${id} ${name}`, operation })),
)

// Lists that leave out what a rule forbids reckon with each such answer and without any.
test.each(operations)('$name names its target by one answer at most that may be left out', ({ operation }) => {
  const optional = fieldsOf(operation).filter(({ required }) => !required)
  const named = optional.filter(({ key }) => operation.summary({ [key]: 'probe' }).to.includes('probe'))
  expect(named.length).toBeLessThanOrEqual(1)
})

test('the demo starts simulators of providers only, each once', async () => {
  const simulators = await Promise.all(starters.map((start) => start()))
  const simulated = simulators.map(({ id }) => id)
  expect(simulated).toEqual([...new Set(simulated)])
  expect(ids).toEqual(expect.arrayContaining(simulated))
  await Promise.all(simulators.map((simulator) => simulator.close()))
})
