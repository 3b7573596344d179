import { describe, expect, it } from 'vitest'
import { inDependencyOrder, matchById, matchNames } from '../../../src/commands/clone/typed-names.js'
import type { Option } from '../../../src/providers/provider.js'
import { expectCpuBelow } from '../../helpers/cpu.js'
import { fieldOf } from '../../helpers/field.js'

const qovery = [
  { value: 'application/1', label: 'shop-api (Shop / production)', description: 'application' },
  { value: 'application/2', label: 'shop-api (Shop / staging)', description: 'application' },
  { value: 'container/3', label: 'shop-web (Shop / production)' },
  { value: 'job/4', label: 'invoices (Shop / production)' },
]
const cloudFoundry = [
  { value: '1', label: 'shop-web in production (woolworks)' },
  { value: '2', label: 'shop-web-2 in production (woolworks)' },
  { value: '3', label: 'log in service in staging (woolworks)' },
]
const rainbond = [
  { value: 'team/fra/1', label: 'Production / Frankfurt / shop' },
  { value: 'team/fra/2', label: 'Staging / Frankfurt / shop-staging' },
]

const matchName = (options: readonly Option[], typed: string) => matchNames(options, [typed])[0]

describe('a typed name', () => {
  it.each([
    ['an id', qovery, 'job/4', 'job/4'],
    ['a whole label', qovery, 'SHOP-API (shop / staging)', 'application/2'],
    ['a name without its place in brackets', qovery, 'Invoices', 'job/4'],
    ['a name without the place that it is in, though others begin like it', cloudFoundry, 'shop-web', '1'],
    ['a name that reads like one in a place', cloudFoundry, 'log in service', '3'],
    ['a name without the place before it, though others begin like it', rainbond, 'shop', 'team/fra/1'],
    ['how only one begins', qovery, 'shop-w', 'container/3'],
    ['how only one begins behind its place', rainbond, 'shop-st', 'team/fra/2'],
  ])('may be %s', (_, options, typed, value) => {
    expect(matchName(options, typed)).toMatchObject({ option: { value } })
  })

  it('that matches several entries names them, three at most', () => {
    expect(matchName(qovery, 'shop-api')).toEqual({
      problem: '"shop-api" matches several: "shop-api (Shop / production)", "shop-api (Shop / staging)".',
    })
    const many = ['a1', 'a2', 'a3', 'a4', 'a5'].map((label) => ({ value: `id-${label}`, label }))
    expect(matchName(many, 'a')).toEqual({ problem: '"a" matches several: "a1", "a2", "a3" and 2 more.' })
    const namesakes = ['blue', 'green'].map((description) => ({ value: description, label: 'sheep', description }))
    expect(matchName(namesakes, 'sheep')).toEqual({
      problem: '"sheep" matches several: "sheep · blue", "sheep · green".',
    })
  })

  it('that fits none says which contain it, three at most, or else which comes near', () => {
    expect(matchName(qovery, 'invocies')).toEqual({
      problem: `"invocies" isn't on the list. Did you mean "invoices"?`,
    })
    expect(matchName(qovery, 'api')).toEqual({
      problem: `"api" isn't on the list. Did you mean "shop-api (Shop / staging)" or "shop-api (Shop / production)"?`,
    })
    const many = ['woolworks-staging', 'stag', 'old-staging', 'a-staging', 'my-staging-2']
    const projects = many.map((label) => ({ value: `id-${label}`, label }))
    expect(matchName(projects, 'Staging')).toEqual({
      problem: `"Staging" isn't on the list. Did you mean "a-staging" or "old-staging" or "my-staging-2"?`,
    })
    expect(matchName(projects.slice(0, 1), 'staging')).toEqual({
      problem: `"staging" isn't on the list. Did you mean "woolworks-staging"?`,
    })
    expect(matchName([], 'shop')).toEqual({ problem: `"shop" isn't on the list.` })
  })
})

describe('a typed name is compared as people see it', () => {
  const decomposed = 'fore\u0302t-cafe\u0301'
  it.each([
    ['forêt-café', decomposed],
    [decomposed, 'forêt-café'],
    ['FORÊT-café', decomposed],
    ['shop-api', 'shop\u00ad-api'],
    ['shop\u200b-api', 'shop-api'],
    ['\ufeffshop-api\u2060', 'SHOP-API'],
    ['ｓｈｏｐ', 'shop'],
    ['shop  web', 'Shop\u00a0Web'],
    ['strasse', 'straße'],
    ['ﬁle', 'file'],
  ])('%j is %j', (typed, label) => {
    const options = [
      { value: 'other', label: 'something else' },
      { value: 'this', label: `${label} (Shop / production)` },
    ]
    expect(matchName(options, typed)).toEqual({ option: options[1] })
  })

  it('but exactly as typed where that is on the list as well', () => {
    const options = ['shop\u00ad', 'SHOP', 'shop'].map((label, at) => ({ value: `${at}`, label }))
    expect(matchName(options, 'shop')).toEqual({ option: options[2] })
    expect(matchName(options, 'Shop')).toMatchObject({ problem: expect.stringContaining('"Shop" matches several') })
  })

  it('and is nothing where nobody sees anything', () => {
    expect(matchName(qovery, '\u200b')).toEqual({ problem: `"" isn't on the list.` })
  })
})

describe('a typed name with an emoji', () => {
  it('which Slack sends as a word, is to be picked from the list', () => {
    const options = [{ value: '1', label: 'shop-🐑' }]
    expect(matchName(options, 'shop-:sheep:')).toEqual({
      problem: `"shop-:sheep:" isn't on the list. Names with an emoji can't be typed: choose from the list.`,
    })
    expect(matchName(options, 'shop-🐑')).toEqual({ option: options[0] })
    expect(matchName([{ value: '1', label: 'shop-:sheep:' }], 'shop-:sheep:')).toMatchObject({ option: { value: '1' } })
  })
})

describe('typed names without end', () => {
  const options = Array.from({ length: 10_000 }, (_, at) => ({ value: `id-${at}`, label: `forêt-${at} (Shop / café)` }))

  it('cost no more than a moment, however long they are and however many', async () => {
    await expectCpuBelow(1_000, () => matchName(options, 'x'.repeat(1_390)))
    await expectCpuBelow(1_500, () =>
      matchNames(
        options,
        Array.from({ length: 1_500 }, (_, at) => `nothing like it ${at}`),
      ),
    )
  })

  it('are limited to a hundred, because a list shows no more as chosen', () => {
    const found = matchNames(
      options,
      Array.from({ length: 150 }, (_, at) => `id-${at}`),
    )
    expect(found.filter((meaning) => 'option' in meaning)).toHaveLength(100)
    expect(found[100]).toEqual({ problem: 'Choose at most 100.' })
  })

  it('never push the advice out of the sentence under a field', () => {
    const long = `shop-${'x'.repeat(1_000)}`
    const namesakes = ['a', 'b', 'c', 'd'].map((end) => ({ value: end, label: `${long}${end}` }))
    for (const [list, typed, advice] of [
      [namesakes, long, / and 1 more\.$/],
      [namesakes, long.slice(1, 150), /Did you mean ".*" or ".*" or ".*"\?$/],
      [namesakes, `${long}:sheep:`, /can't be typed: choose from the list\.$/],
    ] as const) {
      const meaning = matchName(list, typed)
      const problem = meaning && 'problem' in meaning ? meaning.problem : ''
      expect(problem).toMatch(advice)
      expect(problem.length).toBeLessThanOrEqual(300)
    }
    expect(matchById([], { value: 'x', label: long })).toMatchObject({
      problem: expect.stringMatching(/^"shop-x+…x+" is no longer on the list\.$/),
    })
  })
})

it('a picked entry is read again by its very value, whatever label came back', () => {
  const label = 'shop-web (Shop / staging)'
  expect(matchById(qovery, { value: 'container/3', label })).toEqual({ option: qovery[2] })
  for (const value of ['Container/3', 'shop-web', 'container']) {
    expect(matchById(qovery, { value, label })).toEqual({ problem: `"${label}" is no longer on the list.` })
  }
})

it('fields are worked on when those they depend on are done, all others at once', async () => {
  const happened: string[] = []
  const fields = [fieldOf('app'), fieldOf('addon', { dependsOn: ['app'] }), fieldOf('project')]
  await inDependencyOrder(fields, async ({ key }) => {
    happened.push(`${key} begins`)
    await Promise.resolve()
    happened.push(`${key} ends`)
  })
  expect(happened.slice(0, 2)).toEqual(['app begins', 'project begins'])
  expect(happened.indexOf('addon begins')).toBeGreaterThan(happened.indexOf('app ends'))
})
