import { describe, expect, it } from 'vitest'
import { inTurn, meaningOf, readAgain } from '../../src/commands/typed-names.js'
import { fieldOf } from '../helpers/field.js'

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
    expect(meaningOf(options, typed)).toMatchObject({ option: { value } })
  })

  it('that fits several entries names them, three at most', () => {
    expect(meaningOf(qovery, 'shop-api')).toEqual({
      problem: '"shop-api" fits several: "shop-api (Shop / production)", "shop-api (Shop / staging)".',
    })
    const many = ['a1', 'a2', 'a3', 'a4', 'a5'].map((label) => ({ value: `id-${label}`, label }))
    expect(meaningOf(many, 'a')).toEqual({ problem: '"a" fits several: "a1", "a2", "a3" and 2 more.' })
    const twins = ['blue', 'green'].map((description) => ({ value: description, label: 'sheep', description }))
    expect(meaningOf(twins, 'sheep')).toEqual({ problem: '"sheep" fits several: "sheep · blue", "sheep · green".' })
  })

  it('that fits none says which contain it, three at most, or else which comes near', () => {
    expect(meaningOf(qovery, 'invocies')).toEqual({
      problem: 'There is no "invocies" on the list. Did you mean "invoices"?',
    })
    expect(meaningOf(qovery, 'api')).toEqual({
      problem:
        'There is no "api" on the list. Did you mean "shop-api (Shop / staging)" or "shop-api (Shop / production)"?',
    })
    const many = ['woolworks-staging', 'stag', 'old-staging', 'a-staging', 'my-staging-2']
    const projects = many.map((label) => ({ value: `id-${label}`, label }))
    expect(meaningOf(projects, 'Staging')).toEqual({
      problem: 'There is no "Staging" on the list. Did you mean "a-staging" or "old-staging" or "my-staging-2"?',
    })
    expect(meaningOf(projects.slice(0, 1), 'staging')).toEqual({
      problem: 'There is no "staging" on the list. Did you mean "woolworks-staging"?',
    })
    expect(meaningOf([], 'shop')).toEqual({ problem: 'There is no "shop" on the list.' })
  })
})

it('a picked entry is read again by its very value, whatever label came back', () => {
  const label = 'shop-web (Shop / staging)'
  expect(readAgain(qovery, { value: 'container/3', label })).toEqual({ option: qovery[2] })
  for (const value of ['Container/3', 'shop-web', 'container']) {
    expect(readAgain(qovery, { value, label })).toEqual({ problem: `"${label}" is not on the list any more.` })
  }
})

it('fields are worked on when those they depend on are done, all others at once', async () => {
  const happened: string[] = []
  const fields = [fieldOf('app'), fieldOf('addon', { dependsOn: ['app'] }), fieldOf('project')]
  await inTurn(fields, async ({ key }) => {
    happened.push(`${key} begins`)
    await Promise.resolve()
    happened.push(`${key} ends`)
  })
  expect(happened.slice(0, 2)).toEqual(['app begins', 'project begins'])
  expect(happened.indexOf('addon begins')).toBeGreaterThan(happened.indexOf('app ends'))
})
